"""Record a run that the memo answered: one row, on sqlite3 alone, because the whole hit costs less than Typer."""

from __future__ import annotations

import os
import sqlite3

from synapse_cli import __version__
from synapse_cli.core.database import identity
from synapse_cli.core.ids import new_run_id
from synapse_cli.ledger import damage, schema, sums
from synapse_cli.ledger.histogram import one

TYPE_CHECKING = False  # see core.places
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def insert_memo_run(
    path: str,
    facts: Mapping[str, str],
    started: float,
    latency_s: float,
    exit_code: int,
    *,
    run_id: str | None = None,
) -> str | None:
    """Write the row of a memo hit; return a warning instead of raising.

    `facts` are those of `ledger.book.memo_facts`: what is true of the answer, whoever prints it again.
    """
    found, run_id = identity(path), run_id or new_run_id(started)

    def write() -> None:
        book = schema.opened(path)
        try:
            _insert(book, facts, started, latency_s, exit_code, run_id=run_id)
        finally:
            book.close()

    try:
        return _or_begin_anew(path, found, write)
    except schema.Newer as error:
        return str(error)
    except (sqlite3.Error, OSError, ValueError) as error:
        remedy = damage.remedy(error)
        return f"the ledger {path} cannot be written: {error}: this run is not recorded" + (remedy and f" ({remedy})")


def _or_begin_anew(path: str, found: tuple[int, int] | None, write: Callable[[], None]) -> str | None:
    """Write; a damaged ledger is set aside first, which is said."""
    try:
        write()
    except sqlite3.DatabaseError as error:
        if not damage.is_damage(error):
            raise
        said = damage.set_aside(path, found)
        write()
        return said
    return None


def _insert(
    book: sqlite3.Connection, facts: Mapping[str, str], started: float, latency_s: float, exit_code: int, *, run_id: str
) -> None:
    confidence = facts.get("confidence")
    book.execute("BEGIN IMMEDIATE")
    book.execute(
        "INSERT INTO runs (id, started, command, version, pid, exit_code, tier, model, accepted, cached, memo_of,"
        " confidence, latency_s, input, output, cached_input, reasoning, estimated, cost, saved, prompt, answer,"
        " profile, tenant, booked) VALUES (?, ?, 'run', ?, ?, ?, ?, ?, 1, 1, ?, ?, ?, 0, 0, 0, 0, 0, '0', ?, ?, ?, ?,"
        " ?, 1)",
        (
            run_id,
            started,
            __version__,
            os.getpid(),
            exit_code,
            facts.get("tier"),
            facts.get("model"),
            facts.get("run"),
            None if confidence is None else float(confidence),
            latency_s,
            facts.get("saved"),
            facts.get("prompt"),
            facts.get("answer"),
            facts.get("profile"),
            facts.get("tenant"),
        ),
    )
    book.execute(
        "INSERT INTO decisions (run, route, why, source, runners_up, input, output, estimated, cost)"
        " VALUES (?, ?, ?, 'memo', '[]', 0, 0, 0, '0')",
        (run_id, facts.get("route", "-"), "answered before: the same command line, and nothing has changed"),
    )
    _add_to_sums(book, facts, started, latency_s, exit_code)
    book.execute("COMMIT")


def _add_to_sums(
    book: sqlite3.Connection, facts: Mapping[str, str], started: float, latency_s: float, exit_code: int
) -> None:
    """What `booking` would add for these rows; a test holds the two equal."""
    model, saved = facts.get("model", "-"), facts.get("saved")
    of = sums.series(
        book,
        model=model,
        route=facts.get("route", "-"),
        provider=sums.provider_of(book, model),
        tenant=facts.get("tenant"),
        outcome="accepted" if exit_code == 0 else "interrupted" if exit_code in {130, 141} else "failed",
    )
    counts = {
        "runs": 1,
        "accepted": 1,
        "cached": 1,
        "saved": sums.pico(saved),
        "saved_unknown": int(saved is None and exit_code == 0),
        "run_latency_s": latency_s,
        "run_latencies": one(latency_s),
        **_answer(facts),
    }
    hour = sums.hour_of(started)
    sums.add(book, hour, of, counts)
    book.execute(
        "INSERT INTO tallies VALUES (?, ?, 'memo', '', 1, 0, 0, 0) ON CONFLICT DO UPDATE SET n = n + 1", (hour, of)
    )


def _answer(facts: Mapping[str, str]) -> Mapping[str, float]:
    """What the answer took when it was made; nothing where its run is not recorded."""
    if "run" not in facts:
        return {}
    told = [int(number) for number in facts["tokens"].split()] if "tokens" in facts else [None] * 4
    return sums.answer_counts(*told)

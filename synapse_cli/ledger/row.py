"""Record a run that the memo answered: one row, on sqlite3 alone, because the whole hit costs less than Typer."""

from __future__ import annotations

import os
import sqlite3

from synapse_cli import __version__
from synapse_cli.core.ids import new_run_id
from synapse_cli.ledger import schema

TYPE_CHECKING = False  # see core.places
if TYPE_CHECKING:
    from collections.abc import Mapping


def insert_memo_run(
    path: str, facts: Mapping[str, str], started: float, latency_s: float, exit_code: int
) -> str | None:
    """Write the row of a memo hit; return a warning instead of raising.

    `facts` are those of `ledger.book.memo_facts`: what is true of the answer, whoever prints it again.
    """
    try:
        book = schema.opened(path)
        try:
            _insert(book, facts, started, latency_s, exit_code)
        finally:
            book.close()
    except schema.Newer as error:
        return str(error)
    except (sqlite3.Error, OSError, ValueError) as error:
        return f"the ledger {path} cannot be written: {error}: this run is not recorded"
    return None


def _insert(
    book: sqlite3.Connection, facts: Mapping[str, str], started: float, latency_s: float, exit_code: int
) -> None:
    run_id = new_run_id(started)
    confidence = facts.get("confidence")
    book.execute("BEGIN IMMEDIATE")
    book.execute(
        "INSERT INTO runs (id, started, command, version, pid, exit_code, tier, model, accepted, cached, memo_of,"
        " confidence, latency_s, input, output, cached_input, reasoning, estimated, cost, saved, prompt, answer,"
        " profile) VALUES (?, ?, 'run', ?, ?, ?, ?, ?, 1, 1, ?, ?, ?, 0, 0, 0, 0, 0, '0', ?, ?, ?, ?)",
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
        ),
    )
    book.execute(
        "INSERT INTO decisions VALUES (?, ?, ?, 'memo', NULL, '[]', 0, 0, 0)",
        (run_id, facts.get("route", "-"), "answered before: the same command line, and nothing has changed"),
    )
    book.execute("COMMIT")

"""Which accepted answers wait to be compared with a dearer tier's, and how did they fare?

The queue is a table beside the runs. An entry is taken by one process at a time; what was paid for is written down
before anything else is done with it, so that whoever is killed pays for nothing twice.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Literal, TypeVar

from synapse_cli.core.errors import InputError
from synapse_cli.core.ids import new_run_id
from synapse_cli.core.prompt import Json
from synapse_cli.ledger import blobs, damage, schema
from synapse_cli.ledger.booking import rebook
from synapse_cli.ledger.prune import drop_unused_texts
from synapse_cli.ledger.reading import instant, may_still_run
from synapse_cli.ledger.rows import money_text, sayable
from synapse_cli.ledger.totals import opened, unreadable

T = TypeVar("T")
Result = Literal["same", "tie", "better", "worse"]
"""How the accepted answer fared: the same as the dearer tier's, as good, better, or worse."""
RESULTS: tuple[Result, ...] = ("same", "tie", "better", "worse")
STATES = ("waiting", "asking", "in doubt", "done", "failed")
"""In doubt is what was being asked when its process was killed: what it cost is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """An answer to be looked at again, with all that was asked."""

    run: str
    profile: str
    """Path of the profile under which it was answered: under another one it is sent nowhere."""
    model: str
    """Who answered."""
    target: str
    """Who is to answer again."""
    judge: str
    request: str
    """What was asked, as `flows.shadow` writes it down."""
    tenant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of the queue that was taken, and what is known of it from an earlier time."""

    queued: Queued
    prompt: str | None
    answer: str | None
    """The accepted one; None where texts are kept no more."""
    again: str | None
    """The dearer tier's answer, where it is paid for already."""
    cost: Decimal | None
    """Of that."""


def queue(book: sqlite3.Connection, queued: Queued, now: float) -> None:
    """Put an answer into the queue; within the transaction that records its run."""
    book.execute(
        "INSERT OR IGNORE INTO shadows (run, queued, profile, tenant, model, target, judge, request, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting')",
        (
            queued.run,
            now,
            sayable(queued.profile),
            sayable(queued.tenant),
            queued.model,
            queued.target,
            queued.judge,
            blobs.put(book, queued.request),
        ),
    )


class Queue:
    """The queue of one ledger. Every change is one transaction. Raises InputError where it cannot be written."""

    def __init__(self, path: str, profile: str, *, tenant: str | None = None) -> None:
        self._path = path
        self._profile = profile
        self._tenant = tenant

    def waiting(self) -> list[str]:
        """The runs that wait under this profile, the oldest first."""
        which = "state = 'waiting' AND profile = ?1 AND (?2 IS NULL OR tenant = ?2)"
        query = f"SELECT run FROM shadows WHERE {which} ORDER BY run"  # noqa: S608  # our own words
        with closing(opened(self._path)) as book:
            return [str(run) for (run,) in book.execute(query, (self._profile, self._tenant))]

    def peek(self, run: str) -> tuple[str | None, str]:
        """On whose behalf an entry was asked, and what; empty where its text is not kept any more."""
        query = "SELECT s.tenant, r.prompt FROM shadows s LEFT JOIN runs r ON r.id = s.run WHERE s.run = ?"
        with closing(opened(self._path)) as book:
            row = book.execute(query, (run,)).fetchone()
            return (None, "") if row is None else (row[0], blobs.get(book, row[1]) or "")

    def elsewhere(self) -> int:
        """How many wait under other profiles."""
        query = "SELECT count(*) FROM shadows WHERE state = 'waiting' AND profile <> ?"
        with closing(opened(self._path)) as book:
            return int(book.execute(query, (self._profile,)).fetchone()[0])

    def take_back(self, now: float, *, retry: bool) -> int:
        """Free what a process that is no more had taken; return how many are in doubt.

        An entry whose call was out when its process ended is in doubt, and waits again only with `retry`.
        """
        with self._writing() as book:
            for row in book.execute("SELECT * FROM shadows WHERE state = 'asking'").fetchall():
                if not may_still_run({"started": row["began"], "pid": row["pid"]}, now):
                    _keep_paid(book, row)
                    state = "in doubt" if _is_out(book, row["shadow_run"]) else "waiting"
                    book.execute("UPDATE shadows SET state = ? WHERE run = ?", (state, row["run"]))
            if retry:
                book.execute("UPDATE shadows SET state = 'waiting' WHERE state IN ('in doubt', 'failed')")
            return int(book.execute("SELECT count(*) FROM shadows WHERE state = 'in doubt'").fetchone()[0])

    def take(self, run: str, shadow_run: str, now: float) -> Entry | None:
        """Take an entry, so that no other process does; None where one was faster."""
        update = "UPDATE shadows SET state = 'asking', shadow_run = ?, pid = ?, began = ? WHERE run = ? AND state = ?"
        with self._writing() as book:
            if book.execute(update, (shadow_run, os.getpid(), now, run, "waiting")).rowcount == 0:
                return None
            row = book.execute(
                "SELECT s.*, r.prompt AS asked, r.answer AS given FROM shadows s JOIN runs r ON r.id = s.run"
                " WHERE s.run = ?",
                (run,),
            ).fetchone()
            return None if row is None else _entry(book, row)

    def answered(self, run: str, text: str, cost: Decimal | None) -> None:
        """Keep the dearer tier's answer, before it is judged."""
        with self._writing() as book:
            update = "UPDATE shadows SET answer = ?, cost = ? WHERE run = ?"
            book.execute(update, (blobs.put(book, text), money_text(cost), run))

    def done(self, run: str, result: Result, now: float) -> None:
        """Write down how the answer fared; the sums learn of it too."""
        with self._writing() as book:
            update = "UPDATE shadows SET state = 'done', result = ?, ended = ?, why = NULL WHERE run = ?"
            rebook(book, run, lambda: book.execute(update, (result, now, run)))

    def failed(self, run: str, why: str, *, again: bool) -> None:
        """Write down why an entry could not be compared; with `again` it waits for the next time."""
        with self._writing() as book:
            state = "waiting" if again else "failed"
            book.execute("UPDATE shadows SET state = ?, why = ? WHERE run = ?", (state, sayable(why), run))

    def clear(self, *, before: float | None = None, everything: bool = False) -> int:
        """Drop what waits, failed or is in doubt (begun before an instant), or everything; return how many."""
        where, values = "(?1 IS NULL OR tenant = ?1)", [self._tenant]
        if before is not None:
            where, values = f"{where} AND run < ?", [*values, new_run_id(max(0.0, before), b"\0" * 7)]
        if not everything:
            where = f"{where} AND state IN ('waiting', 'in doubt', 'failed')"
        with self._writing() as book:
            query = f"SELECT run, request, answer FROM shadows WHERE {where}"  # noqa: S608  # our own words
            rows = book.execute(query, values).fetchall()
            for row in rows:
                rebook(book, row["run"], partial(book.execute, "DELETE FROM shadows WHERE run = ?", (row["run"],)))
            drop_unused_texts(book, {name for row in rows for name in row[1:] if name is not None})
        return len(rows)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(schema.opened(self._path) if os.path.exists(self._path) else schema.empty()) as book:
                book.row_factory = sqlite3.Row
                book.execute("BEGIN IMMEDIATE")
                try:
                    yield book
                    book.execute("COMMIT")
                except BaseException:
                    if book.in_transaction:
                        book.execute("ROLLBACK")
                    raise
        except (sqlite3.Error, OSError, schema.Newer) as error:
            what = f"the queue in {self._path} cannot be written: {error}"
            raise InputError(what, damage.remedy(error)) from error


def entries(
    path: str, *, state: str | None = None, tenant: str | None = None, most: int | None = None
) -> list[dict[str, Json]]:
    """The queue and what became of it, newest first. Raises InputError."""
    query = (
        "SELECT s.*, r.prompt AS asked, r.answer AS given, d.route FROM shadows s LEFT JOIN runs r ON r.id = s.run"
        " LEFT JOIN decisions d ON d.run = s.run WHERE (?1 IS NULL OR s.state = ?1)"
        " AND (?2 IS NULL OR s.tenant = ?2) ORDER BY s.run DESC LIMIT ?3"
    )
    return _read(path, lambda book: [_told(book, row) for row in book.execute(query, (state, tenant, most or -1))])


def counts(path: str, *, tenant: str | None = None) -> dict[str, int]:
    """State → how many entries are in it. Raises InputError."""
    query = "SELECT state, count(*) FROM shadows WHERE ?1 IS NULL OR tenant = ?1 GROUP BY 1"
    found = _read(path, lambda book: dict(book.execute(query, (tenant,)).fetchall()))
    return {state: int(found.get(state, 0)) for state in STATES}


def fared(path: str, *, tenant: str | None = None) -> list[tuple[str, str, str, dict[str, int]]]:
    """(route, model, dearer tier, result → how often), of what was compared. Raises InputError."""
    query = (
        "SELECT coalesce(d.route, '-'), s.model, s.target, s.result, count(*) FROM shadows s"
        " LEFT JOIN decisions d ON d.run = s.run WHERE s.result IS NOT NULL AND (?1 IS NULL OR s.tenant = ?1)"
        " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3"
    )
    held: dict[tuple[str, str, str], dict[str, int]] = {}
    for route, model, target, result, n in _read(path, lambda book: book.execute(query, (tenant,)).fetchall()):
        held.setdefault((route, model, target), dict.fromkeys(map(str, RESULTS), 0))[result] = n
    return [(*key, results) for key, results in held.items()]


def spent(path: str, since: float) -> Decimal:
    """Dollars that comparing has cost since an instant; what nobody knows is not in it. Raises InputError."""
    query = "SELECT cost FROM runs WHERE command = 'shadow' AND id >= ? AND cost IS NOT NULL"
    first = new_run_id(max(0.0, since), b"\0" * 7)
    return sum(
        (Decimal(cost) for (cost,) in _read(path, lambda book: book.execute(query, (first,)).fetchall())), Decimal(0)
    )


def _read(path: str, ask: Callable[[sqlite3.Connection], T]) -> T:
    with closing(opened(path)) as book:
        try:
            return ask(book)
        except sqlite3.Error as error:
            raise unreadable(path, error) from error


def _entry(book: sqlite3.Connection, row: sqlite3.Row) -> Entry:
    queued = Queued(
        run=row["run"],
        profile=row["profile"],
        model=row["model"],
        target=row["target"],
        judge=row["judge"],
        request=blobs.get(book, row["request"]) or "",
        tenant=row["tenant"],
    )
    return Entry(
        queued=queued,
        prompt=blobs.get(book, row["asked"]),
        answer=blobs.get(book, row["given"]),
        again=blobs.get(book, row["answer"]),
        cost=None if row["cost"] is None else Decimal(row["cost"]),
    )


def _keep_paid(book: sqlite3.Connection, row: sqlite3.Row) -> None:
    """Take over an answer that had come when its process ended, and that it did not get to keep."""
    if row["answer"] is None:
        query = "SELECT answer, cost FROM calls WHERE run = ? AND kind = 'shadow' AND outcome = 'answered'"
        paid = book.execute(query, (row["shadow_run"],)).fetchone()
        if paid is not None:
            book.execute("UPDATE shadows SET answer = ?, cost = ? WHERE run = ?", (*paid, row["run"]))


def _is_out(book: sqlite3.Connection, shadow_run: str) -> bool:
    query = "SELECT 1 FROM calls WHERE run = ? AND outcome IS NULL"
    return book.execute(query, (shadow_run,)).fetchone() is not None


def _told(book: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Json]:
    return {
        "run_id": row["run"],
        "queued": instant(row["queued"]),
        "state": row["state"],
        "route": row["route"],
        "tenant": row["tenant"],
        "profile": row["profile"],
        "model": row["model"],
        "against": row["target"],
        "judge": row["judge"],
        "result": row["result"],
        "why": row["why"],
        "shadow_run_id": row["shadow_run"],
        "ended": None if row["ended"] is None else instant(row["ended"]),
        "cost_usd": row["cost"],
        "prompt": blobs.get(book, row["asked"]),
        "answer": blobs.get(book, row["given"]),
        "dearer_answer": blobs.get(book, row["answer"]),
    }

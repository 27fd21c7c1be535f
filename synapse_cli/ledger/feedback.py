"""What does a person say of an answer? Kept beside its run: what was said last counts, what was said before stays."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass

from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.ledger import blobs, damage, schema
from synapse_cli.ledger.booking import rebook
from synapse_cli.ledger.reading import resolved, status_of
from synapse_cli.ledger.rows import sayable, text_name

_RUN = (
    "SELECT r.*, d.route, d.source FROM runs r LEFT JOIN decisions d ON d.run = r.id"
    " WHERE r.id = coalesce((SELECT o.id FROM runs o JOIN runs m ON m.memo_of = o.id WHERE m.id = :id), :id)"
)
"""The run, or the one whose answer it printed again."""
_KEYS = "SELECT DISTINCT cache_key FROM attempts WHERE run = ? AND outcome = 'accepted' AND cache_key IS NOT NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What is said of an answer."""

    good: bool
    better: str | None = None
    """An answer that would have been better."""
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The answer that something was said of."""

    run_id: str
    """Of the run that made it; a hit of the memo leads there."""
    route: str | None
    model: str | None
    tenant: str | None
    prompt_hash: str | None
    answer_hash: str | None
    prompt: str | None
    before: bool | None
    """What was said of it before."""
    cache_keys: tuple[str, ...]
    """Under which calls it is kept."""
    keeps_text: bool
    """Whether the note and the better answer are kept, or nothing and a hash."""


def give(
    path: str, wanted: str, said: Feedback, now: float, *, tenant: str | None = None, keeps_text: bool = True
) -> Judged:
    """Write down what a person says of the answer of a run: an id, the beginning of one, or "last".

    Its own texts are kept only where those of the run were. Raises UsageError for a run that is not there, is still
    running, or gave no answer; InputError where the ledger cannot be written.
    """
    try:
        with closing(_opened(path)) as book:
            book.row_factory = sqlite3.Row
            book.execute("BEGIN IMMEDIATE")
            try:
                judged = _give(book, path, wanted, said, now, tenant=tenant, keeps_text=keeps_text)
                book.execute("COMMIT")
            except BaseException:
                if book.in_transaction:
                    book.execute("ROLLBACK")
                raise
            return judged
    except (sqlite3.Error, OSError, schema.Newer) as error:
        what = str(error) if isinstance(error, schema.Newer) else f"the ledger {path} cannot be written: {error}"
        raise InputError(f"{what.partition(': this run')[0]}: nothing is kept", damage.remedy(error)) from error


def _opened(path: str) -> sqlite3.Connection:
    return schema.opened(path) if os.path.exists(path) else schema.empty()


def _give(
    book: sqlite3.Connection,
    path: str,
    wanted: str,
    said: Feedback,
    now: float,
    *,
    tenant: str | None,
    keeps_text: bool,
) -> Judged:
    row = book.execute(_RUN, {"id": resolved(book, path, wanted, tenant)}).fetchone()
    _check(row, now)
    prompt = blobs.get(book, row["prompt"])
    before = book.execute("SELECT good FROM feedback WHERE run = ? ORDER BY id DESC LIMIT 1", (row["id"],)).fetchone()
    keeps_text = keeps_text and prompt is not None
    values = (
        row["id"],
        now,
        said.good,
        text_name(book, said.better, keeps_text=keeps_text),
        sayable(said.note) if keeps_text else None,
    )
    insert = "INSERT INTO feedback (run, at, good, better, note) VALUES (?, ?, ?, ?, ?)"
    rebook(book, row["id"], lambda: book.execute(insert, values))
    return Judged(
        run_id=row["id"],
        route=row["route"],
        model=row["model"],
        tenant=row["tenant"],
        prompt_hash=row["prompt"],
        answer_hash=row["answer"],
        prompt=prompt,
        before=None if before is None else bool(before[0]),
        cache_keys=tuple(key for (key,) in book.execute(_KEYS, (row["id"],))),
        keeps_text=keeps_text,
    )


def _check(row: sqlite3.Row, now: float) -> None:
    status = status_of(row, now)
    if status == "running":
        raise UsageError(f"run {row['id']} is still running", "say it when it has answered")
    if row["answer"] is None:
        hint = f"synapse log show {row['id']} shows what became of it"
        raise UsageError(f"run {row['id']} gave no answer that could be good or bad", hint)

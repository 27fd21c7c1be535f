"""Keep the ledger within its age and size, a little at each run, so that no run pays for it all."""

from __future__ import annotations

import sqlite3

from synapse_cli.ledger import index
from synapse_cli.ledger.booking import book_run
from synapse_cli.ledger.rows import drop

AT_A_TIME = 64
"""Runs dropped by one call: more than one run adds, so a ledger that is over shrinks, and few enough not to be felt."""
_FREE_PAGES = 256
_TEXTS = (
    "SELECT prompt, system, answer FROM runs WHERE id = ?",
    "SELECT answer FROM attempts WHERE run = ?",
    "SELECT answer FROM calls WHERE run = ?",
)
_UNUSED = (
    "SELECT rowid FROM blobs WHERE sha256 = :name AND NOT EXISTS (SELECT 1 FROM runs WHERE prompt = :name)"
    " AND NOT EXISTS (SELECT 1 FROM runs WHERE system = :name) AND NOT EXISTS (SELECT 1 FROM runs WHERE answer = :name)"
    " AND NOT EXISTS (SELECT 1 FROM attempts WHERE answer = :name)"
)


def prune(book: sqlite3.Connection, *, before: float | None, max_size: int, but: str = "") -> int:
    """Drop the oldest runs that started before an instant or are over the size; return how many.

    Runs within the caller's transaction. `but` is the run being written, which stays.
    """
    old: list[str] = []
    if before is not None:
        old = _oldest(book, "started < ? AND id <> ?", (before, but))
    if not old and _bytes_used(book) > max_size:
        old = _oldest(book, "id <> ?", (but,))
    if old:
        _drop(book, old)
    return len(old)


def give_back_space(book: sqlite3.Connection) -> None:
    """Return free pages to the file system, a few at a time. Not within a transaction."""
    free: int = book.execute("PRAGMA freelist_count").fetchone()[0]
    if free > _FREE_PAGES:
        book.execute(f"PRAGMA incremental_vacuum({_FREE_PAGES})").fetchall()


def _oldest(book: sqlite3.Connection, which: str, values: tuple[object, ...]) -> list[str]:
    rows = book.execute(f"SELECT id FROM runs WHERE {which} ORDER BY id LIMIT {AT_A_TIME}", values)  # noqa: S608  # our own words
    return [row[0] for row in rows]


def _bytes_used(book: sqlite3.Connection) -> int:
    pages, free, size = (
        book.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _drop(book: sqlite3.Connection, runs: list[str]) -> None:
    names: set[str] = set()
    for run in runs:
        book_run(book, run)  # one that never ended, or an old one: what it spent stays spent
        for query in _TEXTS:
            names.update(name for row in book.execute(query, (run,)) for name in row if name is not None)
        drop(book, run)
        book.execute("DELETE FROM calls WHERE run = ?", (run,))
    for name in sorted(names):
        _drop_unused_text(book, name)
    index.drop_dead(book)


def _drop_unused_text(book: sqlite3.Connection, name: str) -> None:
    """Delete a text that no run and no attempt names any more."""
    row = book.execute(_UNUSED, {"name": name}).fetchone()
    if row is not None:
        index.note_dead(book, row[0])
        book.execute("DELETE FROM blobs WHERE rowid = ?", (row[0],))

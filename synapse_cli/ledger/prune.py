"""Keep the ledger within its age and size, a little at each run, so that no run pays for it all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

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
    "SELECT better FROM feedback WHERE run = ?",
    "SELECT request, answer FROM shadows WHERE run = ?",
)
_UNUSED = (
    "SELECT rowid FROM blobs WHERE sha256 = :name AND NOT EXISTS (SELECT 1 FROM runs WHERE prompt = :name)"
    " AND NOT EXISTS (SELECT 1 FROM runs WHERE system = :name) AND NOT EXISTS (SELECT 1 FROM runs WHERE answer = :name)"
    " AND NOT EXISTS (SELECT 1 FROM attempts WHERE answer = :name)"
    " AND NOT EXISTS (SELECT 1 FROM feedback WHERE better = :name)"
    " AND NOT EXISTS (SELECT 1 FROM shadows WHERE request = :name)"
    " AND NOT EXISTS (SELECT 1 FROM shadows WHERE answer = :name)"
)


def prune(book: sqlite3.Connection, *, before: float | None, max_size: int, but: str = "") -> int:
    """Drop the oldest runs that started before an instant or are over the size; return how many.

    Runs within the caller's transaction. `but` is the run being written, which stays.
    """
    dropped = 0 if before is None else drop_oldest(book, AT_A_TIME, before=before, but=but)
    if not dropped and bytes_used(book) > max_size:
        return drop_oldest(book, AT_A_TIME, but=but)
    return dropped


def drop_oldest(
    book: sqlite3.Connection, most: int, *, before: float | None = None, but: str = "", tenant: str | None = None
) -> int:
    """Drop up to so many of the oldest runs; return how many. Within the caller's transaction."""
    values: list[object] = [but]
    where = "id <> ?"
    if before is not None:
        where, values = f"{where} AND started < ?", [*values, before]
    if tenant is not None:
        where, values = f"{where} AND tenant = ?", [*values, tenant]
    query = f"SELECT id FROM runs WHERE {where} ORDER BY id LIMIT ?"  # noqa: S608  # our own words
    old = [row[0] for row in book.execute(query, (*values, most))]
    if old:
        _drop(book, old)
    return len(old)


def give_back_space(book: sqlite3.Connection) -> bool:
    """Return free pages to the file system, a few at a time; whether there are more. Not within a transaction."""
    free: int = book.execute("PRAGMA freelist_count").fetchone()[0]
    if free <= _FREE_PAGES:
        return False
    book.execute(f"PRAGMA incremental_vacuum({_FREE_PAGES})").fetchall()
    return bool(book.execute("PRAGMA freelist_count").fetchone()[0] < free)


def bytes_used(book: sqlite3.Connection) -> int:
    """Bytes of the pages that hold something."""
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
        for table in ("calls", "feedback", "shadows", "grades"):  # what people and judges said stays in the sums
            book.execute(f"DELETE FROM {table} WHERE run = ?", (run,))  # noqa: S608  # our own words
    drop_unused_texts(book, names)


def drop_unused_texts(book: sqlite3.Connection, names: Iterable[str]) -> None:
    """Delete those of these texts that nothing names any more; within the caller's transaction."""
    for name in sorted(names):
        _drop_unused_text(book, name)
    index.drop_dead(book)


def _drop_unused_text(book: sqlite3.Connection, name: str) -> None:
    """Delete a text that nothing names any more."""
    row = book.execute(_UNUSED, {"name": name}).fetchone()
    if row is not None:
        index.note_dead(book, row[0])
        book.execute("DELETE FROM blobs WHERE rowid = ?", (row[0],))

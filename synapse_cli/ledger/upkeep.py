"""How is a ledger made smaller on purpose? Runs are forgotten until it is young or small enough, and its file folded.

What runs came to stays in the sums of their hours, whatever is forgotten.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from synapse_cli.core.errors import InputError
from synapse_cli.ledger import index, schema
from synapse_cli.ledger.prune import bytes_used, drop_oldest, give_back_space

_AT_A_TIME = 500
_SAMPLE = 997
"""Every so manieth text is compared before and after: the index knows texts by the numbers of their rows."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many runs were forgotten, or would be, and how large the file is then. Bytes of a dry run are an estimate."""

    runs: int
    bytes_before: int
    bytes_after: int


def prune(
    path: str,
    *,
    before: float | None,
    max_size: int | None,
    tenant: str | None = None,
    dry_run: bool = False,
    say: Callable[[int], None] = lambda _: None,
) -> Pruned:
    """Forget the oldest runs: those from before an instant, and as many more as the size asks for.

    In many small transactions, so that whoever records a run meanwhile hardly waits. `say` hears how many are gone.
    Raises InputError.
    """
    with _opened(path) as book:
        size = bytes_used(book)
        if dry_run:
            runs, left = _foreseen(book, before, max_size, tenant, size)
            return Pruned(runs, size, left)
        gone, each = 0, size / max(1, book.execute("SELECT count(*) FROM runs").fetchone()[0])
        while dropped := _drop_some(book, before, max_size, tenant, each):
            gone += dropped
            say(gone)
        while give_back_space(book):
            pass
        return Pruned(gone, size, bytes_used(book))


def vacuum(path: str, max_size: int, say: Callable[[str], None] = lambda _: None) -> tuple[int, int]:
    """Fold the file together and take every text into the index; return the bytes before and after.

    Needs as much free space again as the file takes. Raises InputError.
    """
    before = _size(path)
    free = shutil.disk_usage(os.path.dirname(path) or ".").free if before else 0
    if before > free:
        raise InputError(
            f"folding {path} takes {before} bytes of free space, and there are {free}",
            "synapse log prune makes it smaller without",
        )
    with _opened(path) as book:
        index.catch_up(book, max_size, lambda left: say(f"{left} texts to index"))
        say("folding")
        sample = "SELECT rowid, sha256 FROM blobs WHERE rowid % ? = 0"
        known = book.execute(sample, (_SAMPLE,)).fetchall()
        book.execute("VACUUM")
        if book.execute(sample, (_SAMPLE,)).fetchall() != known:  # SQLite may renumber rows, and does not so far
            index.forget(book)
            index.catch_up(book, max_size, lambda left: say(f"{left} texts to index"))
    return before, _size(path)


def _drop_some(
    book: sqlite3.Connection, before: float | None, max_size: int | None, tenant: str | None, each: float
) -> int:
    """Drop some runs: those that are too old, else half of those that are too many, at `each` bytes a run."""
    book.execute("BEGIN IMMEDIATE")
    try:
        dropped = 0
        if before is not None:
            dropped = drop_oldest(book, _AT_A_TIME, before=before, tenant=tenant)
        if not dropped and max_size is not None and bytes_used(book) > max_size:
            too_many = int((bytes_used(book) - max_size) / each / 2)
            dropped = drop_oldest(book, max(1, min(_AT_A_TIME, too_many)), tenant=tenant)
        book.execute("COMMIT")
    except BaseException:
        if book.in_transaction:
            book.execute("ROLLBACK")
        raise
    return dropped


def _foreseen(
    book: sqlite3.Connection, before: float | None, max_size: int | None, tenant: str | None, size: int
) -> tuple[int, int]:
    """Runs that would go, and the bytes that would be left, as if every run took the same."""
    whose, values = ("1", []) if tenant is None else ("tenant = ?", [tenant])
    runs = book.execute(f"SELECT count(*) FROM runs WHERE {whose}", values).fetchone()[0]  # noqa: S608  # our own words
    each = size / max(1, book.execute("SELECT count(*) FROM runs").fetchone()[0])
    old = f"SELECT count(*) FROM runs WHERE started < ? AND {whose}"  # noqa: S608  # our own words
    gone = 0 if before is None else book.execute(old, (before, *values)).fetchone()[0]
    if max_size is not None and size - gone * each > max_size:
        gone = min(runs, gone + int((size - gone * each - max_size) / each) + 1)
    return gone, int(size - gone * each)


@contextmanager
def _opened(path: str) -> Iterator[sqlite3.Connection]:
    try:
        with closing(schema.opened(path) if os.path.exists(path) else schema.empty()) as book:
            yield book
    except (sqlite3.Error, OSError, schema.Newer) as error:
        raise InputError(f"the ledger {path} cannot be written: {error}", "") from error


def _size(path: str) -> int:
    return sum(os.path.getsize(path + suffix) for suffix in ("", "-wal") if os.path.exists(path + suffix))

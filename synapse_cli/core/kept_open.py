"""Which databases stay open between the runs of one process? Opening one costs ten times what a run writes there.

A program that makes one run closes its files, so that it leaves no write-ahead log behind. One that makes many (a
worker, a bench) leaves it here for the next. Each connection has one user at a time.
"""

from __future__ import annotations

import os
import sqlite3
from threading import Lock

from synapse_cli.core.database import identity

_MOST = 8
"""Connections kept for one file: as many as threads usually write."""
_kept: dict[tuple[str, int], list[tuple[tuple[int, int] | None, sqlite3.Connection]]] = {}
_lock = Lock()


def take(path: str) -> sqlite3.Connection | None:
    """A connection to the file that is there now, opened by this process; None where there is none."""
    with _lock:
        kept = _kept.get((path, os.getpid()), [])
        while kept:
            of, book = kept.pop()
            if of is not None and of == identity(path):
                return book
            book.close()
    return None


def put(path: str, book: sqlite3.Connection) -> bool:
    """Keep a connection for the next run; whether there was room for it."""
    of = identity(path)
    with _lock:
        kept = _kept.setdefault((path, os.getpid()), [])
        if of is None or len(kept) >= _MOST:
            return False
        kept.append((of, book))
        return True

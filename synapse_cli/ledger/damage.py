"""What becomes of a ledger that is damaged? It is set aside under another name, whole, and a new one is begun."""

from __future__ import annotations

import errno
import os
import sqlite3
import time

from synapse_cli.core.database import identity

_CORRUPT, _NOT_A_DATABASE, _CORRUPT_INDEX = 11, 26, 267
"""SQLite's result codes; the last is FTS5's, whose index can be made anew from the texts."""
_NO_ROOM, _NO_RIGHT, _HELD = (10, 13), (3, 8, 14, 23), (5, 6)
_BESIDE = ("-wal", "-shm", "-journal", "")
"""What belongs together, the file itself last: a new one must never find an old one's write-ahead log."""


def is_damage(error: BaseException) -> bool:
    """Whether an error says that the file itself is no use, rather than busy, full, read-only or another's."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.DatabaseError) or code is None:
        return False
    return code != _CORRUPT_INDEX and code & 0xFF in {_CORRUPT, _NOT_A_DATABASE}


def remedy(error: BaseException) -> str:
    """What to do about an error other than damage; empty where nothing is known to help."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    number = getattr(error, "errno", 0)
    if code in _NO_ROOM or number in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return "see whether the disk is full"
    if code in _NO_RIGHT or number in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return "see who may write there, or give --no-log"
    return "another program holds it" if code in _HELD else ""


def set_aside(path: str, damaged: tuple[int, int] | None) -> str | None:
    """Move the damaged file away with what is beside it, and return what is to be said of it.

    None where another file is there by now: another process was faster. Nothing is deleted. Raises OSError.
    """
    from synapse_cli.core.exclusive import exclusive

    with exclusive(path + ".lock"):
        if identity(path) != damaged:
            return None
        aside = _free_name(f"{path}.damaged-{time.strftime('%Y-%m-%d')}")
        for suffix in _BESIDE:
            if os.path.exists(path + suffix):
                os.rename(path + suffix, aside + suffix)
        return f"the ledger {path} was damaged: it is kept as {aside}, and a new one was begun"


def _free_name(wanted: str) -> str:
    name, number = wanted, 1
    while os.path.exists(name):
        number += 1
        name = f"{wanted}-{number}"
    return name

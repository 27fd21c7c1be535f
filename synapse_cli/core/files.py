"""What a file's content is, by SHA-256, remembered so that a GGUF of 400 MB is hashed once and not at each run."""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import stat
import time

from synapse_cli.core import database, places

TYPE_CHECKING = False  # see core.places
if TYPE_CHECKING:
    from typing import TypeAlias

    AnyPath: TypeAlias = str | bytes | os.PathLike[str]

RACY_S = 2.0
"""A file touched this lately may change again without its times showing it (FAT keeps 2 s; git does the same)."""

_CHUNK = 1 << 20
_SCRIPT = """
CREATE TABLE hashes (
  device INTEGER, inode INTEGER, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER,
  sha256 TEXT NOT NULL, seen REAL NOT NULL, proof BLOB NOT NULL, PRIMARY KEY (device, inode)
) WITHOUT ROWID
"""
_VERSION = 1
_PROBE = "SELECT proof FROM hashes LIMIT 0"
_LOCKED_S = 1.0
_MOST_ROWS = 2000


def file_sha256(path: AnyPath, folder: str | None = None) -> str:
    """Return the SHA-256 of a regular file in hex; hashed only where its stat is not known.

    `folder` is where hashes are remembered, the cache folder where None. Raises OSError for a file that
    cannot be read or is not a regular one; a memory that cannot be used is no error.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", os.fsdecode(path))
    memory = _memory(folder)
    try:
        known = _recall(memory, status)
        if known is not None:
            return known
        value, status = _hash(path)
        _remember(memory, status, value)
        return value
    finally:
        if memory is not None:
            memory.close()


def content_sha256(path: AnyPath) -> str:
    """Return the SHA-256 of a file in hex, read now."""
    return _hash(path)[0]


def is_racy(status: os.stat_result, now: float) -> bool:
    """Whether a file changed so lately that its stat does not prove its content."""
    return max(status.st_mtime, status.st_ctime) > now - RACY_S


def _hash(path: AnyPath) -> tuple[str, os.stat_result]:
    total = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest(), status


def _memory(folder: str | None) -> sqlite3.Connection | None:
    """The remembered hashes; None where they cannot be had."""
    try:
        path = os.path.join(folder or places.folder("cache", os.environ), "hashes.sqlite3")
        return database.connect_or_replace(path, _SCRIPT, _VERSION, probe=_PROBE, timeout_s=_LOCKED_S)
    except (OSError, sqlite3.Error):
        return None


def _recall(memory: sqlite3.Connection | None, status: os.stat_result) -> str | None:
    if memory is None:
        return None
    try:
        row = memory.execute(
            "SELECT sha256, proof FROM hashes"
            " WHERE device = ? AND inode = ? AND size = ? AND mtime_ns = ? AND ctime_ns = ?",
            _signature(status),
        ).fetchone()
    except sqlite3.Error:
        return None
    return str(row[0]) if row is not None and row[1] == _proof(status, row[0]) else None


def _remember(memory: sqlite3.Connection | None, status: os.stat_result, value: str) -> None:
    now = time.time()
    if memory is None or is_racy(status, now):
        return
    try:
        row = (*_signature(status), value, now, _proof(status, value))
        memory.execute("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        memory.execute(
            "DELETE FROM hashes WHERE seen < (SELECT seen FROM hashes ORDER BY seen DESC LIMIT 1 OFFSET ?)",
            (_MOST_ROWS,),
        )
    except (sqlite3.Error, OverflowError):
        return  # a memory that is full, locked or read-only only costs time


def _proof(status: os.stat_result, value: str) -> bytes:
    """That a row is whole: the memory does not wait for the disk, so a power cut may leave anything behind."""
    return hashlib.blake2b(repr((*_signature(status), value)).encode(), digest_size=16).digest()


def _signature(status: os.stat_result) -> tuple[int, int, int, int, int]:
    """Device and inode as signed 64-bit, the widest that SQLite holds."""
    return (
        status.st_dev & 0x7FFF_FFFF_FFFF_FFFF,
        status.st_ino & 0x7FFF_FFFF_FFFF_FFFF,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )

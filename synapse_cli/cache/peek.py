"""Read what diskcache keeps without importing it: a hit needs one query, and diskcache costs as much as Python itself.

This is diskcache's own fast path, over its own tables; what it does not find there is left to diskcache.
"""

from __future__ import annotations

import os
import sqlite3
import time
from threading import Lock
from urllib.parse import quote

IN_ROW, IN_FILE = 1, 2
"""diskcache's MODE_RAW and MODE_BINARY, the only two that Synapse writes."""

_QUERY = """
SELECT mode, filename, value FROM Cache
WHERE key = ? AND raw = 1 AND (expire_time IS NULL OR expire_time > ?)
"""


class Refused(ValueError):
    """A row that this program cannot have written: pickled, or pointing out of the folder."""


class Peek:
    """Reads a diskcache folder. Safe from several threads."""

    def __init__(self, folder: str) -> None:
        """Open the folder's database. Raises FileNotFoundError where there is none, or sqlite3.Error."""
        path = os.path.join(folder, "cache.db")
        os.stat(path)
        self._folder = folder
        self._lock = Lock()
        self._database = sqlite3.connect(f"file:{quote(path)}?mode=rw", uri=True, timeout=60, check_same_thread=False)

    def get(self, name: str) -> bytes | None:
        """The bytes under `name`, or None. Raises sqlite3.Error or Refused."""
        row = self._row(name)
        try:
            return None if row is None else value_of(self._folder, *row)
        except OSError:  # dropped meanwhile by another process
            return None

    def _row(self, name: str) -> tuple[int, str | None, object] | None:
        try:
            with self._lock:
                row: tuple[int, str | None, object] | None = self._database.execute(
                    _QUERY, (name, time.time())
                ).fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):  # another process has just made the file, and not yet its tables
                return None
            raise
        return row

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def value_of(folder: str, mode: int, filename: str | None, value: object) -> bytes:
    """Return the bytes that a row stands for. Raises Refused for a row of another kind, unread, or OSError."""
    if mode == IN_ROW and isinstance(value, bytes):
        return value
    if mode == IN_FILE and filename is not None:
        with open(path_inside(folder, filename), "rb") as file:
            return file.read()
    raise Refused("a value in the cache was not written by Synapse")


def path_inside(folder: str, filename: str) -> str:
    """Return the path of a value's file. Raises Refused where it lies outside the folder."""
    if os.path.isabs(filename) or ".." in filename.replace("\\", "/").split("/"):
        raise Refused("a file of the cache lies outside its folder")
    return os.path.join(folder, filename)

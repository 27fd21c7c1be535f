"""diskcache made safe: it keeps bytes and nothing else, privately. Imported only where something is written.

diskcache unpickles what it finds (CVE-2025-69872) and makes its files readable by everybody; the Disk here
stores bytes only, refuses any other row unread, and makes every file 0600.
"""

from __future__ import annotations

import os

import diskcache

from synapse_cli.cache.peek import IN_FILE, IN_ROW, Refused, path_inside, value_of
from synapse_cli.core import places

Timeout: type[Exception] = diskcache.Timeout
"""Raised where other processes hold the database for a minute."""

_LONGEST_IN_ROW = 32_768
"""Bytes from which a value gets a file of its own: diskcache's default, which its author measured."""


def opened(folder: str, max_size: int) -> diskcache.Cache:
    """Open a folder, made 0700 where it is missing. Raises OSError or sqlite3.Error."""
    places.make_private(os.path.dirname(folder))  # its parents get their usual mode, it and ours do not
    places.make_private(folder)
    path = os.path.join(folder, "cache.db")
    if not os.path.exists(path):
        # Made before diskcache does, which would make it 0644; SQLite gives its mode to the files beside it.
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    return diskcache.Cache(
        folder,
        disk=BytesOnly,
        eviction_policy="least-recently-stored",  # not of use: a hit then writes nothing and takes no lock
        size_limit=max_size,
        cull_limit=2,  # its default drops ten for each one stored, which empties a cache of a few long answers
        disk_min_file_size=_LONGEST_IN_ROW,
        sqlite_synchronous=0,  # no waiting for the disk; a record that a power cut damaged does not prove itself
    )


class BytesOnly(diskcache.Disk):  # type: ignore[misc]  # diskcache has no types
    """How keys and values lie on disk: texts for keys, bytes for values."""

    def put(self, key: str) -> tuple[str, bool]:
        """Take a key as it is."""
        if type(key) is not str:
            raise Refused("a cache key is a text")
        return key, True

    def get(self, key: object, raw: int) -> str:
        """Give a key back; one that was pickled is refused unread."""
        if not raw or not isinstance(key, str):
            raise Refused("a key in the cache was not written by Synapse")
        return key

    def store(self, value: bytes, read: bool, key: object = None) -> tuple[int, int, str | None, bytes | None]:
        """Put small values into the row, others into a file."""
        if read or type(value) is not bytes:
            raise Refused("a cached value is bytes")
        if len(value) < _LONGEST_IN_ROW:
            return 0, IN_ROW, None, value
        filename, path = self.filename(key, value)
        _write_private(path, value)
        return len(value), IN_FILE, filename, None

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> bytes:
        """Give a value back; one of a mode that would be unpickled is refused unread."""
        if read:
            raise Refused("a cached value is read whole")
        return value_of(self._directory, mode, filename, value)

    def remove(self, file_path: str) -> None:
        """Delete a value's file, if it is ours to delete."""
        path_inside(self._directory, file_path)
        super().remove(file_path)


def _write_private(path: str, value: bytes) -> None:
    """Write a new file, 0600 from creation on, whole or not at all."""
    places.make_private(os.path.dirname(os.path.dirname(path)))
    places.make_private(os.path.dirname(path))
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(value)
    except OSError:
        os.unlink(path)
        raise

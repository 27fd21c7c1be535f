"""Keep bytes on disk through diskcache, which is used for its concurrency and eviction, and not for its pickles.

diskcache unpickles what it finds (CVE-2025-69872) and makes its files readable by everybody; the Disk here
stores bytes and nothing else, refuses any other row, and makes every file 0600.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from typing import TypeVar

import diskcache
from diskcache.core import MODE_BINARY, MODE_RAW

from synapse_cli.cache.shelf import ShelfFailed
from synapse_cli.core import database, places

T = TypeVar("T")

_IN_ROW = 32_768
"""Bytes from which a value gets a file of its own: diskcache's default, which its author measured."""
_CLEAR = "synapse cache clear makes a new one"


class Refused(ValueError):
    """A row that this program cannot have written: pickled, or pointing out of the folder."""


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
        if len(value) < _IN_ROW:
            return 0, MODE_RAW, None, value
        filename, path = self.filename(key, value)
        _write_private(path, value)
        return len(value), MODE_BINARY, filename, None

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> bytes:
        """Give a value back; one of a mode that would be unpickled is refused unread."""
        if mode == MODE_RAW and isinstance(value, bytes):
            return value
        if mode == MODE_BINARY and filename is not None and not read:
            with open(self._inside(filename), "rb") as file:
                return file.read()
        raise Refused("a value in the cache was not written by Synapse")

    def remove(self, file_path: str) -> None:
        """Delete a value's file, if it is ours to delete."""
        self._inside(file_path)
        super().remove(file_path)

    def _inside(self, filename: str) -> str:
        if os.path.isabs(filename) or ".." in filename.replace("\\", "/").split("/"):
            raise Refused("a file of the cache lies outside its folder")
        return os.path.join(self._directory, filename)


class DiskShelf:
    """The Shelf port over a diskcache folder. Safe from several threads and processes."""

    def __init__(self, folder: str, max_size: int) -> None:
        """Open the folder, made 0700 where it is missing. Raises ShelfFailed."""
        self._folder = folder
        self._max_size = max_size
        self._cache = self._guard(self._opened)

    def get(self, name: str) -> bytes | None:
        """The bytes under `name`, or None."""
        value: bytes | None = self._guard(lambda: self._cache.get(name))
        return value

    def put(self, name: str, value: bytes, ttl_s: float | None) -> None:
        """Keep bytes, and drop what is over the cap, oldest first."""
        self._guard(lambda: self._cache.set(name, value, expire=ttl_s))

    def delete(self, name: str) -> bool:
        """Forget one."""
        return bool(self._guard(lambda: self._cache.delete(name)))

    def names(self) -> Iterator[str]:
        """Every name, sorted."""
        return iter(self._guard(lambda: list(self._cache.iterkeys())))

    def bytes_used(self) -> int:
        """Room taken, in bytes."""
        return int(self._guard(self._cache.volume))

    def prune(self) -> int:
        """Drop what has expired or is over the size cap."""
        return int(self._guard(self._cache.cull))

    def clear(self) -> int:
        """Drop everything."""
        return int(self._guard(self._cache.clear))

    def close(self) -> None:
        """Let go of the database."""
        self._cache.close()

    def _opened(self) -> diskcache.Cache:
        places.make_private(os.path.dirname(self._folder))  # its parents get their usual mode, it and ours do not
        places.make_private(self._folder)
        path = os.path.join(self._folder, "cache.db")
        if not os.path.exists(path):
            # Made before diskcache does, which would make it 0644; SQLite gives its mode to the files beside it.
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        # Eviction by age of storing, not of use: a hit then writes nothing and takes no lock.
        return diskcache.Cache(
            self._folder,
            disk=BytesOnly,
            eviction_policy="least-recently-stored",
            size_limit=self._max_size,
            cull_limit=2,  # its default drops ten for each one stored, which empties a cache of a few long answers
            disk_min_file_size=_IN_ROW,
        )

    def _guard(self, use: Callable[[], T]) -> T:
        """Translate what diskcache, SQLite and the file system raise into one line."""
        try:
            return use()
        except diskcache.Timeout as error:
            raise ShelfFailed(f"the cache in {self._folder} is busy: going on without it") from error
        except (sqlite3.Error, OSError, Refused) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            is_damage = isinstance(error, Refused) or database.is_damage(error)
            raise ShelfFailed(
                f"the cache in {self._folder} cannot be used: {reason}: going on without it",
                _CLEAR if is_damage else "",
            ) from error


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

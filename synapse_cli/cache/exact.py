"""The cache on disk: an answer is found again for exactly the same request."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from synapse_cli.cache.answers import Answers
from synapse_cli.cache.peek import Peek, Refused
from synapse_cli.cache.shelf import ShelfFailed
from synapse_cli.core import database
from synapse_cli.core.unkept import Unkept

if TYPE_CHECKING:
    import diskcache

T = TypeVar("T")

FOLDER = "answers"
"""Under the cache folder."""


class Exact(Answers):
    """The Store port over a folder of files that only their owner can read."""

    def __init__(
        self,
        cache_folder: str | os.PathLike[str],
        *,
        max_size: int = 500_000_000,
        warn: Callable[[str], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        folder = os.path.join(cache_folder, FOLDER)
        super().__init__(lambda: DiskShelf(folder, max_size), warn, now)


def clear(cache_folder: str | os.PathLike[str]) -> int:
    """Drop everything and return how many; a cache too damaged to be opened is deleted. Raises OSError."""
    folder = os.path.join(cache_folder, FOLDER)
    shelf = DiskShelf(folder, max_size=0)
    try:
        return shelf.clear()
    except ShelfFailed:
        shutil.rmtree(folder)
        return 0
    finally:
        shelf.close()


class DiskShelf:
    """The Shelf port over a diskcache folder, made on the first write. Safe from several threads and processes.

    Reading does without diskcache; see `cache.peek`.
    """

    def __init__(self, folder: str, max_size: int) -> None:
        self._folder = folder
        self._max_size = max_size
        self._lock = Lock()
        self._peek: Peek | None = None
        self._cache: diskcache.Cache | None = None

    def get(self, name: str) -> bytes | None:
        """The bytes under `name`, or None."""
        return self._guard(lambda: self._peeked(name), None)

    def put(self, name: str, value: bytes, ttl_s: float | None) -> None:
        """Keep bytes, and drop what is over the cap, oldest first."""
        self._guard(lambda: self._opened().set(name, value, expire=ttl_s), None)

    def delete(self, name: str) -> bool:
        """Forget one."""
        return self._guard(lambda: bool(self._existing().delete(name)), otherwise=False)

    def names(self) -> Iterator[str]:
        """Every name, sorted."""
        none: list[str] = []
        return iter(self._guard(lambda: list(self._existing().iterkeys()), none))

    def bytes_used(self) -> int:
        """Room taken, in bytes."""
        return self._guard(lambda: int(self._existing().volume()), 0)

    def prune(self) -> int:
        """Drop what has expired or is over the size cap."""
        return self._guard(lambda: int(self._existing().cull()), 0)

    def clear(self) -> int:
        """Drop everything."""
        return self._guard(lambda: int(self._existing().clear()), 0)

    def close(self) -> None:
        """Let go of the database; the next use opens it again."""
        with self._lock:
            for opened in (self._peek, self._cache):
                if opened is not None:
                    opened.close()
            self._peek = self._cache = None

    def _peeked(self, name: str) -> bytes | None:
        with self._lock:
            if self._peek is None:
                self._peek = Peek(self._folder)
        return self._peek.get(name)

    def _existing(self) -> diskcache.Cache:
        """The folder, opened. Raises FileNotFoundError where nothing was ever kept."""
        os.stat(os.path.join(self._folder, "cache.db"))
        return self._opened()

    def _opened(self) -> diskcache.Cache:
        from synapse_cli.cache import disk

        with self._lock:
            if self._cache is None:
                self._cache = disk.opened(self._folder, self._max_size)
        return self._cache

    def _guard(self, use: Callable[[], T], otherwise: T) -> T:
        """Use the folder, or say `otherwise` where there is none; what goes wrong is told in one line."""
        try:
            return use()
        except FileNotFoundError:
            return otherwise
        except (sqlite3.Error, OSError, Refused) as error:
            raise self._failure(error) from error
        except Exception as error:
            from synapse_cli.cache import disk

            if isinstance(error, disk.Timeout):
                raise self._failure("it is busy") from error
            raise

    def _failure(self, error: Exception | str) -> ShelfFailed:
        is_damage = isinstance(error, Refused) or (isinstance(error, Exception) and database.is_damage(error))
        hint = "synapse cache clear makes a new one" if is_damage else ""
        return ShelfFailed(Unkept.of(f"the cache in {self._folder}", error, "going on without the cache", hint=hint))

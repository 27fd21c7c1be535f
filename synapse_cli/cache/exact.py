"""The cache on disk: an answer is found again for exactly the same request."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable

from synapse_cli.cache.answers import Answers
from synapse_cli.cache.shelf import Shelf, ShelfFailed

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
        self.folder = os.path.join(cache_folder, FOLDER)
        super().__init__(lambda: _shelf(self.folder, max_size), warn, now)


def clear(cache_folder: str | os.PathLike[str]) -> int:
    """Drop everything and return how many; a cache too damaged to be opened is deleted. Raises OSError."""
    folder = os.path.join(cache_folder, FOLDER)
    if not os.path.isdir(folder):
        return 0
    try:
        shelf = _shelf(folder, max_size=0)
        try:
            return shelf.clear()
        finally:
            shelf.close()
    except ShelfFailed:
        shutil.rmtree(folder)
        return 0


def _shelf(folder: str, max_size: int) -> Shelf:
    from synapse_cli.cache.disk import DiskShelf

    return DiskShelf(folder, max_size)

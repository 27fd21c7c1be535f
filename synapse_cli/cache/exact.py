"""The cache on disk: an answer is found again for exactly the same request."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable

from synapse_cli.cache.answers import Answers
from synapse_cli.cache.shelf import Shelf

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


def remove(cache_folder: str | os.PathLike[str]) -> None:
    """Delete the whole folder: what clears a cache too damaged to be opened. Raises OSError."""
    shutil.rmtree(os.path.join(cache_folder, FOLDER))


def _shelf(folder: str, max_size: int) -> Shelf:
    from synapse_cli.cache.disk import DiskShelf

    return DiskShelf(folder, max_size)

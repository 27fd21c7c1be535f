"""A cache that lives as long as its process: for tests, and where nothing may be written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from synapse_cli.cache.answers import Answers


class Memory(Answers):
    """The Store port over a dictionary."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        super().__init__(lambda: MemoryShelf(now), warn=lambda _: None, now=now)


class MemoryShelf:
    """The Shelf port over a dictionary; each operation is one step of the interpreter, so threads may share it."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._kept: dict[str, tuple[bytes, float | None]] = {}

    def get(self, name: str) -> bytes | None:
        """The bytes under `name`, or None."""
        value, expires_at = self._kept.get(name, (None, None))
        return None if expires_at is not None and self._now() >= expires_at else value

    def put(self, name: str, value: bytes, ttl_s: float | None) -> None:
        """Keep bytes."""
        self._kept[name] = (value, None if ttl_s is None else self._now() + ttl_s)

    def delete(self, name: str) -> bool:
        """Forget one."""
        return self._kept.pop(name, None) is not None

    def names(self) -> Iterator[str]:
        """Every name, sorted."""
        return iter(sorted(self._kept))

    def bytes_used(self) -> int:
        """Room taken, in bytes."""
        return sum(len(value) for value, _ in list(self._kept.values()))

    def prune(self) -> int:
        """Drop what has expired."""
        gone = [name for name in list(self._kept) if self.get(name) is None]
        return sum(self.delete(name) for name in gone)

    def clear(self) -> int:
        """Drop everything."""
        return sum(self.delete(name) for name in list(self._kept))

    def close(self) -> None:
        """Keep everything: a dictionary holds no files."""

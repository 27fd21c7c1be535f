"""Where kept bytes lie: the port between what is kept and how it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class ShelfFailed(Exception):
    """A shelf could not be read or written; `told` is what to say of it, in one line."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told


class Shelf(Protocol):
    """Bytes by name, with an end to their life. Every method may raise ShelfFailed, and nothing else."""

    def get(self, name: str) -> bytes | None:
        """The bytes under `name`, or None; never those whose time is over."""
        ...

    def put(self, name: str, value: bytes, ttl_s: float | None) -> None:
        """Keep bytes, for `ttl_s` seconds or until they are evicted."""
        ...

    def delete(self, name: str) -> bool:
        """Forget one; return whether it was there."""
        ...

    def names(self) -> Iterator[str]:
        """Every name, sorted."""
        ...

    def bytes_used(self) -> int:
        """Room taken, in bytes."""
        ...

    def prune(self) -> int:
        """Drop what has expired or is over the size cap; return how many."""
        ...

    def clear(self) -> int:
        """Drop everything, a damaged shelf included; return how many."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...

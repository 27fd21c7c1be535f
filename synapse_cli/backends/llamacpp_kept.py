"""Which beginning of a prompt has been read before? Sequences that are kept after their answers, and shared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Tokens = npt.NDArray[np.int32]

_LEAST = 8
"""Tokens worth keeping."""


@dataclass(eq=False, slots=True)
class Kept:
    """A sequence that nobody writes any more."""

    sequence: int
    tokens: Tokens
    used: int
    """When it was last of use, counted in requests."""


class Shelf:
    """The kept sequences of one context, of which the least recently used goes first."""

    def __init__(self, most: int, *, whole: bool) -> None:
        self._most = most
        self._whole = whole
        """Whether a sequence is of use only as a whole: a recurrent state cannot be cut."""
        self._kept: list[Kept] = []
        self._clock = 0

    def __len__(self) -> int:
        return len(self._kept)

    def longest(self, prompt: Tokens) -> tuple[Kept | None, int]:
        """The sequence that shares most with this prompt, and how many tokens; at least one stays to be read."""
        best, most = None, 0
        for kept in self._kept:
            length = common(kept.tokens, prompt[:-1])
            if length > most and not (self._whole and length < len(kept.tokens)):
                best, most = kept, length
        if best is not None:
            self._clock += 1
            best.used = self._clock
        return best, most

    def keep(self, sequence: int, tokens: Tokens) -> list[int]:
        """Keep a sequence; returns those that are of no more use, which may be itself."""
        if len(tokens) < _LEAST:
            return [sequence]
        self._clock += 1
        if not self._whole:
            for kept in self._kept:
                if len(kept.tokens) >= len(tokens) and common(kept.tokens, tokens) == len(tokens):
                    kept.used = self._clock
                    return [sequence]
        gone = [kept for kept in self._kept if not self._whole and common(kept.tokens, tokens) == len(kept.tokens)]
        self._kept = [kept for kept in self._kept if kept not in gone]
        self._kept.append(Kept(sequence, tokens, self._clock))
        freed = [kept.sequence for kept in gone]
        if len(self._kept) > self._most and (oldest := self.oldest()) is not None:
            freed.append(oldest)
        return freed

    def oldest(self) -> int | None:
        """Give up the sequence that was of no use for longest; None where none is kept."""
        if not self._kept:
            return None
        oldest = min(self._kept, key=lambda kept: kept.used)
        self._kept.remove(oldest)
        return oldest.sequence


def common(left: Tokens, right: Tokens) -> int:
    """How many tokens two sequences begin with that are the same."""
    import numpy as np

    size = min(len(left), len(right))
    differs = np.flatnonzero(left[:size] != right[:size])
    return int(differs[0]) if len(differs) else size

"""What will probably be written next, and how far is it worth reading along? One batch then tells how far it holds.

What is written does not change by it: every token is chosen by its own logits, and a wrong guess is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from synapse_cli.backends.llamacpp_pace import Pace

_RUNS = (4, 3, 2)
"""Tokens that must have been there before, the longest run first."""
_LENGTHS = (1, 3, 7, 15)
_HOPE = 0.7
"""Chance that a guess holds, before any was seen."""
_LEARNT = 0.1
"""Share of the newest guess in what is believed."""
_FORGOTTEN = 0.005
"""How much hope comes back with each token that was not guessed: a text may begin to repeat itself."""


class Source(Protocol):
    """Something that guesses."""

    def next(self, tokens: Sequence[int], count: int) -> list[int]:
        """Up to so many tokens that may follow these."""
        ...

    @property
    def cost(self) -> float:
        """CPU seconds that a guessed token takes."""
        ...


class Ahead:
    """The guesses for one answer."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._chance = _HOPE

    def guess(self, tokens: Sequence[int], pace: Pace, most: int) -> list[int]:
        """The next tokens, as far as reading them along is likely to be worth it; none where nothing tells."""
        length = min(most, self._length(pace))
        if length <= 0:
            self._chance += _FORGOTTEN * (_HOPE - self._chance)
            return []
        return self._source.next(tokens, length)

    def learn(self, *, held: bool) -> None:
        """Whether a guessed token was the one that was written."""
        self._chance += _LEARNT * (held - self._chance)

    def _length(self, pace: Pace) -> int:
        """How many to read along: those that bring most tokens for the time that it all takes."""
        alone = pace.cost(1)
        if alone is None:
            return 0
        best, most = 0, 1 / alone
        for length in _LENGTHS:
            cost = pace.cost(1 + length)
            if cost is None and self._chance >= _HOPE:
                return length
            held = sum(self._chance**step for step in range(length + 1))
            if cost is not None and held / (cost + length * self._source.cost) > most:
                best, most = length, held / (cost + length * self._source.cost)
        return best


class Lookup:
    """Guesses that it goes on as it did after the same few tokens, in the prompt or in the answer."""

    cost = 0.0

    def __init__(self) -> None:
        self._after: dict[tuple[int, ...], int] = {}
        """Where it went on after a run, the last time."""
        self._seen = _RUNS[-1]

    def next(self, tokens: Sequence[int], count: int) -> list[int]:
        """What came after the longest run that was there before."""
        for place in range(self._seen, len(tokens)):
            for run in _RUNS:
                if place >= run:
                    self._after[tuple(tokens[place - run : place])] = place
        self._seen = max(self._seen, len(tokens))
        for run in _RUNS:
            after = self._after.get(tuple(tokens[-run:]))
            if after is not None:
                return list(tokens[after : after + count])
        return []

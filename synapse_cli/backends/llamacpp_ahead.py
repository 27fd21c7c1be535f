"""What will probably be written next? What followed the same few tokens before; one batch then tells how far it holds.

What is written does not change by it: every token is chosen by its own logits, and a wrong guess is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence

from synapse_cli.backends.llamacpp_pace import Pace

_RUNS = (4, 3, 2)
"""Tokens that must have been there before, the longest run first."""
_LENGTHS = (1, 3, 7, 15)
_HOPE = 0.7
"""Chance that a guess holds, before any was seen."""
_LEARNT = 0.1
"""Share of the newest guess in what is believed."""


class Ahead:
    """Guesses for one answer."""

    def __init__(self) -> None:
        self._after: dict[tuple[int, ...], int] = {}
        """Where it went on after a run, the last time."""
        self._seen = 0
        self._chance = _HOPE

    def guess(self, tokens: Sequence[int], pace: Pace, most: int) -> list[int]:
        """The next tokens as far as reading them along is likely to be worth it; none where nothing tells."""
        for place in range(max(self._seen, _RUNS[-1]), len(tokens)):
            for run in _RUNS:
                if place >= run:
                    self._after[tuple(tokens[place - run : place])] = place
        self._seen = len(tokens)
        for run in _RUNS:
            after = self._after.get(tuple(tokens[-run:]))
            if after is not None:
                return list(tokens[after : after + min(most, self._length(pace))])
        return []

    def learn(self, held: bool) -> None:
        """Whether a guessed token was the one that was written."""
        self._chance += _LEARNT * (held - self._chance)

    def _length(self, pace: Pace) -> int:
        """How many to read along: those that bring most tokens for the time that the whole batch takes."""
        alone = pace.cost(1)
        if alone is None:
            return 0
        best, most = 0, 1 / alone
        for length in _LENGTHS:
            cost = pace.cost(1 + length)
            if cost is None and self._chance >= _HOPE:
                return length
            held = sum(self._chance**step for step in range(length + 1))
            if cost is not None and held / cost > most:
                best, most = length, held / cost
        return best

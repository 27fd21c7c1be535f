"""Which of these labels does the model mean? Every label is scored exactly; nothing is sampled.

The score of a label is the sum of the log-probabilities of its tokens after the prompt; where its tokens begin those
of another label, the end of the turn counts as its last token, so that "bug" and "bug report" do not share a path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Path = tuple[int, ...]
LogChance = Callable[[int], float]
"""The log-probability that a token comes next."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The labels' probabilities among themselves, in the order given."""

    chances: tuple[float, ...]

    @property
    def best(self) -> int:
        """Index of the likeliest label; the first of equals."""
        return max(range(len(self.chances)), key=self.chances.__getitem__)


def paths(labels: Sequence[Path], end_token: int) -> list[Path]:
    """The labels as token paths of which none begins another."""
    marked = []
    for label in labels:
        begins_another = any(len(other) > len(label) and other[: len(label)] == label for other in labels)
        marked.append((*label, end_token) if begins_another else label)
    return marked


class Scoring:
    """Each path's log-probability, as it becomes known while the paths are read."""

    def __init__(self, marked: Sequence[Path]) -> None:
        self._marked = marked
        self._steps: dict[Path, set[int]] = {}
        """What may follow each beginning."""
        for path in marked:
            for depth in range(1, len(path)):
                self._steps.setdefault(path[:depth], set()).add(path[depth])
        self._known: dict[Path, float] = {}
        self.to_read = _longest(self._steps)
        """Beginnings to be read after the prompt, each on its own."""

    def hear_first(self, log_chance: LogChance) -> None:
        """What may come right after the prompt."""
        for token in {path[0] for path in self._marked}:
            self._known[token,] = log_chance(token)

    def hear(self, index: int, depth: int, log_chance: LogChance) -> None:
        """What may come after the first depth + 1 tokens of `to_read[index]`."""
        begun = self.to_read[index][: depth + 1]
        for token in self._steps.get(begun, ()):
            self._known.setdefault((*begun, token), log_chance(token))

    @property
    def scores(self) -> list[float]:
        """The log-probabilities, once everything was heard."""
        return [sum(self._known[path[:depth]] for depth in range(1, len(path) + 1)) for path in self._marked]


def rank(scores: Sequence[float], without_text: Sequence[float] | None = None) -> Ranking:
    """Turn scores into probabilities; with calibration, less each label's score on the same prompt without its text."""
    if without_text is not None:
        scores = [score - bias for score, bias in zip(scores, without_text, strict=True)]
    top = max(scores)
    weights = [math.exp(score - top) for score in scores]
    total = sum(weights)
    return Ranking(tuple(weight / total for weight in weights))


def _longest(begun: Iterable[Path]) -> list[Path]:
    """Beginnings that no other beginning continues: reading these reads all."""
    known = set(begun)
    inner = {path[:depth] for path in known for depth in range(1, len(path))}
    return sorted(known - inner)

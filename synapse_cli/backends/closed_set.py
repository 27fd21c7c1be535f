"""Which of these labels does the model mean? Every label is scored exactly; nothing is sampled.

The score of a label is the sum of the log-probabilities of its tokens after the prompt; where its tokens begin those
of another label, the end of the turn counts as its last token, so that "bug" and "bug report" do not share a path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Logits = npt.NDArray[np.float32]

Path = tuple[int, ...]
Follow = Callable[[Sequence[Path]], "Iterable[tuple[int, int, Logits]]"]
"""Reads each path after the prompt, on its own; yields (path, depth, logits after its first depth + 1 tokens)."""


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


def log_scores(first: Logits, marked: Sequence[Path], follow: Follow) -> list[float]:
    """Each path's log-probability, given the logits after the prompt and a way to read on."""
    steps: dict[Path, list[int]] = {}
    for path in marked:
        for depth in range(1, len(path)):
            steps.setdefault(path[:depth], []).append(path[depth])
    known: dict[Path, float] = {}
    for token, chance in _log_chances(first, {path[0] for path in marked}).items():
        known[token,] = chance
    to_read = _longest(steps)
    for index, depth, logits in follow(to_read):
        begun = to_read[index][: depth + 1]
        if begun in steps:
            for token, chance in _log_chances(logits, steps.pop(begun)).items():
                known[*begun, token] = chance
    return [sum(known[path[:depth]] for depth in range(1, len(path) + 1)) for path in marked]


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


def _log_chances(logits: Logits, tokens: Iterable[int]) -> dict[int, float]:
    import numpy as np

    top = float(logits.max())
    total = top + math.log(float(np.exp(logits - np.float32(top)).sum(dtype=np.float64)))
    return {token: float(logits[token]) - total for token in tokens}

"""Is a prompt like any of the examples at all? The line is drawn where few prompts like them would be rejected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_LEAST_TO_COUNT = 60
"""Of fewer scores the share is not counted but foretold, as if they were normal."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Several measures of likeness as one: each is brought to one spread, and they are added up."""

    middles: tuple[float, ...]
    spreads: tuple[float, ...]
    threshold: float
    """Below it a prompt is out of scope; minus infinity where too little is known to reject anything."""

    def score(self, measures: Sequence[float]) -> float:
        """How much like the examples; 0 is as they are among themselves."""
        parts = zip(measures, self.middles, self.spreads, strict=True)
        return sum((measure - middle) / spread for measure, middle, spread in parts) / len(self.middles)

    def least(self, measures: Sequence[float]) -> float:
        """The measure by which it is least like the examples; 0 is as they are among themselves."""
        parts = zip(measures, self.middles, self.spreads, strict=True)
        return min((measure - middle) / spread for measure, middle, spread in parts)

    def about(self) -> dict[str, object]:
        """Its numbers, for a file; minus infinity is null."""
        known = self.threshold if math.isfinite(self.threshold) else None
        return {"middles": list(self.middles), "spreads": list(self.spreads), "threshold": known}


def from_about(about: dict[str, object]) -> Scope:
    """What `about` told. Raises KeyError or TypeError for what is none."""
    middles, spreads, threshold = about["middles"], about["spreads"], about["threshold"]
    assert isinstance(middles, list)
    assert isinstance(spreads, list)
    return Scope(
        tuple(map(float, middles)),
        tuple(map(float, spreads)),
        -math.inf if threshold is None else float(str(threshold)),
    )


def calibrate(measures: Sequence[Sequence[float]], reject: float) -> Scope:
    """Learn the scope from measures of examples that were held out; each is (row 1, row 2, …).

    At most the share `reject` of prompts like them falls below the threshold: by rank, as split conformal prediction
    counts it (Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World, 2005), where there are enough; else by
    the lower prediction limit of a normal sample, mean - t s sqrt(1 + 1/n).
    """
    count = len(measures[0]) if measures else 0
    middles = tuple(sum(each) / max(1, count) for each in measures)
    spreads = tuple(_spread(each, middle) for each, middle in zip(measures, middles, strict=True))
    blank = Scope(middles, spreads, -math.inf)
    scores = sorted(blank.score(row) for row in zip(*measures, strict=True))
    return Scope(middles, spreads, limit(scores, reject))


def limit(scores: Sequence[float], reject: float) -> float:
    """The threshold under sorted scores; minus infinity where none can be told."""
    count = len(scores)
    if reject <= 0 or count < 2:
        return -math.inf
    if count >= _LEAST_TO_COUNT:
        rank = math.floor(reject * (count + 1))
        return scores[rank - 1] if rank else -math.inf
    from synapse_cli.learned.bound import t_quantile

    middle = sum(scores) / count
    return middle - t_quantile(1 - reject, count - 1) * _spread(scores, middle) * math.sqrt(1 + 1 / count)


def _spread(values: Sequence[float], middle: float) -> float:
    squares = sum((value - middle) ** 2 for value in values)
    return math.sqrt(squares / max(1, len(values) - 1)) or 1.0

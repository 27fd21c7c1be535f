"""What is a score worth? A map from what a check said to the chance that the answer was good, learned from labels.

Isotonic regression by pooling adjacent violators (Ayer et al. 1955; Zadrozny and Elkan 2002 for classifiers): the map
never falls, so an order by scores stays that order, and a threshold on chances is one on scores.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from synapse_cli.core.prompt import Json

_MOST_POINTS = 64


@dataclass(frozen=True, slots=True)
class Calibration:
    """Points of a map that never falls; between two of them it is a line, beyond the ends it stays."""

    points: tuple[tuple[float, float], ...]
    """(score, chance), scores rising."""

    def chance(self, score: float) -> float:
        """The chance that an answer of this score is good."""
        at = bisect_right(self.points, score, key=lambda point: point[0])
        if at == 0:
            return self.points[0][1]
        if at == len(self.points):
            return self.points[-1][1]
        (left, low), (right, high) = self.points[at - 1], self.points[at]
        return low + (high - low) * (score - left) / (right - left)

    def as_json(self) -> list[Json]:
        """The points as a rule writes them."""
        return [[score, chance] for score, chance in self.points]


def isotonic(scores: Sequence[float], goods: Sequence[float]) -> Calibration:
    """The map that never falls and is nearest to `goods` (each in [0, 1]) by squares; rows may come in any order.

    Raises ValueError where there are none.
    """
    if not scores:
        raise ValueError("nothing to learn from")
    pools: list[tuple[float, float, float, int]] = []  # lowest score, highest score, sum of goods, rows
    for score, good in sorted(zip(scores, goods, strict=True)):
        low, high, total, rows = score, score, good, 1
        while pools and (pools[-1][1] == score or pools[-1][2] * rows >= total * pools[-1][3]):
            before = pools.pop()
            low, total, rows = before[0], total + before[2], rows + before[3]
        pools.append((low, high, total, rows))
    points: list[tuple[float, float]] = []
    for low, high, total, rows in pools:
        points += [(low, total / rows)] if low == high else [(low, total / rows), (high, total / rows)]
    return Calibration(tuple(_thinned(points)))


def from_json(value: Json) -> Calibration:
    """The points of a rule. Raises ValueError for what is no map that never falls, in [0, 1]."""
    if not isinstance(value, list) or not value:
        raise ValueError("a list of [score, chance] was expected")
    points = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2 or not all(_is_number(each) for each in pair):
            raise ValueError("each point is [score, chance]")
        points.append((float(pair[0]), float(pair[1])))  # type: ignore[arg-type]  # both are numbers
    rises = all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(points))
    if not rises or not 0 <= points[0][1] <= points[-1][1] <= 1:
        raise ValueError("scores rise, and chances from 0 to 1 never fall")
    return Calibration(tuple(points))


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most 64 points: evenly among them, with both ends."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    step = (len(points) - 1) / (_MOST_POINTS - 1)
    return [points[round(number * step)] for number in range(_MOST_POINTS)]

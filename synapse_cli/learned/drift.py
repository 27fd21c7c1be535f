"""Are today's numbers like those that something was learned from, and is a mean worse than was promised?"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NOTABLE = 0.1
"""Of a PSI: below it nobody would act, however sure it is (Siddiqi, Credit Risk Scorecards, 2006)."""
SURE = 2.326348
"""Of a normal distribution's 99 %."""
FEWEST = 50
"""Numbers below which nothing is said of their spread."""
_EMPTY = 0.5
"""Counts as half a number where a share is zero: an empty cell is no proof that nothing falls there."""
_BOLDEST = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How far numbers have moved from where they were."""

    n: int
    psi: float
    limit: float
    """What chance alone hardly exceeds."""

    @property
    def is_shift(self) -> bool:
        """Whether they have moved, beyond chance and by more than a little."""
        return self.n >= FEWEST and self.psi > max(self.limit, NOTABLE)


def shift(expected: Sequence[float], counts: Sequence[int], learned_from: int) -> Shift:
    """The population stability index of counts against shares that were seen on so many rows.

    Under no change PSI / (1/n + 1/m) is chi-squared with one degree fewer than cells (Yurdakul and Naranjo, Journal of
    Risk Model Validation 14, 2020): `limit` is its 99 % quantile, by Wilson and Hilferty (PNAS 17, 1931).
    """
    n = sum(counts)
    cells = [(share, count) for share, count in zip(expected, counts, strict=True) if share or count]
    if not n or len(cells) < 2 or not learned_from:
        return Shift(n=n, psi=0.0, limit=NOTABLE)
    psi = 0.0
    for share, count in cells:
        was = max(share, _EMPTY / learned_from)
        now = max(count, _EMPTY) / n
        psi += (now - was) * math.log(now / was)
    freedom = len(cells) - 1
    quantile = freedom * (1 - 2 / (9 * freedom) + SURE * math.sqrt(2 / (9 * freedom))) ** 3
    return Shift(n=n, psi=psi, limit=quantile * (1 / n + 1 / learned_from))


def spread(numbers: Iterable[float], edges: Sequence[float]) -> list[int]:
    """How many numbers fall between the edges; one that equals an edge falls above it."""
    counts = [0] * (len(edges) + 1)
    for number in numbers:
        counts[bisect.bisect_right(edges, number)] += 1
    return counts


def evidence_above(values: Iterable[float], mean: float) -> float:
    """What a gambler's one coin has become who bets that the mean of values in [0, 1] lies above this one.

    However often one looks, it reaches 1 / a with a chance of `a` at most where that is not so: a test that may be read
    every day (Waudby-Smith and Ramdas, Journal of the Royal Statistical Society B 86, 2024; the bets are their aGRAPA).
    """
    if not 0 < mean < 1:
        return 1.0
    coin = highest = 1.0
    n, total, squares = 1, mean, 0.25
    for value in values:
        centre = total / n
        lead = centre - mean
        bet = min(max(0.0, lead / (squares / n + lead * lead)), _BOLDEST / mean)
        coin *= 1 + bet * (value - mean)
        highest = max(highest, coin)
        n, total = n + 1, total + value
        squares += (value - total / n) ** 2
    return highest

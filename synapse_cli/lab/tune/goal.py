"""What is asked of a policy, and do these rows show that it holds?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.learned import bound
from synapse_cli.learned.promise import Target

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

_FINENESS = 1000
"""Losses are rounded up to a thousandth, so that fractional scores are counted as quickly as right and wrong."""
_LEAST_FOR_COST = 30
"""Rows below which no mean cost is bounded."""
METHODS: dict[Target, str] = {
    "max_loss": "score test of paired losses",
    "min_quality": "score test of mean scores",
    "max_cost": "t-bound corrected for skewness",
    "budget_share": "Clopper-Pearson bound",
}


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit that the mean of something stays below, at a confidence."""

    target: Target
    limit: float
    confidence: float = 0.95

    @property
    def saves(self) -> bool:
        """Whether the cheapest policy within the limit is wanted; else the best one."""
        return self.target in ("max_loss", "min_quality")

    @property
    def highest_mean(self) -> float:
        """What the mean of `spent` must stay below."""
        return 1 - self.limit if self.target == "min_quality" else self.limit

    def spent(self, scores: Floats, costs: Floats, reached: Bools, baseline: Floats) -> Floats:
        """Row by row, what the goal limits: score lost, score missing, dollars, or requests for the dearest model."""
        import numpy as np

        if self.target == "max_cost":
            return costs
        if self.target == "budget_share":
            return reached.astype(np.float64)
        lost = baseline - scores if self.target == "max_loss" else 1 - scores
        return np.asarray(np.ceil(lost * _FINENESS - 1e-6) / _FINENESS)

    def is_shown(self, spent: Floats, allowed: float) -> bool:
        """Whether these rows show that the mean stays below the limit, wrong with a chance of `allowed` at most."""
        if self.target == "max_cost":
            return bound.mean_upper_unbounded(spent.tolist(), 1 - allowed) <= self.limit
        if self.target == "budget_share":
            return bound.share_upper(int(spent.sum()), len(spent), 1 - allowed) <= self.limit
        return bound.doubt_that_mean_is_below(spent.tolist(), self.highest_mean) <= allowed

    def bound(self, spent: Floats, allowed: float) -> float:
        """What these rows show, on the scale of the limit: the mean lies below (for a quality: above)."""
        values = spent.tolist()
        if self.target == "max_cost":
            return bound.mean_upper_unbounded(values, 1 - allowed)
        if self.target == "budget_share":
            return bound.share_upper(int(spent.sum()), len(values), 1 - allowed)
        upper = bound.mean_upper(values, 1 - allowed)
        return 1 - upper if self.target == "min_quality" else upper

    def chance_to_show(self, spent: Floats, rows: int, allowed: float) -> float:
        """How likely so many further rows would show it, judged by these: for choosing what is tested, no promise.

        The normal approximation, with the spread of both samples.
        """
        n = len(spent)
        mean, variance = float(spent.mean()), float(spent.var())
        short = self.highest_mean - mean
        if self.target != "max_cost":
            short -= bound.WORST_ROWS / rows
            variance += max(0.0, short) * max(0.0, 1 - self.highest_mean)
        if variance <= 0:
            return float(short > 0)
        return _normal((short * math.sqrt(rows / variance) - _z(allowed)) / math.sqrt(1 + rows / n))

    def rows_needed(self, spent: Floats) -> int | None:
        """About how many rows such as these would show it; None where none would."""
        if self.target != "max_cost":
            return bound.rows_needed(spent.tolist(), self.highest_mean, self.confidence)
        short = self.limit - float(spent.mean())
        if short <= 0:
            return None
        return math.ceil((_z(1 - self.confidence) * float(spent.std()) / short) ** 2) + _LEAST_FOR_COST


def _normal(value: float) -> float:
    return 0.5 * math.erfc(-value / math.sqrt(2))


def _z(allowed: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(1 - allowed)

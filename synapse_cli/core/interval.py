"""A figure and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate within its bounds; the bounds hold the truth in 95 of 100 measurements like this one."""

    estimate: float
    low: float
    high: float

    def is_above(self, limit: float) -> bool:
        """Whether all of it lies above a limit."""
        return self.low > limit

    def is_below(self, limit: float) -> bool:
        """Whether all of it lies below a limit."""
        return self.high < limit

    def holds(self, value: float) -> bool:
        """Whether a value may be the true one."""
        return self.low <= value <= self.high

"""Are these sequences cheaper read together, or one after the other? By what it took before on this machine."""

from __future__ import annotations

_TRIES = 2
"""Steps of a width before it is believed."""
_REMEMBERED = 8
_WATCHED = 16
"""Once enough are known, one step in so many is timed: to ask for the time twice costs nano a hundredth."""
_RECONSIDERED = 8
"""Timed steps between two looks at the costs."""
_CLEARLY = 0.9
"""Smaller gains are noise."""


class Pace:
    """What a step of so many sequences costs, a token each.

    More at once is not always better: with AVX-512 and 8-bit weights, two together took 2.3 times as long as one after
    the other, and eight a tenth less.
    """

    def __init__(self) -> None:
        self._costs: dict[int, list[float]] = {}
        self._plans: dict[int, list[int]] = {}
        self._noted = 0
        self._asked = 0

    def wants(self, width: int) -> bool:
        """Whether a step of this width is to be timed."""
        self._asked += 1
        return len(self._costs.get(width, ())) < _REMEMBERED or not self._asked % _WATCHED

    def note(self, width: int, seconds: float) -> None:
        """A step of this width took this much CPU time."""
        self._noted += 1
        costs = self._costs.setdefault(width, [])
        if self._noted >= _RECONSIDERED or len(costs) < _TRIES:
            self._noted = 0
            self._plans.clear()
        costs.append(seconds)
        if len(costs) > _REMEMBERED:
            del costs[0]

    def cost(self, width: int) -> float | None:
        """The CPU time of a step of this width; None where it was not tried enough."""
        costs = self._costs.get(width, ())
        return min(costs) if len(costs) >= _TRIES else None

    def groups(self, width: int) -> list[int]:
        """Widths of the steps in which to read so many sequences."""
        plan = self._plans.get(width)
        if plan is None:
            plan = self._plans[width] = self._plan(width)
        return plan

    def _plan(self, width: int) -> list[int]:
        together = self.cost(width)
        if width == 1 or together is None:
            return [width]
        known = {size: cost for size in range(1, width + 1) if (cost := self.cost(size)) is not None}
        best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
        for total in range(1, width + 1):
            ways = [
                (best[total - size][0] + cost, [size, *best[total - size][1]])
                for size, cost in known.items()
                if total - size in best
            ]
            if ways:
                best[total] = min(ways)
        cheapest, parts = best[width]
        return sorted(parts, reverse=True) if cheapest < _CLEARLY * together else [width]

"""Are these sequences cheaper read together, or one after the other? By what it took before on this machine."""

from __future__ import annotations


class Pace:
    """What a step of so many sequences costs, a token each.

    More at once is not always better: with AVX-512 and 8-bit weights, two together took 2.3 times as long as one after
    the other, and eight a tenth less.
    """

    def __init__(self) -> None:
        self._costs: dict[int, list[float]] = {}

    def note(self, width: int, seconds: float) -> None:
        """A step of this width took this much CPU time."""
        costs = self._costs.setdefault(width, [])
        costs.append(seconds)
        del costs[:-_REMEMBERED]

    def groups(self, width: int) -> list[int]:
        """Widths of the steps in which to read so many sequences."""
        if width == 1 or len(self._costs.get(width, ())) < _TRIES:
            return [width]
        known = {size: min(costs) for size, costs in self._costs.items() if size <= width}
        best: list[tuple[float, list[int]]] = [(0.0, [])]
        for total in range(1, width + 1):
            ways = [(best[total - size][0] + cost, [*best[total - size][1], size])
                    for size, cost in known.items() if size <= total and best[total - size][0] < _NEVER]  # fmt: skip
            best.append(min(ways, default=(_NEVER, [])))
        together = known[width]
        split, parts = best[width]
        return sorted(parts, reverse=True) if split < _CLEARLY * together else [width]


_TRIES = 2
_REMEMBERED = 8
_CLEARLY = 0.9
"""Smaller gains are noise."""
_NEVER = 1e9

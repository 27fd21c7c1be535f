"""How much of what the strong model adds is had for a share of its calls? PGR over the share, its area, its CPT.

Ong et al., RouteLLM: Learning to Route LLMs with Preference Data (2024), 3: rows are sorted by a router's score, the
top share goes to the strong model. PGR = (score - weak) / (strong - weak); APGR is the area under it, CPT(x) the
smallest share with PGR of at least x. Rows of equal score go in random order: what is expected is a straight line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.core.interval import Interval

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Whole = npt.NDArray[np.int64]

_DRAWS = 400
_AT_ONCE = 2_000_000
"""Weights held in memory at a time."""


@dataclass(frozen=True, slots=True)
class Curve:
    """PGR at each share where the score changes, from (0, 0) to (1, 1)."""

    shares: tuple[float, ...]
    gains: tuple[float, ...]

    @property
    def area(self) -> float:
        """APGR: random choice has .5, and an oracle more than 1, as it leaves to the weak what only that can do."""
        pairs = zip(
            zip(self.shares, self.gains, strict=True), zip(self.shares[1:], self.gains[1:], strict=True), strict=False
        )
        return sum((right - left) * (low + high) / 2 for (left, low), (right, high) in pairs)

    def share_for(self, gain: float) -> float:
        """CPT: the smallest share of strong calls with at least this PGR, from 0 to 1."""
        left = low = 0.0
        for right, high in zip(self.shares, self.gains, strict=True):
            if high >= gain:
                return right if high == low else left + (right - left) * (gain - low) / (high - low)
            left, low = right, high
        return 1.0


@dataclass(frozen=True, slots=True)
class Ranked:
    """How well a score sorts prompts for the strong model."""

    apgr: Interval
    """With its 95 % percentile interval over rows drawn again."""
    cpt50: float
    cpt80: float
    curve: Curve


RANDOM = Curve((0.0, 1.0), (0.0, 1.0))
"""Any share by chance gains that share: .5, 50 %, 80 %."""


def ranked(score: Floats, weak: Floats, strong: Floats, *, seed: int = 0) -> Ranked | None:
    """Sort by the score, the greatest first; None where the strong model is no better in the mean.

    All three hold a number a row.
    """
    import numpy as np

    gain = strong - weak
    if gain.mean() <= 0:
        return None
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.diff(score[order], append=-np.inf))
    added = np.cumsum(gain[order])[ends] / gain.sum()
    curve = Curve((0.0, *((ends + 1) / len(score)).tolist()), (0.0, *added.tolist()))
    return Ranked(
        apgr=_drawn_again(gain[order], ends, curve.area, seed),
        cpt50=curve.share_for(0.5),
        cpt80=curve.share_for(0.8),
        curve=curve,
    )


def _drawn_again(gain: Floats, ends: Whole, area: float, seed: int) -> Interval:
    """The area over rows drawn again with replacement; draws in which the strong model is no better are left out."""
    import numpy as np

    source, many = np.random.default_rng(seed), len(gain)
    block = max(1, _AT_ONCE // many)
    found = []
    for start in range(0, _DRAWS, block):
        weights = source.multinomial(many, np.full(many, 1 / many), size=min(block, _DRAWS - start))
        shares = np.cumsum(weights, axis=1)[:, ends] / many
        added = np.cumsum(weights * gain, axis=1)[:, ends]
        total = added[:, -1]
        better = total > 0
        heights = np.hstack([np.zeros((better.sum(), 1)), added[better] / total[better, None]])
        places = np.hstack([np.zeros((better.sum(), 1)), shares[better]])
        found.append((np.diff(places, axis=1) * (heights[:, 1:] + heights[:, :-1]) / 2).sum(axis=1))
    areas = np.concatenate(found)
    if not len(areas):
        return Interval(area, -np.inf, np.inf)
    low, high = np.quantile(areas, [0.025, 0.975])
    return Interval(area, min(area, float(low)), max(area, float(high)))

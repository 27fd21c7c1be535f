"""How far can a figure be trusted? Intervals by the bootstrap, and Wilson's for shares.

Quantiles and ratios: Efron's percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, 13),
with the percentiles moved outwards as a t interval is wider than a normal one (Hesterberg, What Teachers Should Know
About the Bootstrap, 2015: the "expanded" percentile interval). Plain, it held the true median in 92 to 94.7 % of 4,000
simulated benches of 9 to 100 pairs; expanded, in 94.4 to 96.4 % from 11 pairs on (`python -m
tests.bench.bench_coverage` measures it anew). BCa was left aside: its acceleration comes from a jackknife, which says
nothing of a median. Shares: Wilson's score interval (1927), which does not leave [0, 1].

What is drawn again is a group of samples that belong together (the repeats of one prompt), so that ten repeats of
one prompt are not taken for ten prompts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

from synapse_cli.core.interval import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

DRAWS = 2000
"""Enough that the bounds of one and the same bench, drawn with another seed, move by a few per cent of their width."""
COVERAGE = 0.95
_AT_ONCE = 2_000_000
"""Weights held in memory at a time."""


def quantile(groups: Sequence[Sequence[float]], share: float, *, seed: int = 0) -> Interval | None:
    """The value that `share` of all samples do not exceed; None where there are no samples."""
    filled = [group for group in groups if group]
    if not filled:
        return None
    import numpy as np

    values = np.concatenate([np.asarray(group, dtype=np.float64) for group in filled])
    owner = np.repeat(np.arange(len(filled)), [len(group) for group in filled])
    order = np.argsort(values, kind="stable")
    values, owner = values[order], owner[order]
    point = float(_weighted_quantile(values, np.ones((1, len(values)), dtype=np.int64), share)[0])
    drawn = [
        _weighted_quantile(values, weights[:, owner], share) for weights in _weights(len(filled), len(values), seed)
    ]
    return _interval(point, np.concatenate(drawn), len(filled), share)


def median_ratio(ratios: Sequence[float], *, seed: int = 0) -> Interval | None:
    """The median of paired ratios, taken of their logarithms: so a to b is the inverse of b to a."""
    found = quantile([[math.log(ratio)] for ratio in ratios if ratio > 0], 0.5, seed=seed)
    return None if found is None else Interval(*map(math.exp, (found.estimate, found.low, found.high)))


def ratio_of_sums(ours: Sequence[float], theirs: Sequence[float], *, seed: int = 0) -> Interval | None:
    """What all of ours make of all of theirs, pair by pair; None without pairs, infinite where theirs is nothing."""
    if not ours:
        return None
    if sum(theirs) == 0:
        same = 1.0 if sum(ours) == 0 else math.inf
        return Interval(same, same, same)
    import numpy as np

    pairs = np.asarray([ours, theirs], dtype=np.float64)
    sums = np.concatenate([weights @ pairs.T for weights in _weights(len(ours), len(ours), seed)])
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.nan_to_num(sums[:, 0] / sums[:, 1], nan=1.0, posinf=math.inf)
    return _interval(sum(ours) / sum(theirs), drawn, len(ours))


def mean(groups: Sequence[Sequence[float]], *, seed: int = 0) -> Interval | None:
    """The mean of all samples; None where there are none."""
    filled = [group for group in groups if group]
    return ratio_of_sums([math.fsum(group) for group in filled], [float(len(group)) for group in filled], seed=seed)


def wilson(share: float, of: int) -> Interval:
    """The interval of a share that was counted among `of` independent ones."""
    z = NormalDist().inv_cdf(0.5 + COVERAGE / 2)
    scale = 1 + z * z / of
    middle = (share + z * z / (2 * of)) / scale
    reach = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / scale
    return Interval(share, max(0.0, min(share, middle - reach)), min(1.0, max(share, middle + reach)))


def _weights(groups: int, samples: int, seed: int) -> list[Whole]:
    """How often each group was drawn, a row a draw; in several blocks where there are many samples."""
    import numpy as np

    source = np.random.default_rng(seed)
    rows = max(1, min(DRAWS, _AT_ONCE // max(1, samples)))
    blocks = [rows] * (DRAWS // rows) + ([DRAWS % rows] if DRAWS % rows else [])
    return [source.multinomial(groups, np.full(groups, 1 / groups), size=size) for size in blocks]


def _weighted_quantile(values: Floats, weights: Whole, share: float) -> Floats:
    """A quantile a row of weights over sorted values; between two values where the share falls on the gap."""
    import numpy as np

    reached = np.cumsum(weights, axis=1)
    wanted = reached[:, -1:] * share
    slack = 1e-9 * (1 + wanted)
    low = np.argmax(reached >= wanted - slack, axis=1)
    high = np.argmax(reached > wanted + slack, axis=1)
    high = np.where(reached[:, -1] > wanted[:, 0] + slack[:, 0], high, low)
    found: Floats = (values[low] + values[high]) / 2
    return found


def _interval(point: float, drawn: Floats, groups: int, share: float = 0.5) -> Interval:
    """Cut the tails off; a bound stays open where even the farthest sample is not far enough, too often to tell.

    All of `n` samples lie below a quantile with probability share**n: five say nothing of a median, 34 of a p90.
    """
    import numpy as np

    if groups < 2:
        return Interval(point, -math.inf, math.inf)
    tail = _expanded_tail(groups)
    low, high = (float(bound) for bound in np.quantile(drawn, [tail, 1 - tail]))
    rare = (1 - COVERAGE) / 2
    return Interval(
        point,
        -math.inf if (1 - share) ** groups > rare else min(point, low),
        math.inf if share**groups > rare else max(point, high),
    )


def _expanded_tail(groups: int) -> float:
    normal = NormalDist()
    stretched = _student(0.5 + COVERAGE / 2, groups - 1) * math.sqrt(groups / (groups - 1))
    return normal.cdf(-stretched)


def _student(share: float, freedom: int) -> float:
    """A quantile of Student's t (Abramowitz and Stegun, 26.7.5; within 0.3 % from 4 degrees of freedom on)."""
    z = NormalDist().inv_cdf(share)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3

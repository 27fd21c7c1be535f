"""What can be promised of a mean, or of a share, after seeing so many rows? One-sided bounds, in pure Python.

Nothing here promises more after fewer rows: a sample twice as long with the same distribution has the tighter bound.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

_HALVINGS = 60
"""Of an interval when an equation is solved: to the last bit of a double."""
WORST_ROWS = 0.1
"""So many rows of the worst outcome are added to a mean. A test at 5 % of pairs of scores of 0 and 1 is then wrong with
a chance of 5.3 % at most, without them 5.9 %: summed over all outcomes of 30 to 1,000 rows, at limits of 0.5 to 10
points, 0 to 8 % of gains. Of 300 rows a plain t-test is wrong in up to 20 %, one corrected for skewness in 7.5 %."""


def doubt_that_mean_is_below(values: Sequence[float], limit: float, highest: float = 1.0) -> float:
    """The p-value against "the mean of what these rows are drawn from is `limit` or more".

    `values` are losses, at most `highest` each. A score test: the spread is that of the likeliest distribution that
    has the mean `limit`, in which the worst outcome may occur although no row shows it. For scores of 0 and 1 that is
    the test of Nam (Biometrics 53, 1997) and Tango (Statistics in Medicine 17, 1998) for pairs, and Wilson's where
    only losses occur; for others the restricted distribution is the empirical likelihood's (Owen, Biometrika 75,
    1988). A t-test would take thirty rows without a loss for a proof that there are none.
    """
    counts, n = Counter(values), len(values)
    if n < 2:
        return 1.0
    mean = math.fsum(value * times for value, times in counts.items()) / n
    missing = limit - mean - WORST_ROWS * max(highest, 0.0) / n
    if missing <= 0:
        return 1.0
    if limit >= highest:
        return 0.0
    spread = math.sqrt(max(_restricted_variance(counts, n, limit, highest), 1e-300))
    return 1 - t_cumulative(missing * math.sqrt(n) / spread, n - 1)


def mean_upper(values: Sequence[float], confidence: float, highest: float = 1.0) -> float:
    """The least limit that the mean is shown to be below at this confidence; `highest` where none is."""
    low = math.fsum(values) / len(values) if values else highest
    return _least(lambda limit: doubt_that_mean_is_below(values, limit, highest) <= 1 - confidence, low, highest)


def mean_upper_unbounded(values: Sequence[float], confidence: float) -> float:
    """An upper bound of a mean whose values have no highest (dollars): Student's t, corrected for skewness.

    Hall (Journal of the Royal Statistical Society B 54, 1992): a few dear rows make the plain t-bound too low. Below
    30 rows there is no bound: infinity.
    """
    n = len(values)
    if n < 30:
        return math.inf
    mean = math.fsum(values) / n
    apart = [value - mean for value in values]
    second = math.fsum(each * each for each in apart) / n
    third = math.fsum(each * each * each for each in apart) / n
    if second == 0:
        return mean
    t = t_quantile(confidence, n - 1)
    spread = math.sqrt(second * n / (n - 1))
    skewness = max(0.0, third / (second * math.sqrt(second)))
    return mean + spread * (t / math.sqrt(n) + skewness * (1 + 2 * t * t) / (6 * n))


def share_upper(count: float, n: int, confidence: float) -> float:
    """Clopper and Pearson's exact upper bound (Biometrika 26, 1934) of a share of which `count` of `n` were seen."""
    if n <= 0 or count >= n:
        return 1.0
    return _least(lambda share: beta_cumulative(share, count + 1, n - count) >= confidence, 0.0, 1.0)


def share_lower(count: float, n: int, confidence: float) -> float:
    """Clopper and Pearson's exact lower bound of a share."""
    return 1 - share_upper(n - count, n, confidence)


def passed_in_order(doubts: Iterable[float], allowed: float) -> int:
    """How many hypotheses of a fixed sequence are rejected: the first one that is not ends it.

    Fixed-sequence testing (Angelopoulos et al., Learn then Test, 2021, section 2.3.2): the chance that any is rejected
    wrongly stays `allowed`, however many there are, as long as the order was fixed before these rows were seen.
    """
    passed = 0
    for doubt in doubts:
        if doubt > allowed:
            break
        passed += 1
    return passed


def rows_needed(values: Sequence[float], limit: float, confidence: float, highest: float = 1.0) -> int | None:
    """About how many rows such as these prove that their mean is below `limit`; None where no number would.

    So many that the bound is met on average, with the spread that these rows have: half of all such samples do.
    """
    n = len(values)
    if n < 2 or math.fsum(values) / n >= limit:
        return None
    mean = math.fsum(values) / n
    spread = math.sqrt(max(_restricted_variance(Counter(values), n, limit, highest), 0.0))
    t, short = t_quantile(confidence, max(30, n)), limit - mean
    worst = WORST_ROWS * max(highest, 0.0)
    root = (t * spread + math.sqrt((t * spread) ** 2 + 4 * short * worst)) / (2 * short)
    return math.ceil(root * root)


def t_quantile(probability: float, freedom: float) -> float:
    """Student's t: the value that stays above this share of draws."""
    if probability < 0.5:
        return -t_quantile(1 - probability, freedom)
    high = 2.0
    while t_cumulative(high, freedom) < probability and high < 1e12:
        high *= 2
    return _least(lambda value: t_cumulative(value, freedom) >= probability, 0.0, high)


def t_cumulative(value: float, freedom: float) -> float:
    """Student's t: the share of draws below a value."""
    tail = beta_cumulative(freedom / (freedom + value * value), freedom / 2, 0.5) / 2
    return 1 - tail if value > 0 else tail


def beta_cumulative(value: float, a: float, b: float) -> float:
    """The regularized incomplete beta function, by Lentz's continued fraction (Numerical Recipes, section 6.4)."""
    if value <= 0 or value >= 1:
        return 0.0 if value <= 0 else 1.0
    if value > (a + 1) / (a + b + 2):
        return 1 - beta_cumulative(1 - value, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(value) + b * math.log1p(-value)
    )
    return front * _fraction(value, a, b) / a


def _fraction(value: float, a: float, b: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * value / (a + 1), tiny)
    total = d
    for m in range(1, 10_000):
        for step in (
            m * (b - m) * value / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * value / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away_from_zero(1 + step * d, tiny)
            c = _away_from_zero(1 + step / c, tiny)
            total *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return total


def _away_from_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny


def _restricted_variance(counts: Counter[float], n: int, mean: float, highest: float) -> float:
    """The variance of the likeliest distribution of this mean, which may also hold `highest`; the mean lies above."""
    unseen = (highest - mean) * math.fsum(times / (highest - v) for v, times in counts.items() if v < highest) / n
    if not counts[highest] and unseen <= 1:
        within = (highest - mean) * math.fsum(times * (v - mean) ** 2 / (highest - v) for v, times in counts.items())
        return within / n + (1 - unseen) * (highest - mean) ** 2
    tilt = _tilt(counts, mean, highest)
    return math.fsum(times * (v - mean) ** 2 / (1 - tilt * (v - mean)) for v, times in counts.items()) / n


def _tilt(counts: Counter[float], mean: float, highest: float) -> float:
    """How far weights 1 / n(1 - tilt (v - mean)) of rows must lean towards losses for their mean to be `mean`."""

    def enough(tilt: float) -> bool:
        return math.fsum(t * (v - mean) / (1 - tilt * (v - mean)) for v, t in counts.items()) >= 0

    return _least(enough, 0.0, 1 / (highest - mean) * (1 - 1e-12))


def _least(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The least value for which a claim holds that holds from some value on; `high` where it never does."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high

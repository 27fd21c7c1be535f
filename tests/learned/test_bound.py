"""What is promised after so many rows holds, and never grows with fewer of them."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.learned import bound

LOSSES = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.0, 0.0, 0.25, 1.0]), min_size=2, max_size=40)


@pytest.mark.parametrize(("probability", "freedom"), [(0.95, 1), (0.95, 10), (0.975, 29), (0.999, 299), (0.05, 7)])
def test_students_quantiles_are_those_of_scipy(probability: float, freedom: int) -> None:
    stats = pytest.importorskip("scipy.stats")

    assert bound.t_quantile(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), abs=1e-9)


@pytest.mark.parametrize(("count", "n"), [(0, 1), (0, 300), (3, 300), (17, 40), (299, 300), (5000, 14_000)])
def test_exact_bounds_of_shares_are_those_of_scipy(count: int, n: int) -> None:
    stats = pytest.importorskip("scipy.stats")

    assert bound.share_upper(count, n, 0.95) == pytest.approx(stats.beta.ppf(0.95, count + 1, n - count), abs=1e-9)


@given(st.integers(1, 200), st.data())
def test_a_share_lies_between_its_bounds(n: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, n))

    assert bound.share_lower(count, n, 0.95) <= count / n <= bound.share_upper(count, n, 0.95)


@pytest.mark.parametrize("losses", [0, 1, 2, 5, 10, 30])
def test_rare_losses_are_bounded_as_exactly_as_by_clopper_and_pearson(losses: int) -> None:
    """A t-bound of 300 rows without a loss would be zero; the exact one is a point."""
    rows = [1.0] * losses + [0.0] * (300 - losses)

    assert 300 * bound.mean_upper(rows, 0.95) == pytest.approx(300 * bound.share_upper(losses, 300, 0.95), abs=0.17)


@settings(max_examples=60, deadline=None)
@given(LOSSES, st.integers(2, 5))
def test_fewer_labels_never_promise_more(values: list[float], times: int) -> None:
    """The same mean and spread from fewer rows: a looser bound."""
    assert bound.mean_upper(values * times, 0.95) <= bound.mean_upper(values, 0.95) + 1e-9


@given(LOSSES, st.randoms())
def test_the_order_of_rows_does_not_matter(values: list[float], chance: random.Random) -> None:
    turned = values.copy()
    chance.shuffle(turned)

    assert bound.mean_upper(turned, 0.95) == bound.mean_upper(values, 0.95)


@settings(max_examples=60, deadline=None)
@given(LOSSES)
def test_more_confidence_promises_less(values: list[float]) -> None:
    bounds = [bound.mean_upper(values, confidence) for confidence in (0.8, 0.9, 0.95, 0.99)]

    assert all(one <= other + 1e-12 for one, other in pairwise(bounds))
    assert sum(values) / len(values) <= bounds[0] <= 1


@pytest.mark.parametrize("limit", [0.01, 0.03])
@pytest.mark.parametrize("gains", [0.0, 0.005, 0.03])
@pytest.mark.parametrize("n", [50, 216, 300])
def test_rare_losses_at_the_limit_pass_with_a_chance_of_about_one_in_twenty(n: int, gains: float, limit: float) -> None:
    """Summed over all outcomes, not sampled: a t-test of 300 pairs passes in up to one of five."""
    passing = 0.0
    for losses in range(n + 1):
        for gained in range(n + 1 - losses):
            chance = _chance(n, losses, gained, limit + gains, gains)
            if chance > 1e-7:
                rows = [1.0] * losses + [-1.0] * gained + [0.0] * (n - losses - gained)
                passing += chance * (bound.doubt_that_mean_is_below(rows, limit) <= 0.05)

    assert passing <= 0.053


def _chance(n: int, losses: int, gained: int, losing: float, gaining: float) -> float:
    """Of so many losses and gains among n rows."""
    if gained and not gaining:
        return 0.0
    kept = n - losses - gained
    ways = math.lgamma(n + 1) - math.lgamma(losses + 1) - math.lgamma(gained + 1) - math.lgamma(kept + 1)
    by_gains = gained * math.log(gaining) if gained else 0.0
    return math.exp(ways + losses * math.log(losing) + by_gains + kept * math.log1p(-losing - gaining))


@pytest.mark.parametrize("limit", [0.0, 0.01, 0.02])
@pytest.mark.parametrize("gains", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("n", [72, 300])
def test_a_mean_at_the_limit_is_taken_for_lower_in_at_most_one_of_twenty_samples(
    n: int, gains: float, limit: float
) -> None:
    """The promise itself: pairs of scores of 0 and 1 whose mean loss is exactly what may not be reached."""
    chance = random.Random(f"{n} {gains} {limit}")
    trials = 1500
    known: dict[tuple[int, int], bool] = {}
    wrong = 0
    for _ in range(trials):
        drawn = chance.choices((1, -1, 0), (limit + gains, gains, 1 - limit - 2 * gains), k=n)
        counts = drawn.count(1), drawn.count(-1)
        if counts not in known:
            known[counts] = bound.doubt_that_mean_is_below([float(each) for each in drawn], limit) <= 0.05
        wrong += known[counts]

    assert wrong / trials <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)


def test_a_few_dear_rows_raise_the_bound_of_a_mean_cost() -> None:
    even, skewed = [1.0, 3.0] * 50, [1.0] * 90 + [11.0] * 10
    plain = 2 + bound.t_quantile(0.95, 99) * (9 * 100 / 99) ** 0.5 / 10

    assert bound.mean_upper_unbounded(even, 0.95) == pytest.approx(2 + bound.t_quantile(0.95, 99) / 99**0.5)
    assert bound.mean_upper_unbounded(skewed, 0.95) > plain
    assert bound.mean_upper_unbounded([1.0] * 29, 0.95) == math.inf


def test_a_fixed_sequence_ends_at_the_first_that_fails() -> None:
    assert bound.passed_in_order([0.01, 0.02, 0.2, 0.001], 0.05) == 2
    assert bound.passed_in_order([0.2, 0.001], 0.05) == 0
    assert bound.passed_in_order([], 0.05) == 0


def test_the_rows_that_are_said_to_be_needed_are_enough() -> None:
    rows = [1.0] * 3 + [-1.0] * 2 + [0.0] * 95

    needed = bound.rows_needed(rows, 0.03, 0.95)

    assert needed is not None
    assert needed > 100
    longer = rows * math.ceil(needed * 1.1 / 100)
    assert bound.doubt_that_mean_is_below(rows, 0.03) > 0.05
    assert bound.doubt_that_mean_is_below(longer, 0.03) <= 0.05
    assert bound.rows_needed(rows, 0.01, 0.95) is None

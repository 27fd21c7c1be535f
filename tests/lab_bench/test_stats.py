"""The intervals of a bench hold the truth as often as they say."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

from synapse_cli.core.interval import Interval
from synapse_cli.lab.bench import stats


def _pairs(source: random.Random, count: int, ratio: float) -> list[float]:
    return [ratio * source.lognormvariate(0.0, 0.3) / source.lognormvariate(0.0, 0.3) for _ in range(count)]


@pytest.mark.parametrize("count", [12, 40])
def test_nineteen_of_twenty_intervals_hold_the_true_ratio(count: int) -> None:
    source = random.Random(7)
    benches = 200

    held = sum(_found(stats.median_ratio(_pairs(source, count, 1.2), seed=at)).holds(1.2) for at in range(benches))

    assert 0.9 <= held / benches <= 0.99  # three standard errors; bench_coverage has the narrow figure


def test_the_median_is_the_middle_value_or_the_mean_of_the_two() -> None:
    odd = stats.quantile([[3.0], [1.0], [2.0]], 0.5)
    even = stats.quantile([[4.0, 1.0], [2.0, 3.0]], 0.5)

    assert _found(odd).estimate == 2.0
    assert _found(even).estimate == 2.5


def test_a_quantile_is_the_value_that_its_share_of_samples_does_not_exceed() -> None:
    samples = [[float(number)] for number in range(1, 101)]

    assert [_found(stats.quantile(samples, share)).estimate for share in (0.25, 0.9, 0.99)] == [25.5, 90.5, 99.5]


def test_the_same_bench_has_the_same_interval() -> None:
    pairs = _pairs(random.Random(1), 30, 1.0)

    assert stats.median_ratio(pairs, seed=3) == stats.median_ratio(pairs, seed=3)


def test_a_to_b_is_the_inverse_of_b_to_a() -> None:
    pairs = _pairs(random.Random(2), 24, 1.3)

    there = _found(stats.median_ratio(pairs))
    back = _found(stats.median_ratio([1 / ratio for ratio in pairs]))

    assert there.estimate == pytest.approx(1 / back.estimate)


def test_five_samples_say_nothing_of_a_median_and_six_do() -> None:
    five = _found(stats.quantile([[float(number)] for number in range(5)], 0.5))
    six = _found(stats.quantile([[float(number)] for number in range(6)], 0.5))

    assert (five.low, five.high) == (-math.inf, math.inf)
    assert (six.low, six.high) == (0.0, 5.0)


def test_a_high_quantile_of_few_samples_has_no_upper_bound() -> None:
    found = _found(stats.quantile([[float(number)] for number in range(20)], 0.9))

    assert found.high == math.inf
    assert found.low > 10


def test_repeats_of_one_prompt_do_not_make_an_interval_narrow() -> None:
    source = random.Random(4)
    prompts = [source.gauss(10, 3) for _ in range(12)]

    once = _found(stats.quantile([[value] for value in prompts], 0.5))
    often = _found(stats.quantile([[value] * 50 for value in prompts], 0.5))

    assert often == once


def test_a_ratio_of_sums_weighs_what_is_dear() -> None:
    found = _found(stats.ratio_of_sums([10.0, 1.0], [5.0, 1.0]))

    assert found.estimate == pytest.approx(11 / 6)


def test_money_against_nothing_is_infinite_and_nothing_against_nothing_is_the_same() -> None:
    assert _found(stats.ratio_of_sums([1.0, 2.0], [0.0, 0.0])).low == math.inf
    assert _found(stats.ratio_of_sums([0.0], [0.0])) == Interval(1.0, 1.0, 1.0)


def test_costs_that_do_not_vary_have_an_exact_ratio() -> None:
    found = _found(stats.ratio_of_sums([1.1] * 8, [1.0] * 8))

    assert found.low == pytest.approx(1.1)
    assert found.high == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [(7, 10, 0.3968, 0.8922), (10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (1, 1, 0.2065, 1.0)],
)
def test_shares_have_the_interval_of_wilson(right: int, of: int, low: float, high: float) -> None:
    """The values are those of Wilson's formula as tables print it (R: prop.test, correct = FALSE)."""
    found = stats.wilson(right / of, of)

    assert (found.low, found.high) == (pytest.approx(low, abs=2e-4), pytest.approx(high, abs=2e-4))


def test_wilson_holds_any_share_about_as_often_as_it_says() -> None:
    """Exactly, by summing the binomial: near 95 % on average over shares, as Agresti and Coull (1998) show."""
    of = 30
    shares = [Fraction(at, 50) for at in range(5, 46)]

    covered = [
        sum(_binomial(right, of, float(share)) for right in range(of + 1) if _wilson(right, of).holds(float(share)))
        for share in shares
    ]

    assert 0.94 <= sum(covered) / len(covered) <= 0.965


def _wilson(right: int, of: int) -> Interval:
    return stats.wilson(right / of, of)


def _binomial(right: int, of: int, share: float) -> float:
    return math.comb(of, right) * share**right * (1 - share) ** (of - right)


def _found(interval: Interval | None) -> Interval:
    assert interval is not None
    return interval

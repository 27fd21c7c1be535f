"""When a prompt is unlike all examples."""

from __future__ import annotations

import math
import random

import pytest

from synapse_cli.routing.scope import calibrate, from_about, limit


def _normal(count: int, seed: int) -> list[float]:
    dice = random.Random(seed)
    return [dice.gauss(0, 1) for _ in range(count)]


@pytest.mark.parametrize("count", [60, 100, 999])
def test_at_most_the_stated_share_of_the_scores_themselves_lies_below(count: int) -> None:
    scores = sorted(_normal(count, count))

    assert sum(score < limit(scores, 0.05) for score in scores) <= 0.05 * count


@pytest.mark.parametrize("count", [5, 20, 60, 300])
def test_new_scores_like_them_fall_below_about_as_seldom_as_stated(count: int) -> None:
    """In the mean over many draws: a threshold from few examples must not reject more for it."""
    shares = []
    for seed in range(200):
        threshold = limit(sorted(_normal(count, seed)), 0.05)
        shares.append(0.5 * math.erfc(-threshold / math.sqrt(2)))

    assert sum(shares) / len(shares) <= 0.06


def test_fewer_scores_make_a_more_careful_threshold() -> None:
    """The same spread known from fewer examples: a threshold never rejects more with less to go by."""
    scores = [-1.0, 1.0]

    limits = [limit(sorted(scores * times), 0.05) for times in (1, 2, 5, 20)]

    assert limits == sorted(limits)


@pytest.mark.parametrize("scores", [[], [1.0]])
def test_nothing_is_rejected_where_nothing_is_known(scores: list[float]) -> None:
    assert limit(scores, 0.05) == -math.inf
    assert limit([1.0] * 100, 0.0) == -math.inf


def test_measures_of_any_size_count_alike() -> None:
    small = [each / 1000 for each in _normal(80, 1)]
    large = [each * 1000 for each in _normal(80, 2)]

    scope = calibrate([small, large], 0.05)

    assert abs(scope.score([small[0], scope.middles[1]])) > 0.01
    assert scope.score(scope.middles) == 0


def test_a_scope_is_read_back_as_it_was() -> None:
    for scope in (calibrate([_normal(80, 3)], 0.05), calibrate([[]], 0.05)):
        assert from_about(scope.about()) == scope

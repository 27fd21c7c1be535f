"""A map from scores to chances that never falls."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.learned.calibration import Calibration, from_json, isotonic

rows = st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 1.0])), min_size=1, max_size=60)


@settings(max_examples=100, deadline=None)
@given(rows, st.lists(st.floats(-1, 2), min_size=2, max_size=2))
def test_a_higher_score_is_never_worth_less_and_all_chances_are_chances(pairs, two):
    found = isotonic(*zip(*pairs, strict=True))
    low, high = sorted(two)

    assert 0 <= found.chance(low) <= found.chance(high) <= 1


@settings(max_examples=60, deadline=None)
@given(rows, st.randoms())
def test_the_order_of_rows_changes_nothing(pairs, rng):
    mixed = list(pairs)
    rng.shuffle(mixed)

    assert isotonic(*zip(*pairs, strict=True)) == isotonic(*zip(*mixed, strict=True))


def test_adjacent_violators_are_pooled():
    found = isotonic([1, 2, 3, 4], [0, 1, 0, 1])

    assert found.points == ((1, 0.0), (2, 0.5), (3, 0.5), (4, 1.0))
    assert found.chance(3.5) == 0.75


def test_the_mean_chance_is_the_share_of_the_good():
    """What isotonic regression promises: it is right on average over what it learned from."""
    scores = [number / 50 for number in range(50)]
    goods = [float(number * 7919 % 50 < number) for number in range(50)]
    found = isotonic(scores, goods)

    assert sum(map(found.chance, scores)) == pytest.approx(sum(goods))


def test_points_come_back_from_json():
    found = isotonic([0.1, 0.5, 0.9], [0, 1, 1])

    assert from_json(found.as_json()) == found
    assert isinstance(found, Calibration)


@pytest.mark.parametrize(
    "value", [None, [], [1], [[1]], [[1, 2]], [[0, 0.5], [1, 0.4]], [[1, 0], [1, 1]], [["a", 0]], [[0, True]]]
)
def test_what_is_no_rising_map_is_refused(value):
    with pytest.raises(ValueError, match=r"expected|point|rise"):
        from_json(value)

"""PGR, its area and its thresholds, against sums made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.lab import curve

WEAK = np.array([0.0, 0.0, 1.0, 1.0])
STRONG = np.array([1.0, 1.0, 1.0, 0.0])


def test_the_best_order_gains_more_than_the_strong_model_has() -> None:
    """Two prompts gain 1 each and one loses 1: all calls gain 1 to the strong model, and the first half of them 2."""
    found = curve.ranked(STRONG - WEAK, WEAK, STRONG)

    assert found is not None
    assert found.curve.shares == (0.0, 0.5, 0.75, 1.0)
    assert found.curve.gains == (0.0, 2.0, 2.0, 1.0)
    assert found.apgr.estimate == pytest.approx(0.5 * 1.0 + 0.25 * 2.0 + 0.25 * 1.5)
    assert (found.cpt50, found.cpt80) == pytest.approx((0.125, 0.2))


def test_a_score_that_tells_nothing_ranks_as_chance_does() -> None:
    found = curve.ranked(np.zeros(4), WEAK, STRONG)

    assert found is not None
    assert found.apgr.estimate == pytest.approx(0.5)
    assert (found.cpt50, found.cpt80) == pytest.approx((0.5, 0.8))
    assert curve.RANDOM.area == 0.5
    assert (curve.RANDOM.share_for(0.5), curve.RANDOM.share_for(0.8)) == (0.5, 0.8)


def test_nothing_is_ranked_where_the_strong_model_is_no_better() -> None:
    assert curve.ranked(np.arange(4.0), STRONG, STRONG) is None
    assert curve.ranked(np.arange(4.0), STRONG, WEAK) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_rows_changes_nothing_and_the_interval_holds_the_area(seed: int) -> None:
    source = np.random.default_rng(seed)
    weak, strong = source.integers(0, 2, 40).astype(np.float64), source.integers(0, 2, 40).astype(np.float64)
    strong[:15] = 1.0
    weak[:15] = 0.0
    score = source.integers(0, 12, 40).astype(np.float64)
    turned = source.permutation(40)

    found, again = curve.ranked(score, weak, strong), curve.ranked(score[turned], weak[turned], strong[turned])

    assert found is not None
    assert again is not None
    assert found.curve.gains == pytest.approx(again.curve.gains)
    assert found.apgr.low <= found.apgr.estimate <= found.apgr.high
    oracle = curve.ranked(strong - weak, weak, strong)
    assert oracle is not None
    assert oracle.apgr.estimate >= found.apgr.estimate - 1e-9

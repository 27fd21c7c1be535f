"""How routes are told apart."""

from __future__ import annotations

import numpy as np
import pytest

from synapse_cli.routing import logistic


def test_the_least_of_a_bowl_is_its_bottom() -> None:
    bottom = np.array([3.0, -2.0, 0.5])
    steep = np.array([1.0, 100.0, 0.01])

    found = logistic.least(
        lambda point: (float((steep * (point - bottom) ** 2).sum()), 2 * steep * (point - bottom)), np.zeros(3)
    )

    assert np.allclose(found, bottom, atol=0.05)


def test_vectors_of_two_clouds_are_told_apart_and_few_examples_stay_near_their_middles() -> None:
    dice = np.random.default_rng(0)
    middles = np.array([[1.0, 0.0], [0.0, 1.0]])
    labels = np.repeat([0, 1], 50)
    rows = middles[labels] + dice.normal(0, 0.2, (100, 2))

    weights = logistic.of_vectors(rows, labels, middles.T * 10, 0.05)
    stiff = logistic.of_vectors(rows, labels, middles.T * 10, 1e9)

    assert ((rows @ weights[:-1] + weights[-1]).argmax(axis=1) == labels).mean() > 0.97
    assert np.allclose(stiff[:-1], middles.T * 10, atol=1e-3)


def test_words_are_learned_the_same_each_time() -> None:
    rows = [(np.array([each % 4, 4]), np.array([1.0, 0.5], dtype=np.float32)) for each in range(40)]
    labels = np.array([each % 4 for each in range(40)])

    first, second = (logistic.of_words(rows, labels, 4, 5) for _ in range(2))

    assert (first == second).all()
    assert (first[:4].argmax(axis=1) == np.arange(4)).all()


@pytest.mark.parametrize("truth", [0.3, 1.0, 3.0])
def test_scores_are_scaled_to_the_likeliest_probabilities(truth: float) -> None:
    """Labels are drawn with the scores times `truth` as logarithms: that number is found again."""
    dice = np.random.default_rng(1)
    scores = dice.normal(0, 2, (4000, 3))
    chances = np.exp(logistic.log_softmax(truth * scores))
    labels = (dice.random((4000, 1)) > chances.cumsum(axis=1)).sum(axis=1)

    (found,) = logistic.scale([scores], labels)

    assert abs(found - truth) < 0.15 * truth


def test_a_part_that_says_nothing_counts_for_less_than_one_that_does() -> None:
    dice = np.random.default_rng(2)
    labels = dice.integers(0, 3, 500)
    telling = np.eye(3)[labels] * 2 + dice.normal(0, 1, (500, 3))
    noise = dice.normal(0, 1, (500, 3))

    telling_weight, noise_weight = logistic.scale([telling, noise], labels)

    assert noise_weight < 0.3 * telling_weight


def test_few_rows_leave_a_scale_near_one() -> None:
    assert logistic.scale([np.zeros((0, 3))], np.zeros(0, dtype=np.int64)) == (1.0,)
    assert 0.5 < logistic.scale([np.array([[3.0, 0.0]])], np.array([0]))[0] < 2

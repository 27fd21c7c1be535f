"""What may be promised of answers, whose confidences and errors are given."""

from __future__ import annotations

import random

import numpy as np
import pytest

from synapse_cli.lab.distill.certify import Course, answers_for, certify, texts_needed
from synapse_cli.lab.distill.fit import Heard, calibration
from synapse_cli.learned.student import calibrated


def _course(confidences: list[float], agrees: list[bool]) -> Course:
    return Course(
        confidences=np.array(confidences),
        agrees=np.array(agrees),
        by_words=np.ones(len(agrees), dtype=bool),
        words_bend=(1.0, 0.0),
        both_bend=None,
        sure=0.99,
        least_known=0.0,
        least_near=0.0,
    )


def _drawn(chance: random.Random, count: int) -> tuple[Course, list[float]]:
    """Texts whose confidence is their true chance of agreeing."""
    truth = [1 - chance.random() ** 3 / 4 for _ in range(count)]
    return _course(truth, [chance.random() < each for each in truth]), truth


def test_a_promise_is_broken_no_more_often_than_is_allowed() -> None:
    chance = random.Random(11)
    made = broken = 0
    for _ in range(200):
        course, truth = _drawn(chance, 500)
        promise = certify(course, 0.95, 0.9)
        if promise is not None:
            answered = [each for each in truth if each >= promise.least]
            made += 1
            broken += sum(answered) / len(answered) < 0.95

    assert made > 150
    assert broken <= 0.1 * made


def test_a_slip_at_the_very_top_ends_nothing() -> None:
    confidences = [0.9995 - 0.0001 * place for place in range(1000)]
    agrees = [place not in {0, 1, 2} for place in range(1000)]

    promise = certify(_course(confidences, agrees), 0.98, 0.95)

    assert promise is not None
    assert promise.answered == 1000


def test_a_student_that_knows_only_the_surest_answers_them() -> None:
    confidences = [0.999] * 800 + [0.6] * 3200
    agrees = [True] * 800 + [place % 3 > 0 for place in range(3200)]

    promise = certify(_course(confidences, agrees), 0.98, 0.95)

    assert promise is not None
    assert (promise.answered, promise.disagreed) == (800, 0)
    assert promise.least > 0.6


@pytest.mark.parametrize(("disagreed", "wanted"), [(0, 149), (3, 386)])
def test_so_many_answers_show_98_percent(disagreed: int, wanted: int) -> None:
    assert answers_for(disagreed, 0.98, 0.95) == wanted


def test_the_need_is_told_where_answers_agree_often_enough_and_not_where_they_never_will() -> None:
    few = _course([0.99] * 100, [True] * 100)
    wrong = _course([0.99] * 100, [place % 4 > 0 for place in range(100)])

    assert certify(few, 0.98, 0.95) is None
    assert texts_needed(few, 0.98, 0.95) == pytest.approx(155, abs=10)
    assert texts_needed(wrong, 0.98, 0.95) is None


def test_chances_that_are_all_near_one_are_still_calibrated() -> None:
    chances = np.array([1 - 10.0 ** -(3 + place % 5) for place in range(500)])
    agrees = np.array([place % 5 > 0 or place % 2 == 0 for place in range(500)])

    bend = calibration(Heard(np.zeros((500, 1), dtype=np.int64), chances, agrees, np.ones(500)))

    said = [calibrated(float(chance), bend) for chance in chances]
    assert sum(said) / 500 == pytest.approx(agrees.mean(), abs=0.02)
    assert said[0] < 0.75
    assert said[4] > 0.95

"""What the answers add up to."""

from __future__ import annotations

import pytest

from synapse_cli.core.outcome import Decision, DecisionSource
from synapse_cli.lab.route_eval.figures import figures
from synapse_cli.lab.route_eval.measure import Beside, Judged, Measured
from synapse_cli.lab.route_eval.rows import OUT


def _row(
    wanted: str,
    guess: str,
    *,
    rejected: bool = False,
    probability: float = 0.9,
    likeness: float = 0.0,
    by: DecisionSource = "semantic",
) -> Judged:
    return Judged(
        text=f"{wanted} or {guess}",
        wanted=wanted,
        decision=Decision("default" if rejected else guess, "", "default" if rejected else by),
        guess=guess,
        probability=probability,
        likeness=likeness,
        rejected=rejected,
        cpu_s=0.001,
    )


def _measured(*rows: Judged, beside: tuple[Beside, ...] = ()) -> Measured:
    return Measured(rows=rows, routes=("a", "b"), default="default", reject=0.25, encoder=None, beside=beside)


ROWS = (
    _row("a", "a", likeness=1.0, by="lexical"),
    _row("a", "a", likeness=0.5),
    _row("a", "b", likeness=0.2, probability=0.6),
    _row("b", "b", likeness=-1.0, rejected=True),
    _row(OUT, "a", likeness=-3.0, rejected=True),
    _row(OUT, "b", likeness=0.4),
)


def test_accuracy_is_of_the_likeliest_route_and_a_rejected_prompt_is_decided_wrong() -> None:
    sums = figures(_measured(*ROWS))

    assert (sums.in_scope, sums.out_of_scope) == (4, 2)
    assert (sums.accuracy, sums.decided, sums.rejected, sums.recall) == (0.75, 0.5, 0.25, 0.5)
    assert sums.interval is not None
    assert sums.interval[0] < 0.75 < sums.interval[1]


def test_recall_at_the_stated_rejection_draws_the_line_among_the_tests_own_prompts() -> None:
    """A quarter of four prompts in scope is one: what lies below the second lowest is found."""
    assert figures(_measured(*ROWS)).recall_at == 0.5


def test_precision_and_recall_of_a_route_count_what_was_sent_there() -> None:
    a, b = figures(_measured(*ROWS)).routes

    assert (a.rows, a.taken, a.precision, a.recall) == (3, 2, 1.0, pytest.approx(2 / 3))
    assert (b.rows, b.taken, b.precision, b.recall) == (1, 2, 0.0, 0.0)


def test_confusions_and_matrix_tell_the_same_story() -> None:
    sums = figures(_measured(*ROWS))

    assert sums.names == ("a", "b", "default")
    assert sums.matrix == ((2, 1, 0), (0, 0, 1), (0, 1, 1))
    assert sum(each.rows for each in sums.confusions) == 3
    assert {(each.wanted, each.got) for each in sums.confusions} == {("a", "b"), ("b", "default"), ("default", "b")}


def test_the_calibration_error_is_how_far_confidence_is_from_accuracy() -> None:
    always = [_row("a", "a" if number % 2 else "b", probability=0.9) for number in range(100)]

    sums = figures(_measured(*always))

    assert sums.ece == pytest.approx(0.4)
    assert sum(each.rows for each in sums.bins) == 100


def test_who_decided_is_counted_with_how_often_they_were_right() -> None:
    found = {each.by: (each.rows, each.right) for each in figures(_measured(*ROWS)).deciding}

    assert found == {"lexical": (1, 1), "semantic": (3, 1), "default": (2, 1)}


def test_simpler_routers_stand_beside_it() -> None:
    routes = ("a", "a", "a", "a", "a", "a")
    constant = Beside(name="always a", routes=routes)
    telling = Beside(name="telling", routes=routes, likeness=(1, 1, 1, 1, 0, 0))

    always, told = figures(_measured(*ROWS, beside=(constant, telling))).beside

    assert (always.accuracy, always.recall) == (0.75, None)
    assert (told.accuracy, told.recall) == (0.75, 1.0)


def test_without_rows_out_of_scope_nothing_is_said_of_them() -> None:
    sums = figures(_measured(*ROWS[:3]))

    assert (sums.recall, sums.recall_at) == (None, None)


def test_the_order_of_rows_changes_nothing() -> None:
    forwards, backwards = figures(_measured(*ROWS)), figures(_measured(*ROWS[::-1]))

    assert (forwards.accuracy, forwards.matrix, forwards.ece) == (backwards.accuracy, backwards.matrix, backwards.ece)

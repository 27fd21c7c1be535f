"""Where the chosen way is closed the choice moves up, never silently down; exploring looks one step beside."""

from __future__ import annotations

from itertools import product

import pytest

from synapse_cli.routing.arbitrage import neighbour, open_way

NAMES = ("small", "middle", "large")
COSTS = (0.0001, 0.001, 0.01)
SCORES = (0.7, 0.8, 0.95)
GONE = "not allowed"


def test_an_open_way_is_taken_as_it_was_chosen() -> None:
    taken = open_way(1, {0: GONE, 2: GONE}, COSTS, SCORES, NAMES)

    assert taken is not None
    assert (taken.number, taken.why) == (1, "")


def test_a_closed_way_gives_place_to_the_cheapest_that_is_as_good_and_says_why() -> None:
    taken = open_way(0, {0: GONE}, COSTS, SCORES, NAMES)

    assert taken is not None
    assert (taken.number, taken.why) == (1, "small may not be taken: not allowed")


def test_where_nothing_as_good_is_open_the_best_of_the_rest_is_taken() -> None:
    taken = open_way(2, {2: GONE}, COSTS, SCORES, NAMES)

    assert taken is not None
    assert taken.number == 1


def test_where_all_is_closed_nothing_is_taken() -> None:
    assert open_way(0, dict.fromkeys(range(3), GONE), COSTS, SCORES, NAMES) is None


@pytest.mark.parametrize("chosen", range(3))
def test_what_is_taken_is_open_and_no_worse_where_anything_no_worse_is(chosen: int) -> None:
    for shut in product((False, True), repeat=3):
        closed = {number: GONE for number, is_shut in enumerate(shut) if is_shut}

        taken = open_way(chosen, closed, COSTS, SCORES, NAMES)

        left = [number for number in range(3) if number not in closed]
        assert (taken is None) == (not left)
        if taken is not None:
            assert taken.number in left
            best = max(SCORES[number] for number in left)
            assert SCORES[taken.number] >= min(SCORES[chosen], best)


def test_exploring_tries_the_next_dearer_way() -> None:
    assert neighbour(0, {}, COSTS, SCORES, downwards=False) == 1
    assert neighbour(0, {1: GONE}, COSTS, SCORES, downwards=False) == 2


def test_exploring_never_goes_below_what_is_certified() -> None:
    assert neighbour(2, {}, COSTS, SCORES, downwards=False) is None
    assert neighbour(2, {}, COSTS, SCORES, downwards=True) == 1


def test_exploring_pays_no_more_for_what_is_measured_to_be_worse() -> None:
    assert neighbour(0, {}, COSTS, (0.7, 0.6, 0.5), downwards=False) is None

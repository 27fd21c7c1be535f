"""Sequences are read together or apart, whichever took less before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synapse_cli.backends.llamacpp_pace import Pace


def _paced(costs: dict[int, float]) -> Pace:
    pace = Pace()
    for _ in range(2):
        for width, cost in costs.items():
            pace.note(width, cost)
    return pace


def test_an_untried_width_is_tried() -> None:
    assert _paced({1: 1.0}).groups(4) == [4]
    assert _paced({}).groups(1) == [1]


def test_what_was_cheaper_apart_is_read_apart() -> None:
    pace = _paced({1: 5.6, 2: 25.7, 4: 38.0, 8: 40.0})

    assert pace.groups(2) == [1, 1]
    assert pace.groups(4) == [1, 1, 1, 1]
    assert pace.groups(8) == [8]


def test_parts_of_different_widths_may_be_cheapest() -> None:
    assert _paced({1: 4.0, 2: 4.4, 5: 30.0}).groups(5) == [2, 2, 1]


def test_a_small_gain_is_no_reason_to_part() -> None:
    assert _paced({1: 1.0, 4: 4.2}).groups(4) == [4]


@given(costs=st.dictionaries(st.integers(1, 12), st.floats(0.1, 100), min_size=1), width=st.integers(1, 12))
def test_everybody_is_read_once_and_never_dearer_than_together(costs: dict[int, float], width: int) -> None:
    groups = _paced(costs).groups(width)

    assert sum(groups) == width
    if width in costs:
        assert sum(costs[group] for group in groups) <= costs[width] + 1e-9


def test_steps_are_timed_until_enough_are_known_and_then_now_and_then() -> None:
    pace = Pace()
    timed = 0
    for _ in range(200):
        if pace.wants(3):
            pace.note(3, 1.0)
            timed += 1

    assert 8 <= timed <= 8 + 200 / 16

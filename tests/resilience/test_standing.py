"""What a user who looks is told of the providers."""

from __future__ import annotations

from pathlib import Path

from synapse_cli.cascade.standing import reset, standings
from tests.resilience.shared import PLACE, Watched


def test_nothing_is_made_for_somebody_who_only_looks(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    assert standings(watched.pace) == []
    assert not Path(watched.pace.path).exists()


def test_each_place_is_told_with_its_state_and_who_is_waited_for(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.fails(3)
    opened = standings(watched.pace)[0]
    watched.clock.at += 30
    watched.admit()
    probed = standings(watched.pace)[0]

    assert opened.place == PLACE
    assert (opened.state(watched.clock.at - 30), opened.under_way) == ("open", 0)
    assert (probed.state(watched.clock.at), probed.under_way) == ("half-open", 1)


def test_a_reset_leaves_nothing_of_it(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.fails(3)

    reset(watched.pace, PLACE)

    assert standings(watched.pace) == []
    assert watched.refuses() == ""


def test_what_nobody_called_for_a_month_is_forgotten(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.answers()

    watched.clock.at += 31 * 86_400

    assert standings(watched.pace) == []

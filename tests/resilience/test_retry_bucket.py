"""How many calls all processes together may repeat."""

from __future__ import annotations

from pathlib import Path

from synapse_cli.cascade import retry_bucket
from tests.resilience.shared import PLACE, Watched


def _taken(watched: Watched, most: int) -> int:
    return sum(retry_bucket.take(watched.pace, PLACE.provider) for _ in range(most))


def test_twenty_calls_may_be_repeated_at_once_by_all_together(tmp_path: Path) -> None:
    assert _taken(Watched(tmp_path), 15) == 15
    assert _taken(Watched(tmp_path), 15) == 5


def test_five_answers_pay_for_one_repetition(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    _taken(watched, 25)

    watched.answers(14)

    assert _taken(watched, 5) == 2


def test_time_pays_too(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    _taken(watched, 25)

    watched.clock.at += 30

    assert _taken(watched, 5) == 2


def test_a_full_bucket_takes_no_place_in_the_file(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    _taken(watched, 1)

    watched.answers(6)

    with watched.pace.transaction() as file:
        assert file.execute("SELECT count(*) FROM retries").fetchone() == (0,)
        assert retry_bucket.tokens_left(file, PLACE.provider, watched.clock.now()) == retry_bucket.CAPACITY

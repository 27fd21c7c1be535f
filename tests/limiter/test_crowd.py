"""A crowd of processes against a provider that says 429: they wait as told, and little is asked in vain.

A hundred of them, and more figures: `python -m tests.bench.crowd`.
"""

from __future__ import annotations

from pathlib import Path

from synapse_cli.cascade.lane import FIRST_WINDOW
from synapse_cli.profile.model import Limits
from tests.limiter.crowd import Provider429, crowd

CROWD = 40


def test_after_a_refusal_nobody_asks_before_the_time_is_over(tmp_path: Path) -> None:
    """Everything is refused for one second: those in flight learn it together, and then one tries."""
    provider = Provider429(lambda since, _: since >= 1)

    outcome = crowd(tmp_path, provider, processes=CROWD)

    assert outcome.answered == CROWD
    assert outcome.early == 0
    assert outcome.refused <= FIRST_WINDOW + 1


def test_a_rate_that_a_provider_holds_is_learned(tmp_path: Path) -> None:
    """Ten a second, twice as many as that wanted."""
    provider = Provider429(lambda _, before: before < 10)

    outcome = crowd(tmp_path, provider, processes=CROWD // 2, calls=2)

    assert outcome.answered == CROWD
    assert outcome.early == 0
    assert outcome.refused <= 2 * FIRST_WINDOW


def test_no_more_than_allowed_are_in_flight_at_once(tmp_path: Path) -> None:
    provider = Provider429(lambda *_: True, latency_s=0.02)

    outcome = crowd(tmp_path, provider, processes=CROWD, limits=Limits(parallel=3, max_wait_s=120))

    assert outcome.answered == outcome.requests == CROWD
    assert provider.most_at_once <= 3


def test_a_minute_holds_no_more_requests_than_allowed(tmp_path: Path) -> None:
    """Those who would have to wait into the next minute are told so at once."""
    provider = Provider429(lambda *_: True)

    outcome = crowd(tmp_path, provider, processes=CROWD, limits=Limits(rpm=10, max_wait_s=5))

    assert outcome.requests == 10
    assert outcome.answered == 10

"""The arithmetic of one lane: what may be sent when, and how it learns from refusals."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.cascade.lane import FIRST_WINDOW, GO, Lane, Queue
from synapse_cli.core.quota import Allowance
from synapse_cli.profile.model import Limits

NOW = 1_788_000_000.25
ALONE = Queue()
FREE = Limits()


def _sent(count: int, at: float = NOW, tokens: int = 0) -> Lane:
    lane = Lane()
    for _ in range(count):
        lane.sent(at, tokens)
    return lane


def _healthy(lane: Lane, count: int, at: float) -> None:
    for _ in range(count):
        lane.sent(at, 0)
        lane.answered(at, 0.1, "m")


@settings(max_examples=200, deadline=None)
@given(
    rpm=st.integers(1, 20),
    pauses=st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=120),
)
def test_no_minute_holds_more_requests_than_the_limit(rpm: int, pauses: list[float]) -> None:
    lane, now, sent = Lane(window=None), NOW, []
    for pause in pauses:
        now += pause
        if lane.wait(now, ALONE, 0, Limits(rpm=rpm), "m").seconds <= 0:
            lane.sent(now, 0)
            sent.append(now)

    assert all(sum(0 <= other - at < 60 for other in sent) <= rpm for at in sent)
    assert len(sent) >= min(rpm, len(pauses)), "the first ones go at once"


@settings(max_examples=200, deadline=None)
@given(
    tpm=st.integers(10, 500),
    calls=st.lists(st.tuples(st.floats(0, 20, allow_nan=False), st.integers(1, 200)), min_size=1, max_size=60),
)
def test_no_minute_holds_more_tokens_than_the_limit(tpm: int, calls: list[tuple[float, int]]) -> None:
    lane, now, sent = Lane(window=None), NOW, []
    for pause, tokens in calls:
        now += pause
        if lane.wait(now, ALONE, tokens, Limits(tpm=tpm), "m").seconds <= 0:
            lane.sent(now, tokens)
            sent.append((now, tokens))

    for at, _ in sent:
        within = [tokens for other, tokens in sent if 0 <= other - at < 60]
        assert sum(within) <= tpm or len(within) == 1, "only one that is larger than the limit goes, alone"


@settings(max_examples=100, deadline=None)
@given(rpm=st.integers(1, 10), sent=st.integers(0, 10), ahead=st.integers(0, 40))
def test_a_wait_that_is_foretold_is_never_longer_than_it_gets(rpm: int, sent: int, ahead: int) -> None:
    """Else a call would be shed that might have had its turn. All who wait before it go as soon as they may."""
    lane, limits, now = _sent(min(sent, rpm)), Limits(rpm=rpm), NOW
    lane.window = None
    foretold = lane.wait(now, Queue(ahead=ahead), 0, limits, "m").seconds

    for _ in range(ahead):
        now += lane.wait(now, ALONE, 0, limits, "m").seconds
        lane.sent(now, 0)

    now += lane.wait(now, ALONE, 0, limits, "m").seconds
    assert foretold <= now - NOW <= foretold + 2 * (1 + ahead / rpm), "a second a round, since slots are seconds"


def test_tokens_that_were_not_used_are_free_again() -> None:
    lane = _sent(1, tokens=900)
    limits = Limits(tpm=1000)
    assert lane.wait(NOW, ALONE, 200, limits, "m").seconds > 59

    lane.settled(NOW, 900, 100)

    assert lane.wait(NOW, ALONE, 200, limits, "m") == GO


def test_tokens_that_nobody_counted_stay_reserved() -> None:
    lane = _sent(1, tokens=900)

    lane.settled(NOW, 900, None)

    assert lane.wait(NOW, ALONE, 200, Limits(tpm=1000), "m").seconds > 59


def test_a_call_that_was_not_sent_costs_nothing() -> None:
    lane = _sent(2, tokens=10)

    lane.unsent(NOW, 10)

    assert lane.sent_lately(NOW) == (1, 10)


def test_eight_calls_go_at_once_and_each_success_lets_one_more_in() -> None:
    lane = Lane()
    assert lane.wait(NOW, Queue(flying=7), 0, FREE, "m") == GO
    assert lane.wait(NOW, Queue(flying=8), 0, FREE, "m").seconds > 0

    _healthy(lane, 2, NOW)

    assert lane.wait(NOW, Queue(flying=9), 0, FREE, "m") == GO


def test_within_a_second_the_window_at_most_doubles_and_soon_there_is_none() -> None:
    lane = Lane()
    sizes = []
    for second in range(5):
        _healthy(lane, 100, NOW + second)
        sizes.append(lane.window)

    assert sizes == [2 * FIRST_WINDOW, 4 * FIRST_WINDOW, 8 * FIRST_WINDOW, None, None]


def test_nobody_sends_before_the_instant_that_a_429_told() -> None:
    lane = _sent(1)
    lane.refused(NOW + 0.1, NOW, 5.0, flying=1)

    for after in (0.2, 1.0, 4.9, 5.09):
        wait = lane.wait(NOW + after, ALONE, 0, Limits(rpm=10**6, parallel=10**6), "m")
        assert wait.seconds >= 5.1 - after - 1e-6
    assert lane.wait(NOW + 5.1001, ALONE, 0, FREE, "m").seconds <= 0


def test_after_a_pause_calls_come_one_by_one_and_then_faster() -> None:
    lane = _sent(1)
    lane.refused(NOW, NOW, 1.0, flying=8)
    now, times = NOW, []
    for _ in range(6):
        now += lane.wait(now, ALONE, 0, FREE, "m").seconds
        lane.sent(now, 0)
        lane.answered(now, 0.01, "m")
        times.append(now)

    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert times[0] >= NOW + 1
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < gaps[0] / 2


def test_a_known_rate_is_cut_to_seven_tenths_and_grows_slowly() -> None:
    lane = Lane(window=None)
    for second in range(3):
        _healthy(lane, 10, NOW + second)
    lane.refused(NOW + 3, NOW + 2.9, 1.0, flying=4)

    assert lane.share is not None
    assert 3.5 <= lane.share <= 10
    assert lane.window is not None
    assert 2 <= lane.window <= 3
    before = lane.share
    _healthy(lane, round(before), NOW + 4)
    assert before + 0.5 <= lane.share <= before + 2


def test_many_refusals_of_one_moment_slow_down_once() -> None:
    lane = _sent(8)
    for number in range(8):
        lane.refused(NOW + 0.1 + number / 100, NOW, 1.0, flying=8 - number)

    assert lane.strikes == 1
    assert lane.window == 0.7 * 8
    assert round(lane.hold - NOW, 2) == 1.17


def test_a_429_without_a_delay_is_waited_for_longer_each_time() -> None:
    lane, now, holds = Lane(), NOW, []
    for _ in range(8):
        lane.sent(now, 0)
        lane.refused(now, now, None, flying=1)
        holds.append(lane.hold - now)
        now = lane.hold + 0.01

    assert [round(hold) for hold in holds] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_pause_is_a_day_at_most() -> None:
    lane = _sent(1)
    lane.refused(NOW, NOW, 1e9, flying=1)

    assert lane.hold == NOW + 86_400


def test_after_a_calm_minute_a_429_is_forgiven() -> None:
    lane = _sent(1)
    lane.refused(NOW, NOW, 1.0, flying=1)
    now = NOW + 1 + 61

    lane.sent(now, 0)

    assert (lane.share, lane.cut_at, lane.window) == (None, 0.0, FIRST_WINDOW)
    assert lane.per_minute(now) is None


def test_what_a_provider_says_is_left_is_shared_among_those_in_flight() -> None:
    lane = Lane(window=None)
    lane.hears(NOW, (Allowance("requests", 100, 3, 58.2, 60.0),), "m")

    assert lane.wait(NOW, Queue(flying=2), 0, FREE, "m") == GO
    third = lane.wait(NOW, Queue(flying=3), 0, FREE, "m")
    assert 0 < third.seconds < 2, "a bucket of 100 a minute gives one back every 0.6 s"
    assert lane.wait(NOW + 59, Queue(flying=3), 0, FREE, "m") == GO, "by then it is full again"
    assert lane.wait(NOW, Queue(flying=3), 0, FREE, "another model") == GO


def test_what_a_provider_says_slows_down_and_never_refuses() -> None:
    lane = Lane(window=None)
    lane.hears(NOW, (Allowance("requests", 1000, 0, 86_000.0, 86_400.0),), "m")

    assert lane.wait(NOW, ALONE, 0, Limits(max_wait_s=30), "m") == GO


def test_a_limit_of_the_profile_goes_before_what_was_told() -> None:
    lane = Lane(window=None)
    lane.hears(NOW, (Allowance("requests", 10, 0, 10.0, 60.0), Allowance("tokens", 10, 0, 10.0, 60.0)), "m")

    assert lane.wait(NOW, ALONE, 5, Limits(rpm=100, tpm=100), "m") == GO
    assert lane.wait(NOW, ALONE, 5, Limits(rpm=100), "m").seconds > 0
    assert lane.wait(NOW, ALONE, 5, Limits(tpm=100), "m").seconds > 0


def test_of_many_models_the_latest_are_remembered() -> None:
    lane = Lane()
    for number in range(100):
        lane.answered(NOW, 0.1, f"model {number}")
        lane.hears(NOW, (Allowance("requests", 10, 5, 1.0, 60.0),), f"model {number}")

    assert list(lane.told) == list(lane.latency_s) == [f"model {number}" for number in range(68, 100)]


def test_a_lane_is_read_back_as_it_was_written() -> None:
    lane = _sent(3, tokens=7)
    lane.hears(NOW, (Allowance("tokens", 10, 5, 1.0, 60.0),), "m")
    lane.refused(NOW, NOW, 1.0, flying=2)

    assert vars(Lane.read(lane.written(NOW), NOW + 1)) == vars(lane)


def test_a_lane_from_the_future_or_of_another_make_is_forgotten() -> None:
    """A clock that was set back must not hold everybody for as long as it was wrong."""
    lane = _sent(1)
    lane.refused(NOW, NOW, 3000.0, flying=1)

    for text, now in ((lane.written(NOW), NOW - 600), ('{"unknown": 1}', NOW), ("[garbage", NOW), (None, NOW)):
        assert vars(Lane.read(text, now)) == vars(Lane())

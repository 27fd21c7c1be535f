"""How a cascade is climbed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    BackendError,
    BadAnswer,
    BudgetSpent,
    CircuitOpen,
    CutStream,
    Exit,
    Interrupted,
    KeyMissing,
    KeyRejected,
    NotAllowed,
    RateLimited,
    ServerFailed,
    Shed,
    SynapseError,
    Unaccepted,
    Withdrawn,
)
from synapse_cli.core.events import Asking, Waiting
from synapse_cli.core.outcome import Answered, Failed, Outcome, Skipped
from tests.cascade.rungs import Climber, Says, Told, matching, sure, tier


def _asked(climber: Climber) -> list[str]:
    return [event.tier for event in climber.heard if isinstance(event, Asking)]


def _code(outcome: Outcome) -> Exit | None:
    return None if outcome.error is None else outcome.error.exit_code


def test_the_first_tier_that_passes_ends_the_climb() -> None:
    climber = Climber()

    outcome = climber.climb([tier("small", sure(0.8), text="yes", confidence=0.9), tier("big", text="no")])

    assert outcome.accepted
    assert outcome.best is not None
    assert outcome.best.text == "yes"
    assert _asked(climber) == ["small"]


def test_a_rejected_answer_climbs_with_its_reason() -> None:
    outcome = Climber().climb([tier("small", sure(0.8), text="eh", confidence=0.3), tier("big", text="sure")])

    assert outcome.best is not None
    assert outcome.best.tier == "big"
    assert [(e.source, e.target) for e in outcome.escalations] == [("small", "big")]
    assert "0.30 is below 0.8" in outcome.escalations[0].reason


def test_nothing_that_failed_its_checks_is_returned_as_if_it_had_passed() -> None:
    rule = matching("^[0-9]+$")

    outcome = Climber().climb([tier("small", rule, text="a"), tier("big", rule, text="b")])

    assert not outcome.accepted
    assert isinstance(outcome.error, Unaccepted)
    assert outcome.best is not None
    assert outcome.best.tier == "big"


def test_a_valid_doubtful_answer_is_better_than_an_invalid_dearer_one() -> None:
    valid = matching("^[0-9]+$")

    outcome = Climber().climb(
        [tier("small", valid, sure(0.9), text="7", confidence=0.5), tier("big", valid, text="seven")]
    )

    assert outcome.best is not None
    assert outcome.best.tier == "small"
    assert _code(outcome) == Exit.UNACCEPTED


def test_a_tier_that_is_down_is_asked_once_more_and_then_left() -> None:
    climber = Climber()

    outcome = climber.climb([tier("small", error="server"), tier("big", text="here")])

    assert _asked(climber) == ["small", "small", "big"]
    assert [type(a) for a in outcome.attempts] == [Failed, Failed, Answered]
    assert sum(climber.clock.slept) == pytest.approx(0.5)
    assert outcome.accepted


def test_retry_after_is_honoured_to_ten_seconds_and_no_longer() -> None:
    class Limited:
        """Answers 429 until the clock has moved on as far as it asked."""

        def __init__(self, climber: Climber, seconds: float) -> None:
            self.climber, self.seconds, self.calls = climber, seconds, 0

        def complete(self, *_: object) -> object:
            self.calls += 1
            raise RateLimited("too many requests", retry_after_s=self.seconds)

    short, long = Climber(chance=0), Climber(chance=0)
    patient, impatient = Limited(short, 7.0), Limited(long, 11.0)

    short.climb([tier("a", backend=patient)])  # type: ignore[arg-type]  # `complete` is all a climb uses
    long.climb([tier("a", backend=impatient)])  # type: ignore[arg-type]

    assert patient.calls == 2
    assert sum(short.clock.slept) == pytest.approx(7.0)
    assert (impatient.calls, long.clock.slept) == (1, [])


def test_a_deadline_that_the_wait_would_outlast_leaves_the_tier_at_once() -> None:
    climber = Climber()
    climber.control = Control(deadline=climber.clock.monotonic() + 0.2, clock=climber.clock.monotonic)

    climber.climb([tier("small", error="server")])

    assert climber.clock.slept == []
    assert not [event for event in climber.heard if isinstance(event, Waiting)]


def test_a_timeout_is_not_repeated() -> None:
    climber = Climber()

    outcome = climber.climb([tier("small", error="timeout")])

    assert _asked(climber) == ["small"]
    assert _code(outcome) == Exit.LATER


def test_once_a_byte_is_shown_no_other_tier_is_asked() -> None:
    climber = Climber()

    outcome = climber.climb([tier("small", error="cut", text="half of it"), tier("big", text="whole")], streams=True)

    assert climber.shown
    assert _asked(climber) == ["small"]
    assert _code(outcome) == Exit.LATER


def test_a_tier_that_can_be_rejected_is_never_shown_before() -> None:
    climber = Climber()

    climber.climb([tier("small", sure(0.8), text="eh", confidence=0.1), tier("big", text="the answer")], streams=True)

    assert "".join(climber.shown) == "the answer"


def test_a_tier_with_an_obstacle_is_skipped_and_said() -> None:
    climber = Climber()

    outcome = climber.climb([tier("big", obstacle=NotAllowed("not now")), tier("small", text="ok")])

    assert _asked(climber) == ["small"]
    assert isinstance(outcome.attempts[0], Skipped)
    assert outcome.accepted


def test_the_attempts_of_a_climb_are_bounded() -> None:
    rule = matching("never")

    outcome = Climber().climb([tier(name, rule, text="x") for name in "abcd"], max_attempts=2)

    assert [attempt.tier for attempt in outcome.attempts] == ["a", "b"]


def test_ctrl_c_ends_the_climb_without_an_answer() -> None:
    class Stopped:
        """Behaves as an engine that was told to stop."""

        def complete(self, *_: object) -> object:
            raise Interrupted("interrupted")

    rungs = [tier("small", sure(0.9), text="x", confidence=0.1), tier("mid", backend=Stopped()), tier("big", text="y")]  # type: ignore[arg-type]

    outcome = Climber().climb(rungs)

    assert _code(outcome) == Exit.INTERRUPTED
    assert outcome.best is None
    assert len(outcome.attempts) == 2


@pytest.mark.parametrize(
    ("obstacles", "expected"),
    [
        ({"a": BudgetSpent("b"), "b": KeyMissing("k")}, Exit.BUDGET),
        ({"a": KeyMissing("k"), "b": KeyMissing("k")}, Exit.REFUSED),
        ({"a": BackendError("x"), "b": KeyMissing("k")}, Exit.UNANSWERED),
        ({"a": BackendError("x"), "b": BackendError("k")}, Exit.UNANSWERED),
    ],
)
def test_without_any_answer_the_code_follows_the_order_that_scripts_know(
    obstacles: dict[str, BackendError], expected: Exit
) -> None:
    rungs = [tier(name, is_local=False, obstacle=error) for name, error in obstacles.items()]

    assert _code(Climber().climb(rungs)) == expected


def test_a_local_failure_beside_refused_hosted_tiers_is_a_refusal() -> None:
    rungs = [tier("local", obstacle=BackendError("broken")), tier("big", is_local=False, obstacle=KeyMissing("no key"))]

    assert _code(Climber().climb(rungs)) == Exit.REFUSED


def test_something_retryable_wins_over_what_will_never_work() -> None:
    rungs = [tier("local", obstacle=BackendError("broken")), tier("big", is_local=False, error="timeout")]

    assert _code(Climber().climb(rungs)) == Exit.LATER


def test_cost_counts_every_call_and_nothing_from_the_cache() -> None:
    outcome = Climber().climb([tier("a", sure(0.9), text="x y", confidence=0.1), tier("b", text="z")])

    assert outcome.cost == 0
    assert outcome.usage.output == sum(
        a.completion.usage.output or 0 for a in outcome.attempts if isinstance(a, Answered)
    )


def test_a_pause_is_drawn_from_the_whole_of_a_bound_that_doubles() -> None:
    climber = Climber(chance=0.999, max_attempts=4)

    climber.climb([tier("a", error="server")])

    waits = [event.seconds for event in climber.heard if isinstance(event, Waiting)]
    assert waits == pytest.approx([0.999, 1.998, 3.996])


def test_a_pause_is_never_longer_than_the_profile_says() -> None:
    climber = Climber(chance=0.999, max_attempts=4, max_wait_s=1.5)

    climber.climb([tier("a", error="server")])

    waits = [event.seconds for event in climber.heard if isinstance(event, Waiting)]
    assert waits == pytest.approx([0.999, 1.4985, 1.4985])


def test_processes_told_to_come_back_at_one_instant_come_back_after_it_and_apart() -> None:
    climber = Climber(chance=0.5)

    climber.climb([tier("a", backend=Says(RateLimited("slow down", retry_after_s=4.0)))])

    assert sum(climber.clock.slept) == pytest.approx(4.2)


def test_a_models_own_ceiling_goes_before_the_profiles() -> None:
    climber = Climber()

    climber.climb([replace(tier("a", error="server"), max_attempts=1), tier("b", error="server")])

    assert _asked(climber) == ["a", "b", "b"]


def test_the_calls_of_a_run_are_bounded_and_the_first_of_each_tier_goes_before_a_second() -> None:
    climber = Climber()

    outcome = climber.climb([tier(name, error="server") for name in "abcde"])

    assert _asked(climber) == ["a", "a", "b", "c", "d", "e"]
    assert _code(outcome) == Exit.LATER


def test_a_long_cascade_reaches_its_last_tier_unless_the_profile_says_less() -> None:
    rule = matching("never")

    long = Climber(tiers=8)
    long.climb([tier(name, rule, text="x") for name in "abcdefgh"])
    bounded = Climber(tiers=8, max_attempts_per_run=3)
    outcome = bounded.climb([tier(name, rule, text="x") for name in "abcdefgh"])

    assert _asked(long) == list("abcdefgh")
    assert _asked(bounded) == list("abc")
    assert [type(a) for a in outcome.attempts] == [Answered] * 3 + [Skipped] * 5
    assert outcome.error is not None
    assert "this run has asked 3 times, as often as it may" in outcome.error.message


def test_what_one_climb_of_a_run_has_called_counts_in_the_next() -> None:
    climber = Climber()

    climber.climb([tier("a", error="server")])
    outcome = climber.climb([tier("a", error="server"), tier("b", text="here")])

    assert _asked(climber) == ["a", "a", "b"]
    assert isinstance(outcome.attempts[0], Skipped)
    assert "asked 2 times in this run" in outcome.attempts[0].error.message
    assert outcome.accepted


def test_the_time_of_a_models_calls_and_pauses_is_bounded() -> None:
    climber = Climber(chance=0.9, max_attempts=9, max_attempts_per_run=9, max_seconds=2.0)

    climber.climb([tier("a", error="server")])

    assert _asked(climber) == ["a", "a"]  # 0.9 s, and then 1.8 s would be too late


def test_a_model_whose_time_is_over_is_not_asked_as_a_fallback_either() -> None:
    climber = Climber(max_attempts=9, max_seconds=2.0)
    slow = Says(ServerFailed("500"), takes_s=3.0, clock=climber.clock)

    climber.climb([tier("a", backend=slow)])
    climber.climb([tier("a", backend=slow), tier("b", text="here")])

    assert _asked(climber) == ["a", "b"]


def test_a_call_is_given_no_more_than_what_is_left_of_its_models_time() -> None:
    climber = Climber(max_seconds=3.0)
    slow = Says(ServerFailed("500"), takes_s=1.0, clock=climber.clock)

    climber.climb([tier("a", backend=slow)])

    assert slow.given == pytest.approx([3.0, 1.5])  # after a second, and a pause of half a one


@pytest.mark.parametrize("error", [CircuitOpen("open"), Shed("no turn")])
def test_what_was_found_out_before_sending_is_no_call_and_climbs_at_once(error: SynapseError) -> None:
    climber = Climber()
    rungs = [tier("a", is_local=False, backend=Says(error)), tier("b", text="here")]

    outcome = climber.climb(rungs)

    assert _asked(climber) == ["a", "b"]
    assert isinstance(outcome.attempts[0], Skipped)
    assert outcome.cost == 0
    assert climber.clock.slept == []
    assert outcome.accepted


def test_a_circuit_that_is_open_alone_makes_trying_later_worthwhile() -> None:
    outcome = Climber().climb([tier("a", is_local=False, backend=Says(CircuitOpen("open")))])

    assert _code(outcome) == Exit.LATER


def test_an_answer_that_was_rejected_before_is_not_given_out_after_a_part_of_another_was_shown() -> None:
    rungs = [tier("small", sure(0.8), text="eh", confidence=0.1), tier("big", error="cut", text="half of it")]

    outcome = Climber().climb(rungs, streams=True)

    assert outcome.best is None
    assert _code(outcome) == Exit.LATER


@pytest.mark.parametrize(
    ("error", "expected"),
    [(CutStream("cut"), Exit.LATER), (KeyRejected("401"), Exit.UNANSWERED), (BadAnswer("?"), Exit.UNANSWERED)],
)
def test_what_breaks_off_after_a_byte_was_shown_ends_in_75_or_69(error: SynapseError, expected: Exit) -> None:
    rungs = [tier("a", obstacle=BudgetSpent("dear")), tier("b", backend=Says(error, first="a piece")), tier("c")]
    climber = Climber()

    outcome = climber.climb(rungs, streams=True)

    assert climber.shown == ["a piece"]
    assert _asked(climber) == ["b"]
    assert _code(outcome) == expected


def test_ctrl_c_in_a_pause_ends_the_run_at_once() -> None:
    climber = Climber()

    def stop(event: object) -> None:
        if isinstance(event, Waiting):
            climber.control.stop()

    climber.heard = Told(stop)
    outcome = climber.climb([tier("a", error="server"), tier("b", text="here")])

    assert _asked(climber) == ["a"]
    assert climber.clock.slept == []
    assert _code(outcome) == Exit.INTERRUPTED


def test_ctrl_c_while_a_call_still_waits_to_be_sent_costs_nothing() -> None:
    outcome = Climber().climb([tier("a", is_local=False, backend=Says(Withdrawn("interrupted"))), tier("b")])

    assert _code(outcome) == Exit.INTERRUPTED
    assert outcome.cost == 0


def test_a_call_is_not_repeated_where_all_processes_have_repeated_enough() -> None:
    climber = Climber()

    climber.climb([replace(tier("a", error="server"), may_repeat=lambda: False)])

    assert _asked(climber) == ["a"]


def test_patience_that_the_provider_asked_for_costs_nothing_of_what_all_may_repeat() -> None:
    climber = Climber()
    limited = Says(RateLimited("slow down", retry_after_s=1.0))

    climber.climb([replace(tier("a", backend=limited), may_repeat=lambda: False)])

    assert _asked(climber) == ["a", "a"]

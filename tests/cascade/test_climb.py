"""How a cascade is climbed."""

from __future__ import annotations

import pytest

from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    BackendError,
    BudgetSpent,
    Exit,
    Interrupted,
    KeyMissing,
    NotAllowed,
    Unaccepted,
)
from synapse_cli.core.events import Asking, Waiting
from synapse_cli.core.outcome import Answered, Failed, Outcome, Skipped
from tests.cascade.rungs import Climber, matching, sure, tier


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
    from synapse_cli.core.errors import RateLimited

    class Limited:
        """Answers 429 until the clock has moved on as far as it asked."""

        def __init__(self, climber: Climber, seconds: float) -> None:
            self.climber, self.seconds, self.calls = climber, seconds, 0

        def complete(self, *_: object) -> object:
            self.calls += 1
            raise RateLimited("too many requests", retry_after_s=self.seconds)

    short, long = Climber(), Climber()
    patient, impatient = Limited(short, 7.0), Limited(long, 11.0)

    short.climb([tier("a", backend=patient)])  # type: ignore[arg-type]  # `complete` is all a climb uses
    long.climb([tier("a", backend=impatient)])  # type: ignore[arg-type]

    assert (patient.calls, sum(short.clock.slept)) == (2, pytest.approx(7.0))
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

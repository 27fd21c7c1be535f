"""When a provider is left alone, and how it is found again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from synapse_cli.cascade.breaker import Place
from synapse_cli.cascade.circuit import PATIENCE_S, PROVEN_S, Circuit, told
from synapse_cli.cascade.pace_file import Provider
from synapse_cli.core.control import Control
from synapse_cli.core.errors import CircuitOpen, Exit, Withdrawn
from tests.resilience.shared import DOWN, LEASE_S, PLACE, Watched


def test_failures_in_a_row_open_the_circuit_and_it_says_since_when_why_and_until_when(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.fails(3)
    watched.clock.at += 12

    with pytest.raises(CircuitOpen) as caught:
        watched.admit()

    assert "gpt of openai at http://127.0.0.1:1/v1 was not asked: it has been failing since" in caught.value.message
    assert "(3 times in a row, last: it says 500); it is tried again in 18 s" in caught.value.message
    assert "synapse providers reset" in caught.value.hint
    assert caught.value.retry_after_s == pytest.approx(18)
    assert caught.value.exit_code == Exit.LATER


def test_the_model_and_its_provider_are_named_once() -> None:
    place = Place(Provider("openai", "http://127.0.0.1:9/v1"), "openai/gpt-5-mini")
    error = "openai/gpt-5-mini failed: Connection error."
    circuit = Circuit()._replace(failures=3, opened_at=0.0, next_at=30.0, kind="server", error=error)

    message, _ = told(circuit, str(place), 1.0)

    assert message.startswith("openai/gpt-5-mini at http://127.0.0.1:9/v1 was not asked: it has been failing since")
    assert message.endswith("(3 times in a row, last: Connection error); it is tried again in 29 s")


def test_an_answer_in_between_begins_the_row_anew(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    watched.fails(2)
    watched.answers()
    watched.fails(2)

    assert watched.refuses() == ""


def test_a_rate_of_failures_opens_it_too_from_ten_calls_on(tmp_path: Path) -> None:
    watched = Watched(tmp_path, rate=0.5)

    for _ in range(4):
        watched.answers()
        watched.fails()
    assert watched.refuses() == ""
    watched.answers()
    watched.fails()

    assert "too often" in watched.refuses()


def test_failures_of_long_ago_are_no_part_of_the_rate(tmp_path: Path) -> None:
    watched = Watched(tmp_path, rate=0.5, window_s=60)
    for _ in range(4):
        watched.answers()
        watched.fails()

    watched.clock.at += 121
    watched.answers()
    watched.fails()

    assert watched.refuses() == ""
    assert (watched.circuit.calls, watched.circuit.bad) == (2, 1)


def test_after_the_cooldown_one_call_probes_and_its_answer_closes_the_circuit(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.fails(3)
    watched.clock.at += 30

    probe = watched.admit()
    during = watched.refuses()
    watched.breaker.succeeded(probe, 1.0)

    assert probe.is_probe
    assert "another call is trying it" in during
    assert watched.refuses() == ""
    assert watched.circuit.opened_at is None


def test_a_probe_that_fails_doubles_the_cooldown_to_four_times_at_most(tmp_path: Path) -> None:
    watched = Watched(tmp_path, cooldown_s=30)
    watched.fails(3)
    since = watched.circuit.opened_at
    waits = []

    for _ in range(4):
        watched.clock.at = watched.circuit.next_at or 0
        watched.fails()
        waits.append((watched.circuit.next_at or 0) - watched.clock.at)

    assert waits == pytest.approx([60, 120, 120, 120])
    assert watched.circuit.opened_at == since


def test_the_cooldown_is_short_again_after_a_window_without_trouble(tmp_path: Path) -> None:
    watched = Watched(tmp_path, cooldown_s=30, window_s=60)
    watched.fails(3)
    watched.clock.at += 30
    watched.answers()
    watched.clock.at += 61
    watched.answers()

    watched.fails(3)

    assert (watched.circuit.next_at or 0) - watched.clock.at == pytest.approx(30)


def test_a_provider_that_says_no_to_the_probe_is_there_but_on_trial(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.fails(3)
    watched.clock.at += 30

    watched.breaker.refused(watched.admit())
    closed = watched.circuit.opened_at is None
    watched.fails()

    assert closed
    assert watched.circuit.opened_at is not None


def test_a_probe_that_was_interrupted_leaves_it_to_the_next(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.fails(3)
    watched.clock.at += 30

    watched.breaker.let_go(watched.admit())

    assert watched.admit().is_probe


def test_a_probe_whose_process_was_killed_is_given_up_at_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.fails(3)
    watched.clock.at += 30
    script = (
        "import os, sys; from tests.resilience.shared import Watched; from pathlib import Path\n"
        "w = Watched(Path(sys.argv[1])); w.clock.at += 30; assert w.admit().is_probe; os.kill(os.getpid(), 9)"
    )

    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, env={**os.environ})

    assert ended.returncode == -9
    assert watched.admit().is_probe
    assert watched.clock.slept == []


def test_a_probe_of_another_machine_is_given_up_when_its_lease_is_over(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.fails(3)
    watched.clock.at += 30
    watched.admit()
    with watched.pace.transaction() as file:
        file.execute("UPDATE trials SET holder = 'elsewhere 1 1'")

    before = watched.refuses()
    watched.clock.at += LEASE_S

    assert "another call is trying it" in before
    assert watched.admit().is_probe


def test_an_untried_provider_admits_as_many_at_once_as_may_fail_before_it_opens(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    first = [watched.admit() for _ in range(3)]
    with pytest.raises(CircuitOpen, match="nobody has had an answer from it yet"):
        watched.admit(deadline_s=1.0)
    watched.breaker.failed(first[0], DOWN)
    with pytest.raises(CircuitOpen):
        watched.admit(deadline_s=1.0)  # a failure frees no place

    assert len({leave.token for leave in first}) == 3


def test_where_no_outcome_comes_for_a_while_as_many_again_are_admitted_and_no_more(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    began = watched.clock.at

    leaves = [watched.admit() for _ in range(6)]
    waited = watched.clock.at - began
    with pytest.raises(CircuitOpen):
        watched.admit(deadline_s=LEASE_S / 2)

    assert len(leaves) == 6
    assert 3 * PATIENCE_S <= waited <= 3 * (PATIENCE_S + 1)


def test_the_first_answer_lets_everybody_in(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    first = [watched.admit() for _ in range(3)]

    watched.breaker.succeeded(first[0], 1.0)

    assert [watched.admit().token for _ in range(60)] == [None] * 60
    assert watched.clock.slept == []


def test_a_success_vouches_for_some_minutes(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.answers()

    watched.clock.at += PROVEN_S
    still = watched.admit()
    watched.clock.at += 1

    assert still.token is None
    assert watched.admit().token is not None


def test_a_failure_of_a_call_that_began_before_it_opened_changes_no_date(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.answers()
    late = watched.admit()
    watched.fails(3)
    due = watched.circuit.next_at

    watched.clock.at += 5
    watched.breaker.failed(late, DOWN)

    assert watched.circuit.next_at == due
    assert watched.circuit.failures == 4


def test_each_model_at_each_address_has_a_circuit_of_its_own(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.fails(3)

    other = watched.breaker.admit(Place(PLACE.provider, "another"), Control(clock=watched.clock.monotonic), LEASE_S)

    assert other.place.model == "another"


def test_a_wait_ends_at_once_where_the_run_is_stopped(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    for _ in range(3):
        watched.admit()
    control = Control(clock=watched.clock.monotonic)
    control.stop()

    with pytest.raises(Withdrawn):
        watched.breaker.admit(PLACE, control, LEASE_S)

    assert watched.clock.slept == []


def test_a_clock_that_was_set_back_keeps_no_circuit_open(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.fails(3)

    watched.clock.at -= 86_400

    assert watched.admit().is_probe


def test_a_message_that_might_quote_an_answer_is_not_kept(tmp_path: Path) -> None:
    from synapse_cli.core.errors import BadAnswer

    watched = Watched(tmp_path)
    for _ in range(3):
        watched.breaker.failed(watched.admit(), BadAnswer("it answered with: my private diary"))

    assert b"diary" not in Path(watched.pace.path).read_bytes()
    assert "last: bad_answer" in watched.refuses()

"""Which ends of a call count against a provider."""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

import pytest

from synapse_cli.cascade.guarded import Gate, Guarded, GuardedEncoder
from synapse_cli.core.completion import Completion, Count, Facts, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    BadAnswer,
    BadRequest,
    BudgetSpent,
    CircuitOpen,
    CutStream,
    Interrupted,
    KeyMissing,
    KeyRejected,
    RateLimited,
    ServerFailed,
    Shed,
    SynapseError,
    TimedOut,
)
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.vectors import Vectors
from tests.resilience.crowd import ASKED, probed
from tests.resilience.shared import PLACE, Watched


class Ends:
    """A backend whose calls end as told, after some time."""

    def __init__(self, watched: Watched, end: SynapseError | None, takes_s: float = 0.0) -> None:
        self.watched, self.end, self.takes_s, self.calls = watched, end, takes_s, 0

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """End."""
        self.calls += 1
        self.watched.clock.at += self.takes_s
        if self.end is not None:
            raise self.end
        return Completion(text="yes", finish="stop", usage=Usage(1, 1), cost=None)

    def facts(self) -> Facts:
        """A hosted model's."""
        return Facts(is_local=False, provider="openai", price=None)

    def count(self, messages: Sequence[Message]) -> Count:
        """Seven."""
        return Count(7, estimated=True)


def _guarded(watched: Watched, backend: Ends) -> Guarded:
    return Guarded(backend, Gate(watched.breaker, PLACE, watched.clock, timeout_s=60.0))


def _call(watched: Watched, backend: Ends, times: int, deadline_s: float | None = None) -> None:
    for _ in range(times):
        at = None if deadline_s is None else watched.clock.monotonic() + deadline_s
        with pytest.raises(SynapseError):
            _guarded(watched, backend).complete(ASKED, Control(at, watched.clock.monotonic))


@pytest.mark.parametrize("end", [ServerFailed("500"), TimedOut("late"), CutStream("cut"), BadAnswer("no choices")])
def test_a_provider_that_does_not_work_is_called_so_often_and_no_more(tmp_path: Path, end: SynapseError) -> None:
    watched = Watched(tmp_path)
    backend = Ends(watched, end)

    _call(watched, backend, 10)

    assert backend.calls == 3


@pytest.mark.parametrize(
    "end",
    [
        RateLimited("429"),
        BadRequest("400"),
        KeyRejected("401"),
        KeyMissing("no key"),
        BudgetSpent("spent"),
        Interrupted("stopped"),
        Shed("no turn"),
    ],
)
def test_what_says_nothing_of_whether_it_works_opens_nothing_and_keeps_no_place(
    tmp_path: Path, end: SynapseError
) -> None:
    watched = Watched(tmp_path)
    backend = Ends(watched, end)

    _call(watched, backend, 10)

    assert backend.calls == 10
    assert watched.clock.slept == []


def test_the_short_patience_of_one_run_closes_nothing_off_for_the_others(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    backend = Ends(watched, TimedOut("late"), takes_s=1.0)

    _call(watched, backend, 10, deadline_s=1.0)

    assert backend.calls == 10


def test_a_timeout_of_the_model_itself_counts_also_in_a_run_with_a_deadline(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    backend = Ends(watched, TimedOut("late"), takes_s=1.0)

    _call(watched, backend, 10, deadline_s=5.0)

    assert backend.calls == 3


def test_an_answer_passes_through_and_its_time_is_kept(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    guarded = _guarded(watched, Ends(watched, None, takes_s=2.0))

    completion = guarded.complete(ASKED, Control(clock=watched.clock.monotonic))

    assert completion.text == "yes"
    assert watched.circuit.latency_s == pytest.approx(2.0)
    assert guarded.facts().provider == "openai"
    assert guarded.count(()).tokens == 7


def test_what_turns_texts_into_vectors_is_left_alone_too(tmp_path: Path) -> None:
    class Dead:
        calls = 0

        def encode(self, texts: Sequence[str], control: Control) -> Vectors:
            self.calls += 1
            raise ServerFailed("500")

        def facts(self) -> Facts:
            return Facts(is_local=False, provider="openai", price=None)

    watched, dead = Watched(tmp_path), Dead()
    guarded = GuardedEncoder(dead, Gate(watched.breaker, PLACE, watched.clock, timeout_s=60.0))

    for _ in range(10):
        with pytest.raises(SynapseError):
            guarded.encode(["a text"], Control(clock=watched.clock.monotonic))

    assert dead.calls == 3


def test_who_waits_for_the_outcome_of_others_hears_of_it_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    for _ in range(3):
        watched.admit()
    heard: list[tuple[float, str]] = []
    gate = Gate(watched.breaker, PLACE, watched.clock, timeout_s=60.0, tell=lambda s, why: heard.append((s, why)))

    Guarded(Ends(watched, None), gate).complete(ASKED, Control(clock=watched.clock.monotonic))

    assert len(heard) == 1
    assert 0 < heard[0][0] <= 1.5
    assert "other calls are finding out whether openai at http://127.0.0.1:1/v1 answers" in heard[0][1]


def test_a_bug_in_a_backend_keeps_no_place_either(tmp_path: Path) -> None:
    class Broken(Ends):
        def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
            raise ZeroDivisionError

    watched = Watched(tmp_path)
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            _guarded(watched, Broken(watched, None)).complete(ASKED, Control(clock=watched.clock.monotonic))

    assert watched.clock.slept == []


def test_a_caller_that_is_not_admitted_sends_nothing(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.fails(3)
    backend = Ends(watched, None)

    with pytest.raises(CircuitOpen):
        _guarded(watched, backend).complete(ASKED, Control(clock=watched.clock.monotonic))

    assert backend.calls == 0


def test_eight_processes_that_meet_a_half_open_circuit_at_one_instant_make_one_probe(tmp_path: Path) -> None:
    context = get_context("fork")

    assert [probed(tmp_path / f"round-{number}", 8, context) for number in range(3)] == [1, 1, 1]

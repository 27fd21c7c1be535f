"""Whom a call asks, where a model is served at several places or with several keys."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.cascade.aside import ASIDE_S
from synapse_cli.cascade.breaker import Breaker, Place
from synapse_cli.cascade.lanes import lanes
from synapse_cli.cascade.limiter import Access
from synapse_cli.cascade.pace_file import Provider
from synapse_cli.cascade.spread import Deployed, Order, Seen, Spread, smoothed
from synapse_cli.core.clock import FixedClock
from synapse_cli.core.completion import Completion, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    CircuitOpen,
    KeyMissing,
    KeyRejected,
    RateLimited,
    ServerFailed,
    Shed,
    SynapseError,
)
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Limits
from synapse_cli.profile.model import Spread as Policy
from synapse_cli.profile.settings import BreakerSettings
from tests.limiter.crowd import Asked
from tests.limiter.test_limiter import Office

QUESTION = Request(messages=(Message("user", "q"),))
Calls = list[int]


class Model:
    """A model with three keys; `keys` are their values, and `fails` how a deployment ends its calls."""

    def __init__(self, office: Office, policy: Policy = "weighted", weights: Sequence[float] = (1, 1, 1)) -> None:
        self.office = office
        self.keys = [f"sk-{number}" for number in range(len(weights))]
        self.fails: dict[int, SynapseError] = {}
        self.calls: Calls = []
        deployed = [self._deployed(number, weight) for number, weight in enumerate(weights)]
        chance = random.Random(7).random
        self.order = Order("m", deployed, policy, office.pace, warn=office.warned.append, chance=chance)
        self.spread = Spread(self.order, lambda number: Place3(self, number))

    def _deployed(self, number: int, weight: float) -> Deployed:
        access = Access(Provider("openai"), f"env:KEY_{number}", "gpt")
        place = Place(Provider("openai", f"place {number}"), "gpt")
        return Deployed(access=access, place=place, limits=Limits(), weight=weight, key=partial(self._key, number))

    def _key(self, number: int) -> str:
        return self.keys[number]

    def ask(self, times: int = 1) -> Calls:
        """Ask, and tell who was asked."""
        self.calls.clear()
        for _ in range(times):
            self.spread.complete(QUESTION, Control())
        return list(self.calls)

    def took(self, number: int, latency_s: float) -> None:
        """A deployment answered after so long."""
        turn = self.office.take(Limits(), access=self.order.deployed[number].access)
        self.office.clock.sleep(latency_s)
        turn.answered(1)


class Place3:
    """One of the deployments."""

    def __init__(self, model: Model, number: int) -> None:
        self._model = model
        self._number = number

    def complete(self, _request: Request, _control: Control, emit: Emit | None = None) -> Completion:
        """Answer, or fail as was wished."""
        self._model.calls.append(self._number)
        if emit is not None:
            emit("an ")
        error = self._model.fails.get(self._number)
        if error is not None:
            raise error
        return Completion(text="an answer", finish="stop", usage=Usage(1, 1), cost=None)

    facts = Asked.facts
    count = Asked.count


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def office(tmp_path: Path, clock: FixedClock) -> Office:
    return Office(tmp_path, clock)


def test_weights_are_held_smoothly(office: Office) -> None:
    model = Model(office, weights=(5, 1, 1))

    assert model.ask(7) == [0, 0, 1, 0, 2, 0, 0]


def test_weights_are_held_over_processes(tmp_path: Path, clock: FixedClock) -> None:
    """Else eight one-shot commands would all ask the first key."""
    asked = [Model(Office(tmp_path, clock)).ask()[0] for _ in range(9)]

    assert asked == [0, 1, 2] * 3


@settings(deadline=None)
@given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=5), rounds=st.integers(1, 4))
def test_each_gets_exactly_its_share_in_every_round(weights: list[int], rounds: int) -> None:
    turns = [0.0] * len(weights)
    able = [Seen(number, weight) for number, weight in enumerate(weights)]

    chosen = Counter(smoothed(turns, able) for _ in range(sum(weights) * rounds))

    assert [chosen[number] for number in range(len(weights))] == [weight * rounds for weight in weights]


def test_in_order_the_first_one_is_asked_while_it_is_able(office: Office, clock: FixedClock) -> None:
    model = Model(office, "ordered")
    assert model.ask(3) == [0, 0, 0]

    office.take(Limits(), access=model.order.deployed[0].access).refused(20.0)
    assert model.ask(3) == [1, 1, 1]

    clock.sleep(21)
    assert model.ask() == [0]


def test_the_least_busy_one_is_asked(office: Office) -> None:
    model = Model(office, "least_busy")
    held = [office.take(Limits(), access=model.order.deployed[number].access) for number in (0, 0, 1, 2, 2)]

    assert model.ask(3) == [1, 1, 1]
    for turn in held:
        turn.unsent()


def test_the_fastest_one_is_asked_and_others_are_tried_now_and_then(office: Office) -> None:
    model = Model(office, "fastest")
    assert model.ask() == [0], "who is not known yet is tried first"
    for number, latency_s in enumerate((3.0, 0.5, 2.0)):
        model.took(number, latency_s)

    asked = Counter(model.ask(400))

    assert asked[1] > 360
    assert asked[0] >= 1
    assert asked[2] >= 1


def test_an_open_circuit_is_passed_over(office: Office, clock: FixedClock) -> None:
    model = Model(office, "ordered")
    breaker = Breaker(office.pace, BreakerSettings(failures=1), clock)
    leave = breaker.admit(model.order.deployed[0].place, office.control, 10)
    breaker.failed(leave, ServerFailed("down"))

    assert model.ask(2) == [1, 1]


def test_a_key_that_is_rejected_is_set_aside_and_said_once(tmp_path: Path, clock: FixedClock) -> None:
    model = Model(Office(tmp_path, clock), "ordered")
    model.fails[0] = KeyRejected("openai does not take the key (401)")

    assert model.ask(3) == [0, 1, 1, 1]
    assert model.office.warned == [
        "env:KEY_0 was rejected and is set aside: openai does not take the key (401)",
    ]
    other = Model(Office(tmp_path, clock), "ordered")
    assert other.ask() == [1], "other processes know it too"
    (aside,) = [each for lane in lanes(other.office.pace) for each in lane.aside]
    assert aside.left_s == ASIDE_S


def test_no_key_is_written_down(office: Office, tmp_path: Path) -> None:
    model = Model(office, "ordered")
    model.keys[0] = "sk-canary-7Qx2mJd9VtLw4ZrB"
    model.fails[0] = KeyRejected("no")
    model.ask()
    office.pace.close()

    assert b"sk-canary" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_key_that_changes_is_used_again_at_once(tmp_path: Path, clock: FixedClock) -> None:
    model = Model(Office(tmp_path, clock), "ordered")
    model.fails[0] = KeyRejected("no")
    model.ask()
    assert model.ask() == [1]

    model.fails.clear()
    model.keys[0] = "sk-new"

    assert model.ask() == [0]


def test_a_key_that_stays_is_tried_again_after_a_while(office: Office, clock: FixedClock) -> None:
    model = Model(office, "ordered")
    model.fails[0] = KeyRejected("no")
    model.ask()
    model.fails.clear()

    clock.sleep(ASIDE_S + 1)

    assert model.ask() == [0]


def test_where_every_key_is_bad_it_is_said_of_each(office: Office) -> None:
    model = Model(office)
    model.fails = dict.fromkeys(range(3), KeyRejected("no", "check it"))

    with pytest.raises(KeyRejected) as caught:
        model.ask()

    assert caught.value.exit_code == 77
    assert [f"env:KEY_{number}" in caught.value.message for number in range(3)] == [True] * 3
    assert caught.value.message.count(": no") == 1, "what all of them were told is said once"
    assert caught.value.hint == "check it"


def test_where_every_key_is_set_aside_only_one_is_asked_again(office: Office) -> None:
    """A crowd of commands with dead keys must not ask with each of them; and one may have been topped up."""
    model = Model(office)
    model.fails = dict.fromkeys(range(3), KeyRejected("no"))
    with pytest.raises(KeyRejected):
        model.ask()
    model.calls.clear()

    with pytest.raises(KeyRejected, match="the other keys of m are set aside"):
        model.spread.complete(QUESTION, Control())

    assert len(model.calls) == 1


@pytest.mark.parametrize(
    "error", [KeyMissing("unset"), RateLimited("slow"), CircuitOpen("open"), Shed("busy")], ids=lambda each: each.kind
)
def test_who_gave_no_answer_at_no_cost_is_followed_by_the_next(office: Office, error: SynapseError) -> None:
    model = Model(office, "ordered")
    model.fails[0] = error

    assert model.ask() == [0, 1]


def test_other_failures_are_the_climbs(office: Office) -> None:
    """It knows how often a call may be repeated; here nobody counts."""
    model = Model(office, "ordered")
    model.fails[0] = ServerFailed("down")

    with pytest.raises(ServerFailed):
        model.ask()

    assert model.calls == [0]


def test_after_a_429_nobody_is_asked_who_would_have_to_wait(office: Office) -> None:
    model = Model(office, "ordered")
    model.fails[0] = RateLimited("slow", retry_after_s=1.0)
    for number in (1, 2):
        office.take(Limits(), access=model.order.deployed[number].access).refused(20.0)

    with pytest.raises(RateLimited) as caught:
        model.ask()

    assert model.calls == [0]
    assert caught.value.retry_after_s == 1.0


@pytest.mark.parametrize("error", [KeyRejected("no"), RateLimited("slow")], ids=lambda each: each.kind)
def test_once_a_piece_was_shown_nobody_else_is_asked(office: Office, error: SynapseError) -> None:
    model = Model(office, "ordered")
    model.fails[0] = error
    shown: list[str] = []

    with pytest.raises(type(error)):
        model.spread.complete(QUESTION, Control(), shown.append)

    assert (model.calls, shown) == ([0], ["an "])


def test_a_key_command_is_not_run_before_its_turn(office: Office) -> None:
    read: list[int] = []

    def key(number: int) -> str:
        read.append(number)
        return "sk"

    model = Model(office, "ordered")
    model.order.deployed = [
        Deployed(
            access=each.access._replace(key=f"cmd:pass {number}"),
            place=each.place,
            limits=each.limits,
            weight=1,
            key=partial(key, number),
        )
        for number, each in enumerate(model.order.deployed)
    ]
    model.fails[0] = KeyRejected("no")

    model.ask(3)

    assert read == [0], "to recognise the rejected one again; set aside, it is not run to see whether it changed"


def test_without_the_file_all_are_asked_in_turn(tmp_path: Path) -> None:
    office = Office(tmp_path / "file")
    (tmp_path / "file").write_text("no folder")
    model = Model(office)
    model.fails[0] = KeyRejected("no")

    asked = model.ask(30)

    assert {1, 2} <= set(asked)
    assert len(office.warned) >= 1

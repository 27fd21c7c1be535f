"""Turns in the shared file: who goes, who waits, who is shed, and what becomes of those who are killed."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from synapse_cli.cascade.lanes import LaneStanding, forget, lanes
from synapse_cli.cascade.limited import Limited, tokens_of
from synapse_cli.cascade.limiter import Access, Limiter, Turn
from synapse_cli.cascade.pace_file import FILE, PaceFile, Provider
from synapse_cli.core.clock import Clock, FixedClock, SystemClock
from synapse_cli.core.completion import Completion, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    BadRequest,
    CircuitOpen,
    CutStream,
    RateLimited,
    Shed,
    SynapseError,
    Withdrawn,
)
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.quota import Allowance
from synapse_cli.profile.model import Limits
from tests.limiter.crowd import Asked

ACCESS = Access(Provider("openai", "http://127.0.0.1:1/v1"), "env:KEY", "gpt")
ONE_AT_A_TIME = Limits(parallel=1, max_wait_s=60)


class Office:
    """One process's view of the shared file."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.warned: list[str] = []
        self.told: list[tuple[float, str]] = []
        self.clock = clock or SystemClock()
        self.pace = PaceFile(folder, warn=self.warned.append, clock=self.clock)
        self.limiter = Limiter(self.pace, self.clock)
        self.control = Control(clock=self.clock.monotonic)

    def take(self, limits: Limits, tokens: int = 0, access: Access = ACCESS) -> Turn:
        """Wait for a turn."""
        return self.limiter.take(access, tokens, limits, self.control, lambda *told: self.told.append(told))

    @property
    def standing(self) -> LaneStanding:
        """The only lane there is."""
        (only,) = lanes(self.pace)
        return only


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def office(tmp_path: Path, clock: FixedClock) -> Office:
    return Office(tmp_path, clock)


def test_a_minute_is_waited_for_and_told(office: Office, clock: FixedClock) -> None:
    limits = Limits(rpm=2, max_wait_s=100)
    began = clock.at
    for _ in range(2):
        office.take(limits).answered(10)
    assert clock.at == began

    office.take(limits).answered(10)

    assert 60 <= clock.at - began <= 62
    ((seconds, reason),) = office.told
    assert 59 <= seconds <= 61
    assert reason == "2 requests a minute are used (openai at http://127.0.0.1:1/v1 with env:KEY)"


def test_a_wait_that_is_foreseeably_too_long_is_shed_at_once(office: Office, clock: FixedClock) -> None:
    limits = Limits(rpm=1, max_wait_s=30)
    office.take(limits).answered(10)
    began = clock.at

    with pytest.raises(Shed) as caught:
        office.take(limits)

    assert clock.at == began
    assert caught.value.retry_after_s is not None
    assert 59 <= caught.value.retry_after_s <= 61
    assert "1 requests a minute are used, and a turn would have come in 6" in caught.value.message
    assert caught.value.exit_code == 75
    assert (office.standing.flying, office.standing.waiting) == (0, 0)


def test_the_runs_deadline_counts_where_it_comes_first(office: Office, clock: FixedClock) -> None:
    office.control.deadline = clock.monotonic() + 5
    limits = Limits(tpm=100, max_wait_s=300)
    office.take(limits, tokens=100).answered(None)

    with pytest.raises(Shed):
        office.take(limits, tokens=1)


def test_a_full_house_is_waited_for_until_the_deadline(office: Office, clock: FixedClock) -> None:
    """How long a call in flight takes is only guessed, so it is waited for as long as there is hope."""
    held = office.take(ONE_AT_A_TIME)
    began = clock.at

    with pytest.raises(Shed):
        office.take(Limits(parallel=1, max_wait_s=3))

    assert 3 <= clock.at - began <= 4
    held.answered(1)
    assert office.standing.waiting == 0


def test_a_key_of_its_own_is_a_lane_of_its_own(office: Office) -> None:
    held = office.take(ONE_AT_A_TIME)

    office.take(ONE_AT_A_TIME, access=ACCESS._replace(key="env:OTHER")).answered(1)
    office.take(ONE_AT_A_TIME, access=ACCESS._replace(provider=Provider("openai"))).answered(1)

    held.answered(1)
    assert [(lane.provider.base_url, lane.key) for lane in lanes(office.pace)] == [
        ("", "env:KEY"),
        ("http://127.0.0.1:1/v1", "env:KEY"),
        ("http://127.0.0.1:1/v1", "env:OTHER"),
    ]


def test_models_share_their_keys_lane(office: Office) -> None:
    limits = Limits(rpm=1, max_wait_s=1)
    office.take(limits).answered(1)

    with pytest.raises(Shed):
        office.take(limits, access=ACCESS._replace(model="another"))


def test_what_is_learned_is_shown_and_can_be_forgotten(office: Office, clock: FixedClock) -> None:
    turn = office.take(Limits(), tokens=500)
    turn.answered(120, (Allowance("requests", 500, 499, 0.12, 60.0),))
    refused = office.take(Limits())
    refused.refused(2.5)

    standing = office.standing
    assert (standing.requests, standing.tokens) == (2, 120)
    assert [(told.model, told.unit, told.limit, told.remaining) for told in standing.told] == [
        ("gpt", "requests", 500, 499)
    ]
    assert standing.held_s == 2.5
    assert standing.per_minute is not None

    forget(office.pace, ACCESS.provider)
    assert lanes(office.pace) == []


def test_all_processes_hold_until_the_told_instant(tmp_path: Path, clock: FixedClock) -> None:
    one, other = Office(tmp_path, clock), Office(tmp_path, clock)
    one.take(Limits()).refused(5.0)
    until = clock.at + 5

    other.take(Limits()).answered(1)

    assert clock.at >= until


def test_who_came_first_goes_first(tmp_path: Path) -> None:
    """Over processes: each of them would be free to overtake."""
    holder = Office(tmp_path)
    held = holder.take(ONE_AT_A_TIME)
    order: list[int] = []
    threads = []
    for number in range(6):
        threads.append(threading.Thread(target=_take_and_note, args=(tmp_path, number, order)))
        threads[-1].start()
        _until(lambda number=number: holder.standing.waiting == number + 1)  # type: ignore[misc]  # bound now

    held.answered(1)
    for thread in threads:
        thread.join()

    assert order == [0, 1, 2, 3, 4, 5]


def _take_and_note(folder: Path, number: int, order: list[int]) -> None:
    turn = Office(folder).take(ONE_AT_A_TIME)
    order.append(number)
    turn.answered(1)


def test_ctrl_c_ends_a_wait_and_leaves_no_ticket(tmp_path: Path) -> None:
    holder, waiter = Office(tmp_path), Office(tmp_path)
    held = holder.take(ONE_AT_A_TIME)
    raised: list[BaseException] = []

    def wait() -> None:
        try:
            waiter.take(ONE_AT_A_TIME)
        except Withdrawn as error:
            raised.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    _until(lambda: holder.standing.waiting == 1)
    waiter.control.stop()
    thread.join(timeout=10)

    assert not thread.is_alive()
    assert [type(error) for error in raised] == [Withdrawn], "so that nothing is charged for it"
    assert holder.standing.waiting == 0
    held.answered(1)


HOLDS = """
import sys, time
from tests.limiter.test_limiter import Office, ONE_AT_A_TIME
from pathlib import Path
turn = Office(Path(sys.argv[1])).take(ONE_AT_A_TIME)
print("held", flush=True)
time.sleep(600)
"""


def test_the_seat_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    """By its pid, not by time: with a lease of minutes, a crash would block everybody for minutes."""
    office = Office(tmp_path)
    with _started(tmp_path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with _started(tmp_path):
            _until(lambda: office.standing.waiting == 1)

    turn = office.take(Limits(parallel=1, max_wait_s=10))

    assert turn.seat is not None
    turn.answered(1)
    assert (office.standing.flying, office.standing.waiting) == (0, 0)


@contextmanager
def _started(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", HOLDS, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_without_the_file_everybody_goes_and_it_is_said_once(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    office = Office(tmp_path)

    for _ in range(3):
        office.take(ONE_AT_A_TIME)

    assert len(office.warned) == 1


def test_a_file_of_garbage_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"garbage" * 1000)
    office = Office(tmp_path)

    office.take(ONE_AT_A_TIME).answered(1)

    assert office.warned == []
    assert office.standing.requests == 1


def test_a_file_of_the_version_before_gets_its_tables(tmp_path: Path) -> None:
    from synapse_cli.cascade.pace_file import STEPS

    old = sqlite3.connect(tmp_path / FILE)
    old.executescript(f"{STEPS[0]}; PRAGMA user_version = 1;")
    old.close()
    office = Office(tmp_path)

    office.take(ONE_AT_A_TIME).answered(1)

    assert office.warned == []
    assert office.standing.requests == 1


class Failing:
    """A backend that ends each call in the same way."""

    def __init__(self, error: SynapseError | None) -> None:
        self.error = error

    def complete(self, *_: object) -> Completion:
        """End."""
        if self.error is not None:
            raise self.error
        return Completion(text="x", finish="stop", usage=Usage(7, 3), cost=None)

    facts = Asked.facts
    count = Asked.count


ENDINGS: dict[str, tuple[SynapseError | None, int, int]] = {
    "answered": (None, 1, 10),
    "refused": (RateLimited("slow down", retry_after_s=1.0), 1, 0),
    "not taken": (BadRequest("too long"), 1, 0),
    "cut: nobody knows what it took": (CutStream("cut"), 1, 1028),
    "never sent": (CircuitOpen("open"), 0, 0),
}


@pytest.mark.parametrize("case", sorted(ENDINGS))
def test_what_a_call_counts_for_is_known_by_how_it_ended(office: Office, case: str) -> None:
    error, requests, tokens = ENDINGS[case]
    request = Request(messages=(Message("user", "q"),))
    limited = Limited(Failing(error), lambda tokens, _: office.take(Limits(), tokens))

    if error is None:
        limited.complete(request, office.control)
    else:
        with pytest.raises(type(error)):
            limited.complete(request, office.control)

    standing = office.standing
    assert (standing.requests, standing.tokens) == (requests, tokens)
    assert (standing.flying, standing.waiting) == (0, 0)


def test_output_is_reserved_as_far_as_the_request_bounds_it() -> None:
    messages = (Message("user", "x" * 4000),)

    assert tokens_of(Request(messages=messages, params={"max_tokens": 50})) == 1000 + 4 + 50
    assert tokens_of(Request(messages=messages)) == 1000 + 4 + 1024

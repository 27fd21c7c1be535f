"""A clock that was wrong and is set right: what was written in the future holds nobody up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.trouble import ANSWER, Bent, Ended, run
from tests.e2e.machine import Machine

DAY_S = 86_400
CLOCK = """import os
import time
_time, _time_ns, _ahead = time.time, time.time_ns, int(os.environ["CHAOS_CLOCK_S"])
time.time = lambda: _time() + _ahead
time.time_ns = lambda: _time_ns() + _ahead * 1_000_000_000
"""
"""The clock of a machine, as every Python process that starts there finds it."""
PROFILE = """schema = 1
[models.paid]
backend = "scripted"
price = { input = 1.0, output = 2.0 }
LIMITS
replies = [
  { match = "fail", error = "server" }, { match = "limit", error = "rate_limited" }, { match = "", text = "an answer" },
]
[routes.default]
use = "paid"
[retry]
max_attempts = 1
[breaker]
cooldown = "1h"
"""


class Clocked(Machine):
    """A machine whose clock can be set."""

    def at(self, ahead_s: int, *arguments: str) -> Ended:
        """Run `synapse` while the clock is so far ahead."""
        (self.work / "sitecustomize.py").write_text(CLOCK)
        return run(self, Bent(env={"PYTHONPATH": str(self.work), "CHAOS_CLOCK_S": str(ahead_s)}), *arguments)


@pytest.fixture
def machine(tmp_path: Path) -> Clocked:
    made = Clocked(tmp_path)
    made.use(PROFILE.replace("LIMITS", ""))
    return made


@pytest.mark.parametrize("prompt", ["fail", "limit"])
def test_a_provider_that_failed_tomorrow_is_asked_today(machine: Clocked, prompt: str) -> None:
    failed = [machine.at(DAY_S, "run", f"{prompt} {number}") for number in range(5)]
    assert {one.code for one in failed} == {75}

    today = machine.at(0, "run", "hello")

    assert (today.code, today.out) == (0, ANSWER), today.lines
    assert today.wall_s < 30


def test_turns_that_were_taken_tomorrow_are_free_today(machine: Clocked) -> None:
    machine.use(PROFILE.replace("LIMITS", "limits = { rpm = 2, max_wait = '1s' }"))
    tomorrow = [machine.at(DAY_S, "run", f"prompt {number}").code for number in range(3)]
    assert tomorrow == [0, 0, 75]

    today = machine.at(0, "run", "hello")

    assert (today.code, today.out) == (0, ANSWER), today.lines


def test_an_open_circuit_still_holds_a_minute_later_and_not_a_day_later(machine: Clocked) -> None:
    for number in range(5):
        machine.at(0, "run", f"fail {number}")

    assert machine.at(60, "run", "hello").code == 75
    assert machine.at(DAY_S, "run", "hello").out == ANSWER


def test_what_was_recorded_tomorrow_is_listed_and_does_not_hide_what_is_recorded_today(machine: Clocked) -> None:
    machine.at(DAY_S, "run", "tomorrow")
    machine.at(0, "run", "today")

    for command in (("log", "list"), ("stats",), ("cost",), ("budget", "show"), ("providers",)):
        ended = machine.at(0, *command)
        assert ended.code == 0, (command, ended)
        assert not any(line.startswith("synapse: ") for line in ended.lines), (command, ended)
    assert len(machine.runs) == 2

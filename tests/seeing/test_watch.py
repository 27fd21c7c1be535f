"""`synapse watch`: what goes on now, live at a terminal, a line a run in a pipe."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.machine import PATIENCE_S, SYNAPSE, Machine
from tests.seeing.conftest import CLIMB, DEAD
from tests.seeing.screen import COLUMNS, LINES, plain, seated

SLOW = """schema = 1
[models.slow]
backend = "scripted"
replies = [{ match = "", text = "late", latency_s = 60 }]
[routes.default]
use = "slow"
"""


@contextmanager
def _following(machine: Machine, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [SYNAPSE, "watch", *arguments],
        cwd=machine.work,
        env=machine.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        _begun(process)
        yield process
    finally:
        process.kill()
        process.communicate()


def _begun(process: subprocess.Popen[bytes]) -> None:
    """Wait until it follows: it sleeps in `poll`, and has done its imports."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with open(f"/proc/{process.pid}/wchan", encoding="ascii") as file:
            if "poll" in file.read():
                return
        time.sleep(0.05)
    pytest.fail("it never waited")


def test_a_pipe_gets_a_line_for_each_run_that_ends_from_now_on(machine: Machine) -> None:
    machine.synapse("run", "before")
    with _following(machine) as process:
        machine.synapse("run", "a hard question")
        machine.synapse("run", "hello")
        machine.synapse("run", "hello")
        assert process.stdout is not None
        lines = [process.stdout.readline().decode().rstrip("\n").split("\t") for _ in range(3)]

    assert [line[2:7] for line in lines] == [
        ["accepted", "default", "big", "2570+268", "0.005685"],
        ["accepted", "default", "small", "10+3", "0"],
        ["accepted (memo)", "default", "small", "0+0", "0"],
    ]


def test_lines_of_json_are_what_the_log_lists(machine: Machine) -> None:
    with _following(machine, "--jsonl") as process:
        machine.synapse("run", "hello")
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())

    assert [line] == machine.synapse("log", "list", "--json").json


def test_a_reader_that_goes_away_ends_it_though_no_run_does(machine: Machine) -> None:
    with _following(machine) as process:
        assert process.stdout is not None
        process.stdout.close()

        assert process.wait(PATIENCE_S) == 141


def test_ctrl_c_ends_it_in_a_pipe(machine: Machine) -> None:
    with _following(machine) as process:
        process.send_signal(signal.SIGINT)

        assert process.wait(PATIENCE_S) == 130
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_a_screen_follows_runs_as_they_begin_and_end(machine: Machine) -> None:
    machine.use(SLOW)
    with seated(machine, "watch") as seat:
        seat.until(lambda: "no run in the last 10 min" in seat.text)
        process = subprocess.Popen(
            [SYNAPSE, "run", "hello"], cwd=machine.work, env=machine.env, stdin=subprocess.DEVNULL
        )
        seat.until(lambda: "running (1)" in seat.text)
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)
        seat.until(lambda: "1 ended · 0 running" in seat.text)
        seat.press("q")
        code = seat.wait()

    assert code == 0
    assert "interrupted" in seat.text


def test_the_screen_fits_80_columns_and_24_lines(machine: Machine) -> None:
    for number in range(30):
        machine.synapse("run", f"question {number} of many: hard" if number % 3 else f"question {number}")
    with seated(machine, "watch") as seat:
        seat.until(lambda: bool(seat.frames))
        seat.press("q")
        seat.wait()

    assert {len(frame) <= LINES for frame in seat.frames} == {True}
    assert max(len(plain(line)) for frame in seat.frames for line in frame) <= COLUMNS
    assert "30 ended" in seat.text


@pytest.mark.parametrize(("ending", "code"), [("q", 0), ("\x03", 130)])
def test_leaving_makes_the_terminal_as_it_was(machine: Machine, ending: str, code: int) -> None:
    with seated(machine, "watch") as seat:
        seat.until(lambda: bool(seat.frames))
        during = seat.modes_now
        seat.press(ending)
        ended = seat.wait()
        after = seat.modes_now

    assert ended == code
    assert during != seat.modes
    assert after == seat.modes
    assert seat.drawn.startswith("\x1b[?1049h\x1b[?25l")
    assert seat.drawn.endswith("\x1b[?25h\x1b[?1049l")


def test_being_ended_from_outside_makes_the_terminal_as_it_was(machine: Machine) -> None:
    with seated(machine, "watch") as seat:
        seat.until(lambda: bool(seat.frames))
        seat.tell(signal.SIGTERM)
        code = seat.wait()
        after = seat.modes_now

    assert code == -signal.SIGTERM
    assert after == seat.modes
    assert seat.drawn.endswith("\x1b[?25h\x1b[?1049l")


def test_nothing_is_coloured_where_no_colour_is_wanted(machine: Machine) -> None:
    machine.synapse("run", "hello")
    with seated(machine, "watch", NO_COLOR="1") as seat:
        seat.until(lambda: "1 ended" in seat.text)
        seat.press("q")
        seat.wait()

    assert "\x1b[3" not in seat.drawn
    assert "\x1b[1m" not in seat.drawn


def test_one_screen_is_printed_and_is_plain_in_a_pipe(machine: Machine) -> None:
    machine.synapse("run", "a hard question")

    done = machine.synapse("watch", "--once")

    assert done.code == 0
    assert b"\x1b" not in done.out
    assert "1 ended · 0 running" in done.out.decode()
    assert "big" in done.out.decode()


def test_what_ended_before_is_told_where_it_is_asked_for(machine: Machine) -> None:
    machine.synapse("run", "hello")

    lines = machine.synapse("watch", "--once", "--jsonl").out.splitlines()

    assert [json.loads(line) for line in lines] == machine.synapse("log", "list", "--json").json
    assert len(lines) == 1


def test_a_budget_and_a_circuit_that_is_open_are_seen(machine: Machine) -> None:
    machine.use(DEAD)
    for number in range(3):
        machine.synapse("run", f"dead {number}")

    told = machine.synapse("watch", "--once").out.decode()
    (budget,) = [line for line in told.splitlines() if line.startswith("budget")]
    (circuit,) = [line for line in told.splitlines() if line.startswith("circuit")]

    assert "of $0.05" in budget
    assert "█" in budget
    assert circuit.startswith("circuit  dead open: server, 3 in a row · tried again in ")


def test_a_tenant_sees_its_own_runs(machine: Machine) -> None:
    machine.use(CLIMB + "[tenants.acme]\n[tenants.other]\n")
    machine.synapse("run", "--tenant", "acme", "hello")
    machine.synapse("run", "--tenant", "other", "a hard question")

    told = [machine.synapse("watch", "--once", "--tenant", name).out.decode() for name in ("acme", "other")]
    whole = machine.synapse("watch", "--once").out.decode()

    assert [("small" in page, "big" in page) for page in (*told, whole)] == [(True, False), (False, True), (True, True)]


def test_a_span_that_is_none_is_a_usage_error(machine: Machine) -> None:
    done = machine.synapse("watch", "--once", "--since", "soon")

    assert (done.code, done.out) == (2, b"")
    assert "--since takes a duration" in done.err


def test_it_begins_before_there_is_a_ledger_and_is_idle_while_nothing_happens(machine: Machine) -> None:
    with seated(machine, "watch") as seat:
        seat.until(lambda: bool(seat.frames))
        before = seat.cpu_s
        time.sleep(1.5)
        spent = seat.cpu_s - before
        seat.press("q")
        seat.wait()

    assert spent <= 0.1, "six looks that find nothing new"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_ledger_that_is_no_ledger_is_said_on_the_screen(machine: Machine) -> None:
    machine.state.mkdir(parents=True)
    (machine.state / "ledger.sqlite3").write_bytes(os.urandom(8192))
    with seated(machine, "watch") as seat:
        seat.until(lambda: "not a database" in seat.text)
        seat.press("q")

        assert seat.wait() == 0

"""Processes that are killed, interrupted or no longer heard: nothing that was finished is lost, and nobody waits."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.chaos.trouble import ANSWER
from tests.cli.running import Running
from tests.e2e.machine import SYNAPSE, Machine

PAID = "price = { input = 1.0, output = 2.0 }\n"
TWO_TIERS = (
    "schema = 1\n[models.a]\nbackend = 'scripted'\nrecord = '~/calls.jsonl'\n" + PAID + "replies = [{ match = '', "
    "text = 'a guess', latency_s = 0.05 }]\n[models.b]\nbackend = 'scripted'\nrecord = '~/calls.jsonl'\n"
    + PAID
    + "replies = [{ match = '', text = 'an answer', latency_s = 0.05 }]\n[cascades.c]\ntiers = ['a', 'b']\n"
    "accept = [{ kind = 'regex', pattern = 'answer' }]\n[routes.default]\nuse = 'c'\n"
)
LIMITED = (
    "schema = 1\n[models.a]\nbackend = 'scripted'\nrecord = '~/calls.jsonl'\n" + PAID + "limits = { LIMIT }\n"
    "replies = [{ match = '', text = 'an answer', latency_s = LATENCY }]\n[routes.default]\nuse = 'a'\n"
)
KILLS = 12


def test_whoever_is_killed_leaves_a_ledger_that_is_whole_and_one_call_in_doubt_at_most(machine: Machine) -> None:
    machine.use(TWO_TIERS)
    machine.synapse("run", "warm up")
    chance, printed = random.Random(5), 0
    for number in range(KILLS):
        process = subprocess.Popen(
            [SYNAPSE, "run", f"prompt {number}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            cwd=machine.work,
            env=machine.env,
        )
        time.sleep(chance.uniform(0.02, 0.6))
        process.kill()
        printed += process.communicate(timeout=60)[0] == ANSWER

    assert machine.ledger("PRAGMA integrity_check") == [("ok",)]
    finished = machine.ledger("SELECT count(*) FROM runs WHERE exit_code = 0 AND memo_of IS NULL")[0][0]
    assert finished >= printed + 1
    assert machine.ledger("SELECT max(n) FROM (SELECT count(*) n FROM calls WHERE outcome IS NULL GROUP BY run)") in (
        [(1,)],
        [(None,)],
    )
    for command in (("log", "list"), ("log", "show", "last"), ("trace", "last"), ("stats",), ("cost",)):
        done = machine.synapse(*command)
        assert done.code == 0, (command, done)
        assert not any(line.startswith("synapse: ") for line in done.lines), (command, done)
    assert machine.synapse("run", "after").out == ANSWER


def test_the_turn_of_a_killed_holder_goes_to_the_next(machine: Machine) -> None:
    machine.use(LIMITED.replace("LIMIT", "parallel = 1, max_wait = '60s'").replace("LATENCY", "30"))
    holder = Running(machine, "run", "first").until(machine.calls_file.exists, "the first call")
    machine.use(LIMITED.replace("LIMIT", "parallel = 1, max_wait = '60s'").replace("LATENCY", "0"))
    waiter = Running(machine, "run", "second")
    time.sleep(1)
    assert len(machine.calls) == 1

    holder.process.send_signal(signal.SIGKILL)
    done = waiter.end()

    holder.end()  # until now it was a zombie
    assert (done.code, done.out) == (0, ANSWER), done.err


def test_ctrl_c_ends_a_wait_for_a_turn(machine: Machine) -> None:
    machine.use(LIMITED.replace("LIMIT", "rpm = 1, max_wait = '10m'").replace("LATENCY", "0"))
    for number in range(3):  # a limiter may let a burst through
        if machine.synapse("run", "--timeout", "1", f"prompt {number}").code != 0:
            break
    else:
        pytest.fail("one request a minute, and three went through")
    calls = len(machine.calls)
    running = Running(machine, "run", "waits")
    time.sleep(2)

    done = running.interrupt().end()

    assert (done.code, done.out) == (130, b""), done.err
    assert "Traceback" not in done.err
    assert len(machine.calls) == calls
    assert machine.runs[-1][0] == 130


def test_a_wait_that_would_be_too_long_is_not_begun(machine: Machine) -> None:
    machine.use(LIMITED.replace("LIMIT", "rpm = 1, max_wait = '2s'").replace("LATENCY", "0"))

    done = [machine.synapse("run", f"prompt {number}") for number in range(3)]

    assert (done[0].code, done[0].out) == (0, ANSWER)
    assert done[-1].code == 75, done[-1].err
    assert len(machine.calls) < 3


def test_a_closed_pipe_ends_a_run_with_141_and_its_call_is_recorded(machine: Machine) -> None:
    machine.use(TWO_TIERS)

    done = machine.shell("(synapse run hello; echo $? > code) | true; sleep 0; cat code")

    for _ in range(100):
        if (machine.work / "code").exists() and (machine.work / "code").read_text().strip():
            break
        time.sleep(0.1)
    assert (machine.work / "code").read_text().strip() == "141", done.err
    assert machine.runs[-1][0] == 141
    assert machine.ledger("SELECT count(*) FROM calls WHERE outcome IS NULL") == [(0,)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)

"""Whoever stops waiting stops the work: the host decodes not one token more than the one it is at."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.machine import SYNAPSE, Machine
from tests.hosts.home import Home
from tests.local.tiny_gguf import write

PROFILE = """schema = 1
[models.endless]
backend = "llama.cpp"
source = "file:{path}"
context = 30000
params = {{ max_tokens = 25000, temperature = 0 }}
[routes.default]
use = "endless"
"""
RUN = [SYNAPSE, "run", "--no-cache", "--stream", "--grammar", "endless.gbnf", "go on"]


@pytest.fixture
def endless(machine: Machine) -> Machine:
    """A real model that would write for minutes."""
    machine.write("endless.gbnf", "root ::= [a-z] root\n")
    path = write(machine.work / "endless.gguf", context=30_000, width=256, layers=4)
    machine.use(PROFILE.format(path=path))
    machine.synapse("run", "--no-cache", "--param", "max_tokens=1", "warm up")
    return machine


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate(timeout=60)


def _close_the_pipe(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(60) == 141


def _run_out_of_time(process: subprocess.Popen[bytes]) -> None:
    process.communicate(timeout=120)
    assert process.returncode == 75


@pytest.mark.parametrize("leave", [_interrupt, _kill, _close_the_pipe, _run_out_of_time])
def test_a_call_that_nobody_waits_for_decodes_no_more(
    endless: Machine, leave: Callable[[subprocess.Popen[bytes]], None]
) -> None:
    home = Home.of(endless)
    limit = ["--timeout", "3"] if leave is _run_out_of_time else []
    process = subprocess.Popen(
        [*RUN, *limit], env=endless.env, cwd=endless.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    os.read(process.stdout.fileno(), 1)

    leave(process)

    home.until(lambda: (home.status() or {}).get("active") == [], "it writes for nobody")
    past = _past(home)
    assert past["outcome"] in {"Interrupted", "TimedOut"}
    assert 0 < past["pieces"] < 25_000
    assert past["late"] <= 1
    assert _is_at_rest(home.pid())


def _past(home: Home) -> dict[str, Any]:
    status = home.status()
    assert status is not None
    return dict(status["past"][-1])


def _is_at_rest(pid: int) -> bool:
    """Whether a process takes no more than a breath of the processor, by the kernel's own count of its ticks."""
    ticks = []
    for _ in range(2):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks.append(int(fields[11]) + int(fields[12]))
        time.sleep(0.5)
    return ticks[1] - ticks[0] <= 3

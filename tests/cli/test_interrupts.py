"""Ctrl-C ends a run with 130 wherever it is, without a traceback, and the run is in the ledger."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import Running
from tests.cli.tiers import profile
from tests.e2e.machine import Done, Machine
from tests.servers import openai
from tests.servers.base import Reply, Server, serving


@pytest.fixture(scope="module")
def slow_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes seconds for a long prompt or a long answer."""
    from tests.local.tiny_gguf import write

    return write(tmp_path_factory.mktemp("slow") / "slow.gguf", context=8192, width=256, layers=8)


@pytest.fixture(scope="module")
def hanging() -> Iterator[Server]:
    with serving(openai, Reply(fault="hang")) as server:
        yield server


def _interrupted(done: Done, machine: Machine, *, recorded: bool = True) -> None:
    assert done.code == 130, done.err
    assert "Traceback" not in done.err
    assert not recorded or machine.runs[-1][0] == 130


def test_while_a_model_thinks(machine: Machine) -> None:
    machine.says("too late", latency_s=60)
    running = Running(machine, "run", "hello").until(machine.calls_file.exists, "the call")

    done = running.interrupt().end()

    _interrupted(done, machine)
    assert done.out == b""


def test_in_the_middle_of_a_stream(machine: Machine) -> None:
    machine.says("word " * 200, latency_s=60)
    running = Running(machine, "run", "--stream", "hello")

    assert running.read(100).startswith(b"word")
    done = running.interrupt().end()

    _interrupted(done, machine)


def test_while_waiting_to_try_again(machine: Machine) -> None:
    machine.use(profile("hosted:limited").replace("[models.t0]", f'[models.t0]\nrecord = "{machine.calls_file}"'))
    running = Running(machine, "run", "-v", "hello").until(machine.calls_file.exists, "the first call")

    done = running.interrupt().end()

    assert done.code in {130, 75}, done.err
    assert "Traceback" not in done.err


def test_while_a_check_runs(machine: Machine) -> None:
    flag = machine.root / "judging"
    rule = f'{{ kind = "command", argv = ["sh", "-c", "touch {flag}; sleep 60"], timeout_s = 60 }}'
    machine.use(profile("good", rule=rule))
    running = Running(machine, "run", "hello").until(flag.exists, "the check")

    _interrupted(running.interrupt().end(), machine)


def test_while_a_named_pipe_has_no_writer(machine: Machine) -> None:
    machine.says("never")
    os.mkfifo(machine.work / "pipe")
    running = Running(machine, "run", "hello", "-f", "pipe")
    running.until(lambda: _waits_in_open(running), "the opening of the pipe")

    _interrupted(running.interrupt().end(), machine, recorded=False)


def test_while_a_model_loads(machine: Machine, slow_gguf: Path) -> None:
    running = Running(machine, "run", "-m", str(slow_gguf), "--param", "max_tokens=4000", "hello")
    running.until(lambda: running.maps("libllama") or running.maps(slow_gguf), "the loading of the engine")

    _interrupted(running.interrupt().end(), machine)


def test_while_a_model_reads_its_prompt(machine: Machine, slow_gguf: Path) -> None:
    machine.use(
        f"schema = 1\n[models.m]\nbackend = 'llama.cpp'\nsource = 'file:{slow_gguf}'\ncontext = 8192\n"
        "[routes.default]\nuse = 'm'\n"
    )
    machine.write("long.txt", "the spam bug is in the bugs " * 600)
    running = Running(machine, "run", "-f", "long.txt", "--param", "max_tokens=9", "go")
    running.until(lambda: running.maps("libllama"), "the loading of the engine")
    busy = running.cpu_s()
    running.until(lambda: running.cpu_s() > busy + 1.0, "a second of reading")

    done = running.interrupt().end()

    _interrupted(done, machine)
    assert done.out == b""


def test_while_a_model_writes(machine: Machine, slow_gguf: Path) -> None:
    running = Running(
        machine, "run", "--stream", "-m", str(slow_gguf), "--param", "max_tokens=6000", "--seed", "3", "go"
    )

    assert running.read(10)
    _interrupted(running.interrupt().end(), machine)


def test_while_a_hosted_model_is_silent(machine: Machine, hanging: Server) -> None:
    machine.use(
        "schema = 1\n[models.h]\nbackend = 'litellm'\nmodel = 'openai/gpt-4o-mini'\nkeys = ['env:LOOPBACK_KEY']\n"
        f"base_url = '{hanging.url}/v1'\n[routes.default]\nuse = 'h'\n"
    )
    hanging.seen.clear()
    running = Running(machine, "run", "hello", LOOPBACK_KEY="a-key")
    running.until(lambda: bool(hanging.seen), "the request")

    _interrupted(running.interrupt().end(), machine)


def test_at_any_moment_after_the_start(machine: Machine) -> None:
    """Whatever is being imported or opened just then: 130, or the answer where it came too late."""
    machine.says("an answer", latency_s=5)
    for step in range(12):
        done = _interrupted_after(Running(machine, "run", "--no-cache", "hello"), cpu_s=0.05 + step * 0.03)
        assert done.code in {130, 0}, done
        assert "Traceback" not in done.err


def _interrupted_after(running: Running, cpu_s: float) -> Done:
    """Press Ctrl-C when it has worked for so long, or when it begins to wait."""
    running.until(lambda: running.cpu_s() >= cpu_s or _idle(running), f"{cpu_s} s of work")
    return running.interrupt().end()


def _waits_in_open(running: Running) -> bool:
    """Whether it sleeps in the kernel's opening of a pipe."""
    try:
        return "fifo" in Path(f"/proc/{running.process.pid}/wchan").read_text() or _idle(running)
    except OSError:
        return _idle(running)


def _idle(running: Running) -> bool:
    """Whether a tenth of a second passed without work."""
    before = running.cpu_s()
    time.sleep(0.1)
    return before > 0.05 and running.cpu_s() == before

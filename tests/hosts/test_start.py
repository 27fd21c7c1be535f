"""Of many who need a host at once one starts it, and everybody is answered.

With SYNAPSE_FULL=1 it is fifty processes beside twenty silent clients, twenty times.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from synapse_cli.backends.host.address import listen, reach
from synapse_cli.core.control import Control
from synapse_cli.core.exclusive import take
from tests.e2e.machine import SYNAPSE, Machine
from tests.hosts.home import NANO, Home, asks, says

FULL = bool(os.environ.get("SYNAPSE_FULL"))
AT_ONCE, SILENT, REPEATS = (50, 20, 20) if FULL else (8, 5, 1)
ASK = ("run", "-m", "nano", "--no-cache", "--no-log", "--choices", "positive,negative", "Which mood? I love it.")


@pytest.mark.parametrize("_repeat", range(REPEATS))
def test_many_processes_on_a_cold_machine_start_one_host(machine: Machine, _repeat: int) -> None:
    home = Home.of(machine)
    silent = _Silent(home)
    silent.start()

    started = [
        subprocess.Popen(
            [SYNAPSE, *ASK], env=machine.env, cwd=machine.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        for _ in range(AT_ONCE)
    ]
    answers = [process.communicate(timeout=300)[0] for process in started]

    silent.leave()
    status = home.status()
    assert status is not None
    assert answers == [b"positive\n"] * AT_ONCE
    assert [process.returncode for process in started] == [0] * AT_ONCE
    assert status["served"] == AT_ONCE
    assert len(home.processes()) == 2  # the host, and who waits for it
    assert _lives(home) == 1


class _Silent(threading.Thread):
    """Clients that connect as soon as anybody listens, and say nothing."""

    def __init__(self, home: Home) -> None:
        super().__init__(daemon=True)
        self._home = home
        self._open: list[socket.socket] = []
        self._over = threading.Event()

    def run(self) -> None:
        while len(self._open) < SILENT and not self._over.is_set():
            try:
                self._open.append(reach(self._home.place(), 5.0))
            except OSError:
                time.sleep(0.002)

    def leave(self) -> None:
        self._over.set()
        self.join()
        assert len(self._open) == SILENT
        for connection in self._open:
            connection.close()


def _lives(home: Home) -> int:
    """How many hosts have ever listened here, by the log."""
    return Path(home.place().log).read_text(encoding="utf-8").count(" listens")


def test_a_socket_that_a_dead_host_left_is_not_in_the_way(home: Home) -> None:
    listen(home.place()).close()

    assert home.hosted(says("hello")).complete(asks(), Control()).text == "hello"


def test_a_socket_that_only_takes_and_never_answers_is_replaced_once_it_is_gone(home: Home) -> None:
    """A starter that was killed between its steps leaves any of these files behind, and none of them matters."""
    place = home.place()
    for path in (place.key, place.card, place.life, place.start, place.end):
        Path(path).write_bytes(b"\0garbage")

    assert home.hosted(says("hello")).complete(asks(), Control()).text == "hello"


def test_a_client_killed_while_it_starts_a_host_does_not_block_the_next(machine: Machine) -> None:
    home = Home.of(machine)
    process = subprocess.Popen([SYNAPSE, *ASK], env=machine.env, cwd=machine.work, stdout=subprocess.DEVNULL)
    home.until(lambda: os.path.exists(home.place().start) or process.poll() is not None)
    process.kill()
    process.wait()

    done = machine.synapse(*ASK)

    assert (done.code, done.out) == (0, b"positive\n")
    assert len(home.processes()) == 2


def test_whoever_waits_for_another_to_start_a_host_can_be_interrupted(home: Home) -> None:
    place, control = home.place(), Control(time.monotonic() + 0.3)
    handle = os.open(place.start, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        assert take(handle)
        with pytest.raises(Exception, match="no answer in time"):
            home.hosted(says("hello")).complete(asks(), control)
    finally:
        os.close(handle)


def test_where_no_host_can_start_the_model_runs_here_and_it_is_said_once(machine: Machine) -> None:
    (Path(Home.of(machine).place().socket) / "in the way").mkdir(parents=True)

    done = machine.synapse(*ASK)

    assert (done.code, done.out) == (0, b"positive\n")
    said = [line for line in done.lines if "in this process" in line]
    assert len(said) == 1
    assert "does not start; `synapse hosts log local` may tell why: nano runs in this process instead" in said[0]
    assert "Is a directory" in machine.synapse("hosts", "log", "local").out.decode()


def test_no_host_is_started_where_hosts_are_off(machine: Machine) -> None:
    off = machine.synapse(*ASK, env={"SYNAPSE_HOSTS": "off"})
    flag = machine.synapse(*ASK, "--no-host")

    assert (off.out, flag.out) == (b"positive\n", b"positive\n")
    assert Home.of(machine).processes() == []


def test_a_host_starts_from_any_folder_and_holds_none(machine: Machine) -> None:
    folder = machine.root / "gone"
    folder.mkdir()

    done = machine.synapse(*ASK, cwd=folder)
    folder.rmdir()

    assert done.out == b"positive\n"
    assert machine.synapse(*ASK).out == b"positive\n"
    assert [os.readlink(f"/proc/{pid}/cwd") for pid in Home.of(machine).processes()] == [
        Home.of(machine).place().folder
    ] * 2


def test_keys_of_the_environment_do_not_go_into_a_host(machine: Machine) -> None:
    machine.synapse(*ASK, env={"OPENAI_API_KEY": "sk-of-the-starter", "MY_OWN": "secret"})

    for pid in Home.of(machine).processes():
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"sk-of-the-starter" not in environment
        assert b"MY_OWN" not in environment


def test_a_host_goes_on_when_the_terminal_that_started_it_hangs_up(home: Home) -> None:
    home.hosted(NANO).complete(asks(choices=("yes", "no")), Control())
    pid = home.pid()

    for number in (signal.SIGHUP, signal.SIGINT):
        os.kill(pid, number)

    assert home.hosted(NANO).complete(asks(choices=("yes", "no")), Control()).text in {"yes", "no"}
    assert home.pid() == pid
    assert os.getsid(pid) != os.getsid(0)

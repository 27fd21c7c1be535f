"""`synapse hosts` shows what runs, and starts and ends it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tests.e2e.machine import SYNAPSE, Machine
from tests.hosts.home import Home
from tests.local.tiny_gguf import write

ASK = ("run", "-m", "nano", "--no-cache", "--choices", "positive,negative", "Which mood? I love it.")
ENDLESS = ("run", "-m", "./endless.gguf", "--no-cache", "--grammar", "endless.gbnf", "tell me more")


def test_where_nothing_runs_lists_are_empty_and_stopping_is_no_error(machine: Machine) -> None:
    listed, as_json = machine.synapse("hosts", "list"), machine.synapse("hosts", "list", "--json")
    stopped, said = machine.synapse("hosts", "stop"), machine.synapse("hosts", "log")

    assert (listed.out, as_json.json, stopped.out, said.out) == (b"", [], b"", b"")
    assert [done.code for done in (listed, as_json, stopped, said)] == [0, 0, 0, 0]
    assert listed.lines == ["no host runs; the next `synapse run` starts one"]


def test_a_host_that_answered_is_listed_with_what_it_holds(machine: Machine) -> None:
    machine.synapse(*ASK)

    (row,) = machine.synapse("hosts", "list", "--json").json
    (line,) = machine.synapse("hosts", "list", "--jsonl").out.splitlines()

    assert row["pid"] == Home.of(machine).pid()
    assert (row["kind"], row["state"], row["served"], row["active"]) == ("local", "ready", 1, [])
    assert [model["name"] for model in row["loaded"]] == ["nano"]
    assert row["memory_bytes"] > 10_000_000
    assert 0 < row["idle_left_s"] <= 300
    assert line.startswith(b'{"name": "local-')
    assert machine.synapse("hosts", "list").out.split(b"\t")[2:6:3] == [b"ready", b"nano"]


def test_hosts_are_started_stopped_and_restarted_by_hand(machine: Machine) -> None:
    started = machine.synapse("hosts", "start", "local")
    again = machine.synapse("hosts", "start", "local")
    restarted = machine.synapse("hosts", "restart", "local")
    stopped = machine.synapse("hosts", "stop")

    assert started.out == again.out
    assert started.out.startswith(b"local\t")
    name, how = restarted.out.splitlines()[0].split(b"\t")
    assert (name.partition(b"-")[0], how) == (b"local", b"stopped")
    assert restarted.out.splitlines()[1] != started.out.strip()
    assert stopped.out == name + b"\tstopped\n"
    assert Home.of(machine).processes() == []


def test_a_host_that_does_not_exist_is_a_usage_error(machine: Machine) -> None:
    for command in (("stop",), ("start",), ("restart",)):
        done = machine.synapse("hosts", *command, "cloud")
        assert done.code == 2
        assert "there is no host named 'cloud'" in done.lines[0]


def test_a_host_that_does_not_listen_any_more_can_still_be_stopped(machine: Machine) -> None:
    home = Home.of(machine)
    machine.synapse(*ASK)
    pid = home.pid()
    os.kill(pid, signal.SIGSTOP)

    (row,) = machine.synapse("hosts", "list", "--json").json
    stopped = machine.synapse("hosts", "stop", "local")

    assert (row["pid"], row["state"]) == (pid, "deaf")
    assert stopped.out.endswith(b"\tstopped\n")
    home.until(lambda: home.processes() == [])
    assert machine.synapse(*ASK).out == b"positive\n"


def test_the_log_shows_its_end(machine: Machine) -> None:
    machine.synapse(*ASK)
    machine.synapse("hosts", "stop")

    said = machine.synapse("hosts", "log", "local", "-n", "2").out.decode().splitlines()

    log = Path(Home.of(machine).place().log).read_text(encoding="utf-8").splitlines()
    assert said == log[-2:]
    assert (log[0].rpartition(" ")[2], log[-1].rpartition(" ")[2]) == ("listens", "ends")


def test_the_log_of_an_unknown_host_is_a_usage_error(machine: Machine) -> None:
    machine.synapse(*ASK)

    unknown = machine.synapse("hosts", "log", "locla")
    silent = machine.synapse("hosts", "log", "litellm")

    assert (unknown.code, unknown.lines[0]) == (2, "synapse: error: there is no host named 'locla'")
    assert (silent.code, silent.lines) == (0, ["no host has said anything"])


def test_no_part_of_a_prompt_or_an_answer_is_in_the_log(machine: Machine) -> None:
    machine.synapse("run", "-m", "nano", "--no-cache", "--choices", "blue-whale,red-fox", "Which? a-secret-word")

    log = Path(Home.of(machine).place().log).read_text(encoding="utf-8")

    for word in ("a-secret-word", "blue-whale", "red-fox"):
        assert word not in log


def test_a_model_that_crashed_twice_is_asked_with_force_only(machine: Machine) -> None:
    for _ in range(2):
        _crash(machine)

    refused = machine.synapse(*ENDLESS)
    forced = machine.synapse(*ENDLESS, "--force", "--param", "max_tokens=1")

    assert refused.code == 69
    assert "is set aside: the local engine died (signal 11) while " in refused.err
    assert "--force" in refused.err
    assert forced.code in {0, 65}
    assert machine.synapse(*ENDLESS, "--param", "max_tokens=1").code in {0, 65}


def _crash(machine: Machine) -> None:
    """Crash the host in the middle of a call of the real command."""
    path, home = machine.work / "endless.gguf", Home.of(machine)
    if not path.exists():
        machine.write("endless.gbnf", "root ::= [a-z] root\n")
        write(path, context=30_000, width=256, layers=4)
    process = subprocess.Popen(
        [SYNAPSE, *ENDLESS, "--param", "max_tokens=20000"],
        env=machine.env,
        cwd=machine.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    home.until(lambda: process.poll() is not None or (home.status() or {}).get("active"))
    home.kill(signal.SIGSEGV)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 69, err
    assert b"the local engine died (signal 11) while " in err


def test_doctor_tells_whether_models_can_stay_warm(machine: Machine) -> None:
    machine.synapse(*ASK)

    on, off = (machine.synapse("doctor", "--json", env=env).json for env in ({}, {"SYNAPSE_HOSTS": "off"}))

    found = {row["what"]: (row["status"], row["detail"]) for row in on}
    assert found["hosts"] == ("pass", f"{Home.of(machine).place().folder}, 1 running")
    assert [row["status"] for row in off if row["what"] == "hosts"] == ["note"]

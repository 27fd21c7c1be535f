"""A route may lead to a command of the user's own in place of a model."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.e2e.machine import Machine

PROFILE = """schema = 1
[models.echo]
backend = "scripted"
record = "~/calls.jsonl"
replies = [{{ match = "", text = "a model's answer" }}]
[routes.count]
run = {argv}
when = {{ keywords = ["count"] }}
{more}
[routes.default]
use = "echo"
"""


def _use(machine: Machine, *argv: str, more: str = "") -> None:
    machine.use(PROFILE.format(argv=list(argv), more=more))


def _python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_the_prompt_is_its_stdin_and_its_stdout_is_the_answer(machine: Machine) -> None:
    _use(machine, *_python("import sys; print(len(sys.stdin.read().split()))"))

    done = machine.synapse("run", "--json", "please count these words")

    told = done.json
    assert (told["answer"], told["cost_usd"], told["tokens"]["input"]) == ("4", "0", 0)
    assert told["tier"] == f"run:{Path(sys.executable).name}"
    assert not machine.calls_file.exists()


def test_it_is_run_each_time_since_the_world_changes(machine: Machine) -> None:
    _use(machine, *_python("open('runs', 'a').write('x'); print('done')"))

    for _ in range(3):
        assert machine.synapse("run", "count").out == b"done\n"

    assert (machine.work / "runs").read_text() == "xxx"


def test_it_is_run_once_where_the_route_says_that_answers_keep(machine: Machine) -> None:
    _use(machine, *_python("open('runs', 'a').write('x'); print('done')"), more="cache = true")

    for _ in range(3):
        assert machine.synapse("run", "count").out == b"done\n"

    assert (machine.work / "runs").read_text() == "x"


def test_a_command_that_says_no_is_an_error_with_its_own_words(machine: Machine) -> None:
    _use(machine, *_python("import sys; sys.exit('no such planet')"))

    done = machine.synapse("run", "count")

    assert (done.code, done.out) == (69, b"")
    assert "exited with 1: no such planet" in done.err


def test_a_fallback_answers_where_the_command_does_not(machine: Machine) -> None:
    _use(machine, "no-such-program-at-all", more='fallback = ["echo"]')

    done = machine.synapse("run", "--json", "count").json

    assert (done["answer"], done["exit_code"]) == ("a model's answer", 0)
    assert "cannot start" in done["attempts"][0]["reason"]


def test_a_path_is_found_from_the_folder_of_the_profile(machine: Machine) -> None:
    _use(machine, "./answer.sh")
    script = next(iter(machine.config.rglob("*.toml"))).parent / "answer.sh"
    script.write_text("#!/bin/sh\necho from beside the profile\n")
    script.chmod(0o755)

    assert machine.synapse("run", "count").out == b"from beside the profile\n"


def test_more_than_an_answer_is_none(machine: Machine) -> None:
    _use(machine, *_python("print('x' * 11_000_000)"))

    done = machine.synapse("run", "count")

    assert (done.code, done.out) == (69, b"")
    assert "more than 10 MB" in done.err


def test_a_strangers_command_waits_for_trust(machine: Machine) -> None:
    path = machine.work / "synapse.toml"
    path.write_text(PROFILE.format(argv=["touch", "ran"], more=""))

    done = machine.synapse("run", "count")

    assert done.code == 78
    assert "synapse trust" in done.err
    assert not (machine.work / "ran").exists()

"""`synapse good` and `synapse bad`, as a person and a script use them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.e2e.machine import ECHO, SYNAPSE, Machine
from tests.e2e.terminal import at_terminal


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.use(ECHO)
    return made


def test_a_bad_answer_is_not_given_again(machine: Machine) -> None:
    for _ in range(2):
        machine.synapse("run", "hello")
    machine.synapse("run", "--json", "hello")
    assert len(machine.calls) == 1

    said = machine.synapse("bad", "--json").json
    again = machine.synapse("run", "hello")
    machine.synapse("run", "hello")

    assert (said["verdict"], said["before"], said["dropped"]["answers"]) == ("bad", None, 1)
    assert said["dropped"]["memos"] == 1
    assert again.code == 0
    assert len(machine.calls) == 2


def test_a_good_answer_stays(machine: Machine) -> None:
    machine.synapse("run", "hello")
    said = machine.synapse("good")
    machine.synapse("run", "hello")

    assert (said.code, said.out, said.err) == (0, b"", "")
    assert len(machine.calls) == 1
    assert machine.synapse("stats", "--json").json["feedback"] == [
        {"model": "echo", "route": "default", "judged": 1, "good": 1, "good_ratio": 1.0}
    ]


def test_what_is_better_comes_from_a_file_or_a_pipe(machine: Machine) -> None:
    machine.synapse("run", "hello")
    machine.write("better.txt", "one\n")
    first = machine.synapse("bad", "--better", "better.txt", "--note", "too short")
    second = machine.synapse("bad", "last", "--better", "-", stdin="two\n")
    missing = machine.synapse("bad", "--better", "none.txt")

    shown = machine.synapse("log", "show").out.decode()
    assert (first.code, second.code, missing.code) == (0, 0, 66)
    assert "feedback    bad\n" in shown
    assert "better:\ntwo\n" in shown


def test_at_a_terminal_it_says_which_answer_was_meant(machine: Machine) -> None:
    machine.synapse("run", "hello there")

    shown = at_terminal(machine, [SYNAPSE, "bad"])

    assert 'echo · "hello there" · not given again from the cache' in "".join(shown.err)


def test_a_run_that_is_not_there_is_a_usage_error(machine: Machine) -> None:
    none = machine.synapse("good")
    machine.synapse("run", "hello")
    wrong = machine.synapse("good", "zzz")

    assert (none.code, "no run is recorded yet" in none.err) == (2, True)
    assert (wrong.code, "no run's id begins with 'zzz'" in wrong.err) == (2, True)


def test_the_table_that_is_learned_from_is_printed_and_counted(machine: Machine) -> None:
    assert "no answer was judged yet" in machine.synapse("log", "outcomes").err
    machine.synapse("run", "hello")
    machine.synapse("good")
    machine.write("rows.jsonl", '{"prompt": "x", "expected": "an answer"}\n{"prompt": "y", "expected": "no"}\n')
    assert machine.synapse("bench", "-m", "echo", "-f", "rows.jsonl", "--repeat", "1").code == 0

    rows = [json.loads(line) for line in machine.synapse("log", "outcomes").out.splitlines()]
    counted = machine.synapse("log", "outcomes", "--count").json

    assert sorted((row["prompt"], row["task"], row["outcomes"]["echo"]["score"]) for row in rows) == [
        ("hello", "default", 1.0),
        ("x", "-", 1.0),
        ("y", "-", 0.0),
    ]
    assert counted["prompts"] == 3
    assert [(each["source"], each["count"]) for each in counted["labels"]] == [("bench", 2), ("feedback", 1)]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs file modes")
def test_a_full_disk_costs_no_answer_and_says_that_nothing_was_kept(machine: Machine) -> None:
    machine.synapse("run", "hello")
    # What a process may write is bounded, as a full disk would.
    done = machine.shell("ulimit -f 8; synapse bad --note x; echo $?; ulimit -f 8; synapse run --json hello; echo $?")

    lines = done.out.decode().splitlines()
    assert lines[0] == "66"
    assert lines[-1] == "0"

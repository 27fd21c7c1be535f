"""`synapse log`: what was asked, decided and answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.machine import ECHO, Machine

TWO = (
    ECHO.replace(
        'replies = [{ match = "", text = "an answer" }]',
        'replies = [{ match = "fail", error = "server" }, { match = "", text = "an answer" }]',
    )
    + """[models.other]
backend = "scripted"
replies = [{ match = "", text = "\\u001b[31mred" }]
[routes.special]
when = { keywords = ["special"] }
use = "other"
"""
)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.use(TWO)
    return made


def _ids(machine: Machine, *arguments: str) -> list[str]:
    return [row["run_id"] for row in machine.synapse("log", *arguments, "--json").json]


def test_no_run_is_an_empty_list(machine: Machine) -> None:
    assert machine.synapse("log", "list", "--json").out == b"[]\n"
    listed = machine.synapse("log", "list")
    assert (listed.code, listed.out, listed.err) == (0, b"", "no run is recorded yet\n")
    last = machine.synapse("log", "last")
    assert (last.code, last.out) == (2, b"")
    assert "no run is recorded yet" in last.err


def test_runs_are_listed_filtered_shown_and_found(machine: Machine) -> None:
    first = machine.synapse("run", "an Invoice", "--json").json["run_id"]
    second = machine.synapse("run", "something special", "--json").json["run_id"]
    third = machine.synapse("run", "fail", "--json").json["run_id"]

    assert _ids(machine, "list") == [third, second, first]
    assert _ids(machine, "list", "-n", "1") == [third]
    assert _ids(machine, "list", "--route", "special") == [second]
    assert _ids(machine, "list", "-m", "echo") == [first]
    assert _ids(machine, "list", "--status", "failed") == [third]
    assert _ids(machine, "list", "--since", "1h", "--status", "accepted") == [second, first]
    assert _ids(machine, "search", "INVOICE") == [first]
    assert _ids(machine, "search", "an answer") == [first]

    lines = machine.synapse("log", "list", "--jsonl").out.splitlines()
    assert [json.loads(line)["run_id"] for line in lines] == [third, second, first]
    whole = machine.synapse("log", "show", second, "--json").json
    assert (whole["prompt"], whole["answer"], whole["decision"]["source"]) == (
        "something special",
        "\x1b[31mred",
        "rule",
    )
    assert machine.synapse("log", "last", "--json").json["run_id"] == third
    assert machine.synapse("log", "show", first[:-1], "--json").json["run_id"] == first


def test_a_pipe_gets_plain_fields_and_the_texts_verbatim(machine: Machine) -> None:
    machine.synapse("run", "something special")

    (row,) = [line.split("\t") for line in machine.synapse("log", "list").out.decode().splitlines()]
    shown = machine.synapse("log", "show").out

    assert len(row) == 8
    assert row[2:5] == ["accepted", "special", "other"]
    assert b"\nprompt:\nsomething special\n" in shown
    assert b"\nanswer:\n\x1b[31mred\n" in shown


def test_wrong_filters_are_usage_errors(machine: Machine) -> None:
    for arguments in (("--since", "3x"), ("--status", "fine"), ("-n", "-1")):
        done = machine.synapse("log", "list", *arguments)
        assert done.code == 2
        assert arguments[0].strip("-") in done.err


def test_an_id_that_nobody_has_is_a_usage_error(machine: Machine) -> None:
    machine.synapse("run", "hello")

    assert machine.synapse("log", "show", "zzz").code == 2
    assert machine.synapse("log", "show", "1").code in {0, 2}


def test_texts_can_be_left_out(machine: Machine) -> None:
    machine.use(TWO + "[ledger]\ntext = false\n")
    machine.synapse("run", "an Invoice")

    whole = machine.synapse("log", "show", "last", "--json").json
    shown = machine.synapse("log", "show").out.decode()

    assert (whole["prompt"], whole["answer"], len(whole["prompt_hash"])) == (None, None, 64)
    assert "prompt: not kept, only its hash" in shown
    assert _ids(machine, "search", "invoice") == []


def test_a_terminal_never_gets_a_model_s_escapes(machine: Machine) -> None:
    machine.synapse("run", "something special")

    shown = machine.process(["script", "-qec", "synapse log show; synapse log search red", "/dev/null"]).out

    assert b"red" in shown
    assert b"[31mred" in shown
    assert b"\x1b[31mred" not in shown

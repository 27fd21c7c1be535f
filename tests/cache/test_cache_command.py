"""`synapse cache`: what is kept, and how to be rid of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.machine import ECHO, Machine

CLIMB = (
    ECHO.replace('use = "echo"', 'use = "two"')
    + """[models.big]
backend = "scripted"
replies = [{ match = "", text = "a better answer" }]
[cascades.two]
tiers = ["echo", "big"]
accept = [{ kind = "regex", pattern = "better" }]
"""
)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.use(CLIMB)
    return made


def test_an_empty_cache_is_listed_as_one_and_not_made(machine: Machine) -> None:
    assert machine.synapse("cache", "list", "--json").out == b"[]\n"
    assert machine.synapse("cache", "list").err == "nothing is kept\n"
    assert machine.synapse("cache", "stats", "--json").json["answers"] == 0
    assert machine.synapse("cache", "clear").out == b"dropped 0 kept things\n"
    assert machine.synapse("cache", "prune").out == b"dropped 0 kept things\n"


def test_what_a_climb_left_is_listed_shown_and_cleared(machine: Machine) -> None:
    machine.synapse("run", "hello")

    rows = machine.synapse("cache", "list", "--json").json
    lines = [json.loads(line) for line in machine.synapse("cache", "list", "--jsonl").out.splitlines()]
    stats = machine.synapse("cache", "stats", "--json").json

    told = sorted((row["kind"], row["model"], row["text"]) for row in rows if row["kind"] == "answer")
    assert told == [("answer", "big", "a better answer"), ("answer", "echo", "an answer")]
    assert lines == rows
    assert {name: stats[name] for name in ("answers", "verdicts", "memos")} == {"answers": 2, "verdicts": 2, "memos": 1}
    assert stats["path"] == str(machine.cache)

    key = next(row["key"] for row in rows if row["model"] == "echo" and row["kind"] == "answer")
    shown = machine.synapse("cache", "show", key[:10])
    assert shown.code == 0
    assert b"an answer\n" in shown.out
    assert b"regex: " in shown.out

    assert machine.synapse("cache", "clear").out == b"dropped 5 kept things\n"
    assert machine.synapse("cache", "list", "--json").json == []


def test_a_pipe_gets_plain_fields(machine: Machine) -> None:
    machine.synapse("run", "hello")

    rows = [line.split("\t") for line in machine.synapse("cache", "list").out.decode().splitlines()]

    assert {len(row) for row in rows} == {7}
    assert all(row[5].isdigit() and "T" in row[3] for row in rows)


@pytest.mark.parametrize(("key", "message"), [("", "more than one key begins"), ("zz", "no key begins")])
def test_a_key_that_names_none_or_many_is_a_usage_error(machine: Machine, key: str, message: str) -> None:
    machine.synapse("run", "hello")

    done = machine.synapse("cache", "show", key)

    assert done.code == 2
    assert message in done.err


def test_a_damaged_cache_is_said_once_and_cleared(machine: Machine) -> None:
    machine.synapse("run", "hello", "--json")
    (machine.cache / "answers" / "cache.db").write_bytes(b"garbage" * 1000)

    done = machine.synapse("run", "hello", "--json")
    assert (done.code, done.json["answer"]) == (0, "a better answer")
    assert [line for line in done.lines if "synapse cache clear" in line] == done.lines
    assert len(done.lines) == 1

    assert machine.synapse("cache", "clear").code == 0
    assert machine.synapse("run", "hello", "--json").err == ""
    assert machine.synapse("run", "hello", "--json").json["cached"] is True


def test_the_folder_is_printed(machine: Machine) -> None:
    assert machine.synapse("cache", "path").out.decode() == f"{machine.cache}\n"

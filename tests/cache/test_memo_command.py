"""The memo through the real command: one row a run, nothing stale, nothing lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.machine import ECHO, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.use(ECHO)
    return made


def _sources(machine: Machine) -> list[str]:
    return [source for _, source in machine.runs]


def test_the_same_command_line_is_answered_from_the_memo(machine: Machine) -> None:
    first = machine.synapse("run", "hello", stdin="input")
    second = machine.synapse("run", "hello", stdin="input")
    other = machine.synapse("run", "hello", stdin="other input")

    assert first == second == other
    assert (first.code, first.out, first.err) == (0, b"an answer\n", "")
    assert _sources(machine) == ["default", "memo", "default"]
    assert len(machine.calls) == 2


def test_every_hit_is_a_run_of_its_own_in_the_ledger(machine: Machine) -> None:
    for _ in range(4):
        machine.synapse("run", "hello")

    rows = machine.ledger("SELECT id, memo_of, cost, exit_code, latency_s > 0 FROM runs ORDER BY rowid")
    first = rows[0][0]
    assert [row[1:] for row in rows] == [(None, "0", 0, 1), *[(first, "0", 0, 1)] * 3]
    assert len({row[0] for row in rows}) == 4


def test_no_stdin_at_a_first_run_is_not_taken_for_an_empty_one(machine: Machine) -> None:
    machine.synapse("run", "hello", stdin="first")

    machine.synapse("run", "hello", stdin="")
    machine.process(["bash", "-c", "synapse run hello <&-"])

    assert len(machine.calls) == 2  # with and without the text; an empty stdin and a closed one ask the same


@pytest.mark.parametrize(
    "change", ["profile", "nearer profile", "input", "match", "folder", "home", "variable", "clear"]
)
def test_a_change_is_noticed_by_the_command_too(machine: Machine, change: str) -> None:
    (machine.work / "in").mkdir()
    machine.write("in/a.txt", "first")
    arguments = ("run", "classify", "-f", "in/*.txt")
    for _ in range(2):
        machine.synapse(*arguments)
    assert _sources(machine) == ["default", "memo"]
    options: dict[str, object] = {}

    if change == "profile":
        machine.use(ECHO.replace("an answer", "another answer"))
    elif change == "nearer profile":
        machine.write(
            "synapse.toml", ECHO.replace('record = "~/calls.jsonl"\n', "").replace("an answer", "another answer")
        )
    elif change == "input":
        machine.write("in/a.txt", "other")
    elif change == "match":
        machine.write("in/b.txt", "second")
    elif change == "folder":
        os.rename(machine.work / "in", machine.home / "in")
        options = {"cwd": machine.home}
    elif change == "home":
        options = {"env": {"XDG_DATA_HOME": "/somewhere/else"}}
    elif change == "variable":
        options = {"env": {"SYNAPSE_DATA": "/nowhere"}}
    else:
        assert machine.synapse("cache", "clear").code == 0
    done = machine.synapse(*arguments, **options)

    assert _sources(machine)[2] != "memo"
    assert done.out == (b"another answer\n" if "profile" in change else b"an answer\n")


def test_a_memo_ends_with_the_answer_behind_it(machine: Machine) -> None:
    machine.use(ECHO + "[cache]\nttl = '1s'\n")
    machine.synapse("run", "hello")
    kept = machine.process(["python", "-c", "import time; time.sleep(1.1)"])

    machine.synapse("run", "hello")

    assert kept.code == 0
    assert _sources(machine) == ["default", "default"]
    assert len(machine.calls) == 2


@pytest.mark.parametrize("flag", ["--json", "-v", "--no-cache", "--refresh", "--no-log"])
def test_whatever_wants_more_than_the_answer_goes_the_long_way(machine: Machine, flag: str) -> None:
    machine.synapse("run", "hello", flag)
    machine.synapse("run", "hello", flag)

    assert "memo" not in _sources(machine)
    assert len(_sources(machine)) == (0 if flag == "--no-log" else 2)


def test_an_answer_that_did_not_pass_is_never_kept(machine: Machine) -> None:
    machine.use(
        ECHO.replace('use = "echo"', 'use = "strict"')
        + '[cascades.strict]\ntiers = ["echo"]\naccept = [{ kind = "regex", pattern = "^yes$" }]\n'
    )

    codes = [machine.synapse("run", "hello").code for _ in range(2)]

    assert codes == [65, 65]
    assert _sources(machine) == ["default", "default"]


def test_a_reader_that_went_away_is_141_and_recorded(machine: Machine) -> None:
    machine.says("x" * 200_000)
    machine.synapse("run", "hello")

    done = machine.shell("synapse run hello | true; exit ${PIPESTATUS[0]}")

    assert (done.code, done.err) == (141, "")
    assert machine.runs[1] == (141, "memo")


def test_a_ledger_that_cannot_be_written_costs_no_answer(machine: Machine) -> None:
    machine.synapse("run", "hello")
    (machine.state / "ledger.sqlite3").write_bytes(b"garbage" * 1000)

    done = machine.synapse("run", "hello")

    assert (done.code, done.out) == (0, b"an answer\n")
    assert len(done.lines) == 1
    assert "a new one was begun" in done.err


def test_files_of_the_user_are_for_the_user_only(machine: Machine) -> None:
    for _ in range(2):
        machine.shell("umask 0; synapse run hello; synapse run other")

    folders = [machine.cache, machine.state]
    found = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    open_to_others = [str(path) for path in found if path.stat().st_mode & 0o077]
    assert len(found) >= 6
    assert open_to_others == []

"""What is kept is a help and never a condition: without cache, ledger or any place to write, the answer still comes."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.machine import ECHO, Machine

_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2


def obey_modes() -> None:
    """Run in the child of a root user, so that file modes bind it as they bind everybody else."""
    if os.getuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
            assert libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0


def no_room() -> None:
    """Run in the child: no file may grow, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def little_room() -> None:
    """Run in the child: no file may grow past what an empty database needs."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def answers(machine: Machine, *, warnings: int, **options: object) -> list[str]:
    """Ask twice; both answers arrive whole, and each run says in this many lines what it could not keep."""
    said: list[str] = []
    for _ in range(2):
        done = machine.synapse("run", "hello", **options)
        assert (done.code, done.out) == (0, b"an answer\n"), done.err
        assert len(done.lines) == warnings, done.err
        assert all(line.startswith("synapse: warning: ") for line in done.lines)
        said += done.lines
    return said


def read_only(folder: Path) -> Callable[[], None]:
    """Take the right to write away from a folder and what is in it; the result gives it back."""
    places = [folder, *folder.rglob("*")]
    modes = {place: place.stat().st_mode & 0o7777 for place in places}
    for place in places:
        place.chmod(modes[place] & ~0o222)

    def give_back() -> None:
        for place, mode in modes.items():
            place.chmod(mode)

    return give_back


def test_a_home_that_cannot_be_written_still_gets_an_answer(machine: Machine) -> None:
    machine.use(ECHO.replace("record", "# record"))
    give_back = read_only(machine.home)

    said = answers(machine, warnings=1, preexec_fn=obey_modes)
    give_back()

    assert sorted(path.name for path in machine.home.iterdir()) == [".config"]
    assert all("the ledger " in line and "the cache " in line for line in said)


def test_kept_answers_are_still_given_where_nothing_can_be_written_any_more(machine: Machine) -> None:
    machine.use(ECHO)
    machine.synapse("run", "hello")
    give_back = read_only(machine.home)

    memo = machine.synapse("run", "hello", preexec_fn=obey_modes)
    cached = machine.synapse("run", "--json", "hello", preexec_fn=obey_modes)
    give_back()

    assert (memo.code, memo.out) == (0, b"an answer\n")
    assert len(memo.lines) == 1
    assert "ledger" in memo.lines[0]
    assert cached.json["answer"] == "an answer"
    assert len(machine.calls) == 1


def test_a_home_that_is_not_there_still_gets_an_answer(machine: Machine) -> None:
    profile = machine.write("p.toml", ECHO.replace("record", "# record"))
    env = {"HOME": "/nonexistent/home", "SYNAPSE_PROFILE": str(profile)}

    done = machine.synapse("run", "hello", env=env, preexec_fn=obey_modes)

    assert (done.code, done.out) == (0, b"an answer\n")


@pytest.mark.parametrize("place", ["cache", "state"])
def test_a_folder_that_is_a_file_costs_one_line(machine: Machine, place: str) -> None:
    machine.use(ECHO)
    folder = getattr(machine, place)
    folder.parent.mkdir(parents=True)
    folder.write_text("a file")

    said = answers(machine, warnings=1)

    assert {"cache": "cache", "state": "ledger"}[place] in said[0]
    assert folder.read_text() == "a file"
    assert len(machine.runs) == (2 if place == "cache" else 0)


@pytest.mark.parametrize("damage", ["garbage", "truncated", "a folder", "no permission"])
def test_a_damaged_cache_costs_one_line_and_the_call(machine: Machine, damage: str) -> None:
    machine.use(ECHO)
    machine.synapse("run", "hello")
    (path,) = machine.cache.rglob("cache.db")
    whole = path.read_bytes()
    machine.shell(f"rm -rf {machine.cache}/memo-1.sqlite3 {path.parent}/*")
    if damage == "a folder":
        path.mkdir()
    else:
        path.write_bytes(whole[: len(whole) // 3] if damage == "truncated" else b"not a database" * 100)
        path.chmod(0o000 if damage == "no permission" else 0o600)

    done = machine.synapse("run", "--json", "hello", preexec_fn=obey_modes)

    assert (done.code, done.json["answer"]) == (0, "an answer"), done.err
    assert len(done.lines) == 1
    assert "cache" in done.lines[0]
    assert len(done.json["warnings"]) == 1
    assert len(machine.runs) == 2


@pytest.mark.parametrize("damage", ["a folder", "no permission", "another's tables"])
def test_what_is_no_ledger_costs_one_line(machine: Machine, damage: str) -> None:
    machine.use(ECHO)
    machine.synapse("run", "hello")
    path = machine.state / "ledger.sqlite3"
    whole = path.read_bytes()
    machine.shell(f"rm -rf {path}*")
    if damage == "a folder":
        path.mkdir()
    elif damage == "another's tables":
        sqlite3.connect(path).execute("CREATE TABLE runs (id)").connection.close()
    else:
        path.write_bytes(whole)
        path.chmod(0o000)

    said = answers(machine, warnings=1, preexec_fn=obey_modes)

    assert all("ledger" in line and str(path) in line for line in said)


@pytest.mark.parametrize("damage", ["garbage", "truncated"])
def test_a_damaged_ledger_is_set_aside_which_is_said_once(machine: Machine, damage: str) -> None:
    machine.use(ECHO)
    machine.synapse("run", "hello")
    path = machine.state / "ledger.sqlite3"
    content = path.read_bytes()[:20_000] if damage == "truncated" else b"not a database" * 100
    machine.shell(f"rm -rf {path}*")
    path.write_bytes(content)

    (line,) = machine.synapse("run", "hello").lines
    assert answers(machine, warnings=0) == []

    (aside,) = machine.state.glob("ledger.sqlite3.damaged-*")
    assert aside.read_bytes() == content
    assert (str(path) in line, str(aside) in line) == (True, True)
    assert len(machine.runs) == 3


def test_a_ledger_of_a_newer_version_is_left_alone_and_can_be_read(machine: Machine) -> None:
    machine.use(ECHO)
    machine.synapse("run", "hello")
    path = machine.state / "ledger.sqlite3"
    book = sqlite3.connect(path)
    book.execute("PRAGMA user_version = 99")
    book.close()

    said = answers(machine, warnings=1)
    listed = machine.synapse("log", "list", "--json")

    assert all("newer Synapse" in line for line in said)
    assert len(machine.runs) == 1
    assert listed.code == 0
    assert len(listed.json) == 1


@pytest.mark.parametrize("room", [no_room, little_room])
def test_a_full_disk_costs_no_answer(machine: Machine, room: Callable[[], None]) -> None:
    machine.use(ECHO.replace("record", "# record"))

    for _ in range(3):
        done = machine.synapse("run", "hello", preexec_fn=room)
        assert (done.code, done.out) == (0, b"an answer\n"), done.err
        assert all(line.startswith("synapse: warning: ") for line in done.lines)
        assert len(done.lines) == 1


def test_a_disk_that_filled_up_later_costs_no_answer_and_harms_nothing(machine: Machine) -> None:
    machine.use(ECHO.replace("record", "# record"))
    machine.synapse("run", "hello")

    full = machine.synapse("run", "another", preexec_fn=no_room)
    memo = machine.synapse("run", "hello", preexec_fn=no_room)
    after = machine.synapse("run", "third")

    assert (full.code, full.out) == (memo.code, memo.out) == (0, b"an answer\n")
    assert len(memo.lines) == 1
    assert (after.code, after.out, after.err) == (0, b"an answer\n", "")
    assert machine.ledger("PRAGMA integrity_check") == [("ok",)]


def test_a_full_disk_under_the_output_file_keeps_the_old_one(machine: Machine) -> None:
    machine.use(ECHO)
    target = machine.write("out.txt", "as it was")

    done = machine.synapse("run", "--no-cache", "--no-log", "-o", "out.txt", "hello", preexec_fn=no_room)

    assert done.code == 66
    assert "cannot write" in done.err
    assert target.read_text() == "as it was"
    assert os.listdir(machine.work) == ["out.txt"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"of": 1, "profile": 2}', "\x00\x01"])
def test_a_damaged_compiled_profile_is_made_anew_in_silence(machine: Machine, content: str) -> None:
    machine.use(ECHO)
    machine.synapse("run", "hello")
    (kept,) = (machine.cache / "profiles").glob("*.json")
    whole = json.loads(kept.read_bytes())
    kept.write_text(content)

    done = machine.synapse("run", "--json", "hello")

    assert (done.code, done.json["answer"], done.err) == (0, "an answer", "")
    assert json.loads(kept.read_bytes())["profile"] == whole["profile"]


def test_files_and_folders_are_private_from_the_start(machine: Machine) -> None:
    machine.use(ECHO)

    machine.shell("umask 000; synapse run hello; synapse run --json again; synapse trust --list")

    kept = [*machine.cache.rglob("*"), *machine.state.rglob("*"), machine.cache, machine.state]
    assert {path.name: oct(path.stat().st_mode & 0o077) for path in kept if path.stat().st_mode & 0o077} == {}
    assert len(kept) >= 6


@pytest.mark.parametrize("broken", ["read-only", "files for folders", "damaged files"])
def test_no_command_meets_a_broken_home_with_more_than_a_line(machine: Machine, broken: str) -> None:
    machine.use(ECHO.replace("record", "# record"))
    project = machine.write("synapse.toml", ECHO)
    machine.synapse("trust", "--yes")
    machine.synapse("run", "hello")
    machine.synapse("run", "--json", "hello")
    give_back = _broken(machine, broken)

    for command in (
        "run hello",
        "explain hello",
        "key hello",
        "models list",
        f"trust --yes {project}",
        f"trust --remove {project}",
        "trust --list",
        "profile list",
        "profile check",
        "profile use demo",
        "init --force",
        "cache stats",
        "cache list",
        "cache prune",
        "cache clear",
        "log list",
        "log last",
        "log show last",
        "log search hello",
        "completions install bash",
        "paths",
    ):
        done = machine.synapse(*command.split(), preexec_fn=obey_modes)
        assert done.code not in {1, 130}, f"{command}: {done.err}"
        assert "Traceback" not in done.err, command
        assert len([line for line in done.lines if ": hint: " not in line]) <= 4, f"{command}: {done.err}"
    give_back()


def _broken(machine: Machine, how: str) -> Callable[[], None]:
    if how == "read-only":
        return read_only(machine.home)
    if how == "files for folders":
        for folder in (machine.cache, machine.state, machine.config, machine.home / ".local" / "share"):
            machine.shell(f"rm -rf {folder}")
            folder.write_text("a file")
    else:
        for file in [*machine.cache.rglob("*"), *machine.state.rglob("*"), machine.config / "trusted.json"]:
            if file.is_file():
                file.write_bytes(b"not what it was" * 100)
    return lambda: None

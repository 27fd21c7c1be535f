"""The file of what all processes know together: private, safe to lose, and never an obstacle."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from synapse_cli.cascade.pace_file import FILE, STEPS, PaceFile, PaceLost, Provider
from synapse_cli.core import database
from synapse_cli.core.processes import holder, is_gone
from tests.resilience.shared import Watched


def _count(pace: PaceFile) -> int:
    return pace.within(lambda file: int(file.execute("SELECT count(*) FROM salt").fetchone()[0]), otherwise=-1)


def test_it_is_made_on_first_use_and_for_its_owner_only(tmp_path: Path) -> None:
    pace = PaceFile(tmp_path / "state", warn=pytest.fail)
    before = os.path.exists(pace.path)

    with pace.transaction() as file:
        salts = file.execute("SELECT length(bytes) FROM salt").fetchall()

    assert not before
    assert salts == [(32,)]
    assert stat.S_IMODE(os.stat(pace.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "state").st_mode) == 0o700


def test_what_fails_in_a_transaction_leaves_no_half_of_it(tmp_path: Path) -> None:
    pace = PaceFile(tmp_path, warn=pytest.fail)

    def fail(file: sqlite3.Connection) -> None:
        file.execute("INSERT INTO salt VALUES (x'00')")
        raise KeyError

    with pytest.raises(KeyError):
        pace.within(fail, None)

    assert _count(pace) == 1


def test_a_file_that_is_damaged_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database" * 1000)

    assert _count(PaceFile(tmp_path, warn=pytest.fail)) == 1


def test_a_file_of_an_older_schema_gets_what_it_lacks_and_keeps_what_it_has(tmp_path: Path) -> None:
    older = database.connect(str(tmp_path / FILE), STEPS[0], 1, wal=False)
    older.execute("INSERT INTO retries VALUES ('openai', '', 7.0, 0.0)")
    older.close()

    with PaceFile(tmp_path, warn=pytest.fail).transaction() as file:
        kept = file.execute("SELECT tokens FROM retries").fetchall()
        version = database.version_of(file)

    assert kept == [(7.0,)]
    assert version == len(STEPS)


def test_where_it_cannot_be_all_are_admitted_and_it_is_said_once(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    watched = Watched(blocked)

    watched.fails(9)

    assert watched.refuses() == ""
    assert len(watched.warned) == 1
    assert FILE in watched.warned[0]
    with pytest.raises(PaceLost), watched.pace.transaction():
        pass


def test_a_file_that_is_lost_under_way_is_an_obstacle_to_nobody(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.fails(3)
    watched.pace.close()
    Path(watched.pace.path).unlink()

    assert watched.refuses() == ""
    assert watched.warned == []


def test_an_address_is_kept_without_what_is_secret_in_it() -> None:
    bare = Provider("openai", "https://h:8080/v1")

    assert Provider.of("openai", "https://me:secret@h:8080/v1/?key=1#x") == bare
    assert Provider.of("openai", None) == Provider("openai", "")


def test_processes_write_one_after_the_other_and_lose_nothing(tmp_path: Path) -> None:
    script = (
        "import sys; from tests.resilience.shared import *\n"
        "w = Watched(Path(sys.argv[1]))\nfor _ in range(50): w.answers()\nassert not w.warned"
    )

    started = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(4)]

    assert [process.wait() for process in started] == [0] * 4
    assert Watched(tmp_path).circuit.calls == 200


def test_a_process_is_known_by_more_than_a_number_that_is_used_again() -> None:
    ours = holder()
    machine, pid, _ = ours.split(" ")
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)

    assert not is_gone(ours)
    assert is_gone(f"{machine} {pid} 1")
    assert is_gone(f"{machine} {int(ended.stdout)} -")
    assert not is_gone(f"elsewhere {int(ended.stdout)} 1")
    assert is_gone("nobody wrote this")

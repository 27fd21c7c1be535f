"""A ledger of any age: older ones are brought up with a copy beside them, newer ones are read and left alone."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from synapse_cli.core.errors import InputError
from synapse_cli.ledger import reading, schema
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.feedback import Feedback, give
from synapse_cli.ledger.reading import Filter
from synapse_cli.ledger.row import insert_memo_run
from synapse_cli.ledger.totals import totals
from synapse_cli.profile.settings import LedgerSettings
from tests.ledger.stories import begin, climbed, run

ROOT = Path(__file__).parents[2]
NEXT = (*schema.STEPS, "ALTER TABLE runs ADD note TEXT; CREATE TABLE notes (text TEXT)")
BROKEN = (*schema.STEPS, "CREATE TABLE notes (text TEXT); CREATE TABLE runs (again TEXT)")


def _old(folder: Path) -> str:
    book = Book(folder, LedgerSettings(), warn=pytest.fail)
    book.record(run())
    book.close()
    return book.path


def _tables(path: str) -> tuple[int, set[str]]:
    with closing(sqlite3.connect(path)) as database:
        names = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return database.execute("PRAGMA user_version").fetchone()[0], names


def test_an_older_one_is_migrated_with_a_copy_beside_it(tmp_path: Path) -> None:
    path = _old(tmp_path)

    schema.opened(path, NEXT).close()

    now = len(schema.STEPS)
    backup = Path(f"{path}.v{now}.bak")
    assert _tables(path)[0] == now + 1
    assert "notes" in _tables(path)[1]
    assert _tables(str(backup))[0] == now
    assert "notes" not in _tables(str(backup))[1]
    assert backup.stat().st_mode & 0o777 == 0o600
    assert [row["run_id"] for row in reading.runs(path, Filter(), 0)] == [run().run_id]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = _old(tmp_path)

    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        schema.opened(path, BROKEN)

    assert _tables(path)[0] == len(schema.STEPS)
    assert "notes" not in _tables(path)[1]


def test_an_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    (tmp_path / schema.FILE).touch()

    assert len(reading.runs(_old(tmp_path), Filter(), 0)) == 1
    assert list(tmp_path.glob("*.bak")) == []


def test_a_newer_one_is_said_in_one_line_and_left_alone(tmp_path: Path) -> None:
    path = _old(tmp_path)
    schema.opened(path, NEXT).close()
    warnings: list[str] = []
    book = Book(tmp_path, LedgerSettings(), warn=warnings.append)

    begin(book, "1", 0.0)
    book.record(run(1))
    book.close()
    told = insert_memo_run(path, {}, 0.0, 0.0, 0)

    assert len(warnings) == 1
    assert "newer Synapse" in warnings[0]
    assert told == warnings[0]
    assert [row["run_id"] for row in reading.runs(path, Filter(), 0)] == [run().run_id]


def test_a_ledger_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / schema.FILE
    path.write_bytes(b"garbage" * 1000)

    with pytest.raises(InputError, match="cannot be read"):
        reading.runs(str(path), Filter(), 0)


def test_no_ledger_at_all_is_an_empty_one_and_is_not_made(tmp_path: Path) -> None:
    assert reading.runs(str(tmp_path / "none"), Filter(), 0) == []
    assert list(tmp_path.iterdir()) == []


def _first_version(folder: Path, runs: int) -> str:
    """A ledger as the first version left it, its rows those of today without what came later."""
    path = str(folder / schema.FILE)
    with closing(schema.opened(path, schema.STEPS[:1])) as old, closing(_filled(folder / "new", runs)) as new:
        for table in ("runs", "decisions", "attempts", "escalations", "blobs"):
            columns = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
            rows = new.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
            old.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)
    return path


def _filled(folder: Path, runs: int) -> sqlite3.Connection:
    book = Book(folder, LedgerSettings(), warn=pytest.fail)
    for number in range(runs):
        book.record(climbed(number) if number % 3 else run(number, prompt=f"question {number}"), is_last=False)
    book.close()
    return sqlite3.connect(book.path)


def test_what_the_first_version_held_is_summed_up_when_somebody_asks(tmp_path: Path) -> None:
    path = _first_version(tmp_path, 50)
    fresh = totals(str(tmp_path / "new" / schema.FILE), by=("day", "model", "outcome"))
    left: list[int] = []

    told = totals(path, by=("day", "model", "outcome"), say=left.append)

    assert told == fresh
    assert sum(row.runs for row in told) == 50
    assert left == [0]
    assert totals(path, by=("day", "model", "outcome")) == fresh
    assert Path(path + ".v1.bak").exists()


def test_what_the_first_version_held_is_summed_up_a_little_with_each_run(tmp_path: Path) -> None:
    path = _first_version(tmp_path, 50)
    book = Book(tmp_path, LedgerSettings(), warn=pytest.fail)

    for number in range(100, 104):
        book.record(run(number))

    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM runs WHERE NOT booked").fetchone() == (0,)
    assert [row.runs for row in totals(path)] == [54]


def test_a_ledger_of_the_first_version_that_cannot_be_written_is_read_all_the_same(tmp_path: Path) -> None:
    path = _first_version(tmp_path, 5)
    code = (
        "import os, sys, urllib.parse\n"
        "from synapse_cli.ledger import reading\n"
        "os.getuid() == 0 and os.setuid(65534)\n"
        "print(len(reading.runs(sys.argv[1], reading.Filter(), 0)))\n"
    )
    os.chmod(path, 0o444)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        os.chmod(folder, 0o555 if folder == tmp_path else folder.stat().st_mode | 0o055)

    done = subprocess.run([sys.executable, "-c", code, path], check=False, capture_output=True, text=True, cwd=ROOT)
    os.chmod(tmp_path, 0o755)

    assert (done.stdout, done.stderr) == ("5\n", "")
    assert not Path(path + ".v1.bak").exists()


def test_one_of_the_second_version_gets_what_people_say(tmp_path: Path) -> None:
    path = str(tmp_path / schema.FILE)
    with closing(schema.opened(path, schema.STEPS[:2])) as old:
        old.execute(
            "INSERT INTO runs (id, started, command, version, exit_code, answer) VALUES ('1', 0, 'run', '', 0, 'a')"
        )
        old.execute("INSERT INTO decisions VALUES ('1', 'mail', 'why', 'rule', NULL, '[]', 0, 0, 0)")

    judged = give(path, "1", Feedback(good=False), 1.0)
    told = reading.run(path, "1", 2.0)

    assert (judged.route, judged.before) == ("mail", None)
    assert told["feedback"] is not None
    assert told["decision"] == {
        "route": "mail",
        "why": "why",
        "source": "rule",
        "confidence": None,
        "runners_up": [],
        "cost_usd": None,
        "score": None,
        "policy": None,
    }
    assert _tables(path + ".v2.bak")[0] == 2

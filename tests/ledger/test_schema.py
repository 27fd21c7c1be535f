"""A ledger of any age: older ones are brought up with a copy beside them, newer ones are read and left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from synapse_cli.core.errors import InputError
from synapse_cli.ledger import reading, schema
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.reading import Filter
from synapse_cli.ledger.row import insert_memo_run
from synapse_cli.profile.model import LedgerSettings
from tests.ledger.stories import begin, run

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

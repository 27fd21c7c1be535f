"""Many processes at one ledger, and one that is killed: no row is lost, no file is damaged."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WRITERS, ROWS = 8, 25
_WRITE = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.row import insert_memo_run
from synapse_cli.profile.settings import LedgerSettings
from tests.ledger.stories import begin, run
folder, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(first, first + count):
    book = Book(folder, LedgerSettings(), warn=lambda line: sys.exit(line))
    story = run(number, prompt=f"question {{number}}")
    begin(book, story.run_id, story.started)
    book.record(story)
    if number % 2:
        book.close()  # half of them leave the connection to the end of the process, as a crash would
    if number % 5 == 0:
        told = insert_memo_run(book.path, {{"run": story.run_id}}, story.started, 0.0, 0)
        told and sys.exit(told)
    print(number, flush=True)
"""


def _writer(folder: Path, first: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _WRITE, str(folder), str(first), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _database(folder: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(folder / "ledger.sqlite3"))


def test_eight_processes_at_once_lose_no_row(tmp_path: Path) -> None:
    writers = [_writer(tmp_path / "state", number * ROWS, ROWS) for number in range(WRITERS)]

    errors = [writer.communicate(timeout=120)[1] for writer in writers]

    assert errors == [""] * WRITERS
    with _database(tmp_path / "state") as database:
        assert database.execute("SELECT count(*) FROM runs WHERE memo_of IS NULL").fetchone() == (WRITERS * ROWS,)
        assert database.execute("SELECT count(*) FROM runs WHERE memo_of IS NOT NULL").fetchone() == (40,)
        assert database.execute("SELECT count(*) FROM attempts").fetchone() == (WRITERS * ROWS,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert sorted(path.name for path in (tmp_path / "state").iterdir() if "." in path.suffix)[:1] == ["ledger.sqlite3"]


def test_a_process_killed_in_the_middle_damages_nothing(tmp_path: Path) -> None:
    writer = _writer(tmp_path, 0, 100_000)
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(10)]
    time.sleep(0.02)
    os.kill(writer.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    writer.communicate(timeout=30)

    with _database(tmp_path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ended = database.execute("SELECT count(*) FROM runs WHERE exit_code = 0 AND memo_of IS NULL").fetchone()[0]
        begun = database.execute("SELECT count(*) FROM runs WHERE exit_code IS NULL").fetchone()[0]
        half = database.execute(
            "SELECT count(*) FROM runs WHERE exit_code = 0 AND memo_of IS NULL AND id NOT IN (SELECT run FROM attempts)"
        ).fetchone()[0]
    assert len(said) == 10
    assert ended >= 10
    assert begun <= 1
    assert half == 0
    assert _writer(tmp_path, 200_000, 3).communicate(timeout=30)[1] == ""


@pytest.mark.skipif(not hasattr(os, "kill") or sys.platform == "win32", reason="needs a kill that cannot be caught")
def test_a_run_that_was_killed_is_in_doubt(tmp_path: Path) -> None:
    code = (
        f"import sys, os; sys.path.insert(0, {str(ROOT)!r})\n"
        "from synapse_cli.ledger.book import Book\n"
        "from synapse_cli.profile.settings import LedgerSettings\n"
        "from tests.ledger.stories import begin\n"
        "import time\n"
        "begin(Book(sys.argv[1], LedgerSettings(), warn=print), '1killed', time.time())\n"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, capture_output=True)

    from synapse_cli.ledger import reading

    (row,) = reading.runs(str(tmp_path / "ledger.sqlite3"), reading.Filter(), time.time())
    assert done.returncode == -9
    assert (row["run_id"], row["status"]) == ("1killed", "in doubt")


def test_a_full_disk_warns_and_costs_nothing_else(tmp_path: Path) -> None:
    code = (
        f"import sys, resource; sys.path.insert(0, {str(ROOT)!r})\n"
        "from synapse_cli.ledger.book import Book\n"
        "from synapse_cli.profile.settings import LedgerSettings\n"
        "from tests.ledger.stories import run\n"
        "book = Book(sys.argv[1], LedgerSettings(), warn=print)\n"
        "book.record(run(0))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))\n"
        "import os\n"
        "for number in range(1, 9): book.record(run(number, prompt=os.urandom(50_000).hex()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    assert "cannot be written" in done.stdout
    with _database(tmp_path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM runs").fetchone()[0] >= 1

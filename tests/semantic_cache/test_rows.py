"""The file of prompts: many processes at once, killed ones, damage, and an end to its growth."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from synapse_cli.cache import semantic_rows
from synapse_cli.cache.semantic_index import pack
from synapse_cli.cache.semantic_rows import FILE, Rows

ROOT = Path(__file__).parents[2]
SCOPE = b"s" * 16
VECTOR = pack([0.5, -0.5] * 32)
WRITERS, PROMPTS = 8, 15
_USE = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from synapse_cli.cache.semantic_index import pack
from synapse_cli.cache.semantic_rows import Rows
rows = Rows(sys.argv[1], most_bytes=10**9, warn=sys.exit)
number = int(sys.argv[2]) * 1000
while number % 1000 < int(sys.argv[3]):
    rows.put(b"s" * 16, f"key{{number}}", f"prompt {{number}}", pack([0.5, -0.5] * 32), kept=time.time(), expires=None)
    assert rows.after(b"s" * 16, 0)
    number += 1
    print(number, flush=True)
"""


def _rows(folder: Path, said: list[str], most_bytes: int = 10**9) -> Rows:
    return Rows(str(folder), most_bytes=most_bytes, warn=said.append)


def _put(rows: Rows, number: int, prompt: str = "") -> None:
    rows.put(SCOPE, f"key{number}", prompt or f"prompt {number}", VECTOR, kept=time.time(), expires=None)


def test_eight_processes_at_once_lose_nothing_and_say_nothing(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", _USE, str(tmp_path), str(number), str(PROMPTS)] for number in range(WRITERS)]
    running = [subprocess.Popen(each, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for each in commands]

    told = [process.communicate(timeout=120)[1] for process in running]

    assert told == [""] * WRITERS
    said: list[str] = []
    rows = _rows(tmp_path, said)
    assert len(list(rows.everything())) == WRITERS * PROMPTS
    assert said == []


def test_a_process_that_is_killed_leaves_whole_prompts_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _USE, str(tmp_path), "1", "900"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(10):
            process.stdout.readline()
        process.kill()
    said: list[str] = []
    rows = _rows(tmp_path, said)

    entries = list(rows.everything())
    _put(rows, 1)

    assert len(entries) >= 10
    assert rows.count() == len(entries) + 1
    assert said == []


def test_a_row_that_somebody_changed_is_not_believed(tmp_path: Path) -> None:
    rows = _rows(tmp_path, [])
    _put(rows, 1)
    _put(rows, 2)
    with sqlite3.connect(tmp_path / FILE) as file:
        file.execute("UPDATE entries SET prompt = 'another' WHERE key = 'key1'")

    assert [entry.key for entry in rows.everything()] == ["key2"]
    assert [entry.key for entry in rows.entries([1, 2, 3])] == ["key2"]


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database " * 1000)
    said: list[str] = []
    rows = _rows(tmp_path, said)

    _put(rows, 1)

    assert rows.count() == 1
    assert said == []


def test_a_folder_that_cannot_be_written_is_told_once_and_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    rows = _rows(tmp_path / "file" / "below", said)

    _put(rows, 1)
    _put(rows, 2)

    assert rows.after(SCOPE, 0) == []
    assert len(said) == 1
    assert "going on without the semantic cache" in said[0]


def test_the_oldest_go_where_room_ends(tmp_path: Path) -> None:
    said: list[str] = []
    rows = _rows(tmp_path, said, most_bytes=150_000)
    for number in range(400):
        _put(rows, number, "word " * 100)

    kept = [entry.key for entry in rows.everything()]

    assert 50 < len(kept) < 390
    assert kept[0] == "key399"
    assert kept == [f"key{number}" for number in range(399, 399 - len(kept), -1)]
    assert (tmp_path / FILE).stat().st_size < 250_000
    assert said == []


def test_the_same_key_is_kept_once_and_its_number_is_new(tmp_path: Path) -> None:
    rows = _rows(tmp_path, [])
    _put(rows, 1)
    _put(rows, 1, "again")

    assert [(entry.id, entry.prompt) for entry in rows.everything()] == [(2, "again")]


def test_clearing_drops_prompts_and_indexes_and_reading_makes_no_file(tmp_path: Path) -> None:
    assert _rows(tmp_path, []).count() == 0
    assert list(tmp_path.iterdir()) == []
    rows = _rows(tmp_path, [])
    _put(rows, 1)
    (tmp_path / "similar").mkdir()
    rows.close()

    assert semantic_rows.clear(str(tmp_path)) == 1
    assert list(tmp_path.iterdir()) == []

"""Hashes of files, remembered only as long as a file's stat proves its content."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from pathlib import Path

import pytest

from synapse_cli.core.files import file_sha256

OLD = 1_000_000_000.0


def _aged(path: Path, text: str) -> Path:
    """A file whose times say that it is old; its ctime cannot be set back, so that is waited for elsewhere."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, (OLD, OLD))
    return path


def _remember(folder: Path, path: Path, sha256: str, *, whole: bool = True) -> None:
    """Make the memory hold a hash for this very stat, as it would after two seconds."""
    status = path.stat()
    with sqlite3.connect(folder / "hashes.sqlite3") as memory:
        row = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, sha256)
        proof = hashlib.blake2b(repr(row).encode(), digest_size=16).digest() if whole else b"torn"
        memory.execute("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, 0.0, proof))
    memory.close()


def _remembered(folder: Path) -> int:
    memory = sqlite3.connect(folder / "hashes.sqlite3")
    count: int = memory.execute("SELECT count(*) FROM hashes").fetchone()[0]
    memory.close()
    return count


def test_it_is_the_hash_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(b"x" * 3_000_001)

    assert file_sha256(path, str(tmp_path / "c")) == hashlib.sha256(b"x" * 3_000_001).hexdigest()


def test_a_known_stat_is_not_hashed_again(tmp_path: Path) -> None:
    path = _aged(tmp_path / "model", "weights")
    file_sha256(path, str(tmp_path))
    _remember(tmp_path, path, "remembered")

    assert file_sha256(path, str(tmp_path)) == "remembered"


def test_a_row_that_does_not_prove_itself_is_not_believed(tmp_path: Path) -> None:
    path = _aged(tmp_path / "model", "weights")
    file_sha256(path, str(tmp_path))
    _remember(tmp_path, path, "torn", whole=False)

    assert file_sha256(path, str(tmp_path)) == hashlib.sha256(b"weights").hexdigest()


@pytest.mark.parametrize("change", ["content", "time", "size"])
def test_another_stat_is_hashed_again(tmp_path: Path, change: str) -> None:
    path = _aged(tmp_path / "model", "weights")
    file_sha256(path, str(tmp_path))
    _remember(tmp_path, path, "remembered")

    text = {"content": "WEIGHTS", "time": "weights", "size": "weights!"}[change]
    _aged(path, text)  # the same mtime again: what gives it away is its ctime
    if change == "time":
        os.utime(path, (OLD + 1, OLD + 1))

    assert file_sha256(path, str(tmp_path)) == hashlib.sha256(text.encode()).hexdigest()


def test_a_file_that_changed_just_now_is_not_remembered(tmp_path: Path) -> None:
    path = _aged(tmp_path / "model", "weights")

    file_sha256(path, str(tmp_path))

    assert _remembered(tmp_path) == 0


def test_a_file_that_is_old_enough_is_remembered(tmp_path: Path) -> None:
    file_sha256(Path(os.__file__), str(tmp_path))

    assert _remembered(tmp_path) == 1


def test_the_memory_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    file_sha256(_aged(tmp_path / "model", "weights"), str(folder))

    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "hashes.sqlite3").stat().st_mode & 0o777 == 0o600


def test_a_damaged_memory_costs_time_once_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "hashes.sqlite3").write_bytes(b"not a database at all" * 100)
    path = Path(os.__file__)

    assert file_sha256(path, str(tmp_path)) == file_sha256(path, str(tmp_path))
    assert _remembered(tmp_path) == 1


def test_a_memory_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    assert len(file_sha256(_aged(tmp_path / "model", "weights"), str(tmp_path / "file"))) == 64


def test_what_is_no_regular_file_is_refused_without_opening_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            file_sha256(path, str(tmp_path))
    with pytest.raises(FileNotFoundError):
        file_sha256(tmp_path / "nothing", str(tmp_path))

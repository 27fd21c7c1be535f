"""The cache on disk: private, without pickles, and never worth an answer."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from synapse_cli.cache import exact
from synapse_cli.cache.exact import Exact
from synapse_cli.core.completion import Completion, Usage

LONG = Completion(text="x" * 100_000, finish="stop", usage=Usage(1, 1), cost=None)
SHORT = Completion(text="short", finish="stop", usage=Usage(1, 1), cost=None)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def _sql(folder: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(folder / "answers" / "cache.db") as database:
        assert database.execute(statement, values).rowcount == 1
    database.close()


def _kept(folder: Path, warnings: list[str]) -> Completion | None:
    store = Exact(folder, warn=warnings.append)
    try:
        store.get_completion("k")
        return store.get_completion("k")
    finally:
        store.close()


def _keep(folder: Path, completion: Completion = SHORT) -> None:
    store = Exact(folder, warn=pytest.fail)
    store.put_completion("k", completion)
    store.close()


def test_every_file_and_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = Exact(tmp_path / "cache", warn=pytest.fail)
        for number in range(5):
            store.put_completion(str(number), LONG)
        found = [tmp_path / "cache", *(tmp_path / "cache").rglob("*")]
        modes = {(path.is_dir(), oct(path.stat().st_mode & 0o777)) for path in found}
        store.close()
    finally:
        os.umask(before)

    assert len(found) > 15  # 5 values in files of their own, in folders of two levels, beside the database
    assert modes == {(True, "0o700"), (False, "0o600")}


def test_a_pickled_value_is_refused_unread(tmp_path: Path) -> None:
    _keep(tmp_path)
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    _sql(tmp_path, "UPDATE Cache SET mode = 4, value = ?", bomb)
    warnings: list[str] = []

    assert _kept(tmp_path, warnings) is None

    assert not (tmp_path / "exploded").exists()
    assert len(warnings) == 1
    assert "not written by Synapse" in warnings[0]
    assert "synapse cache clear" in warnings[0]


def test_a_pickled_key_is_refused_unread(tmp_path: Path) -> None:
    _keep(tmp_path)
    _sql(tmp_path, "UPDATE Cache SET raw = 0, key = ?", pickle.dumps(Bomb(tmp_path / "exploded")))
    warnings: list[str] = []
    store = Exact(tmp_path, warn=warnings.append)

    assert list(store.entries()) == []
    store.close()

    assert not (tmp_path / "exploded").exists()
    assert len(warnings) == 1


@pytest.mark.parametrize("name", ["../../secret", "/etc/hostname", "..\\..\\secret"])
def test_a_value_outside_the_folder_is_refused_unread(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("do not read, do not delete")
    _keep(tmp_path, LONG)
    _sql(tmp_path, "UPDATE Cache SET filename = ?", name)
    warnings: list[str] = []

    assert _kept(tmp_path, warnings) is None

    assert len(warnings) == 1
    assert exact.clear(tmp_path) == 0
    assert (tmp_path / "secret").exists()


def test_a_value_that_is_not_json_of_ours_is_a_miss(tmp_path: Path) -> None:
    for value in (b"", b"{", b"[]", b'{"format":1}', b'{"format":0,"kind":"answer","label":"","value":{}}'):
        _keep(tmp_path)
        _sql(tmp_path, "UPDATE Cache SET value = ?", value)

        assert _kept(tmp_path, []) is None


def test_a_value_of_another_key_or_with_a_bit_turned_is_a_miss(tmp_path: Path) -> None:
    _keep(tmp_path)
    with sqlite3.connect(tmp_path / "answers" / "cache.db") as database:
        (whole,) = database.execute("SELECT value FROM Cache").fetchone()
    database.close()
    torn = whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:]

    for value, expected in ((whole, "short"), (torn, None), (whole[:-1], None)):
        _sql(tmp_path, "UPDATE Cache SET value = ?", value)
        kept = _kept(tmp_path, [])
        assert (kept and kept.text) == expected
    _sql(tmp_path, "UPDATE Cache SET value = ?, key = 'answer:other'", whole)
    store = Exact(tmp_path, warn=pytest.fail)
    assert store.get_completion("other") is None
    store.close()


def test_a_value_file_that_is_gone_is_a_miss(tmp_path: Path) -> None:
    _keep(tmp_path, LONG)
    for path in (tmp_path / "answers").rglob("*.val"):
        path.unlink()

    assert _kept(tmp_path, []) is None


@pytest.mark.parametrize("damage", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_damaged_cache_warns_once_and_clear_repairs_it(tmp_path: Path, damage: bytes) -> None:
    _keep(tmp_path)
    (tmp_path / "answers" / "cache.db").write_bytes(damage)
    warnings: list[str] = []

    assert _kept(tmp_path, warnings) is None
    assert len(warnings) == 1
    assert "going on without the cache" in warnings[0]

    exact.clear(tmp_path)
    _keep(tmp_path)
    assert _kept(tmp_path, warnings) is not None
    assert len(warnings) == 1


def test_a_folder_that_cannot_be_made_warns_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    warnings: list[str] = []

    assert _kept(tmp_path / "file", warnings) is None

    assert len(warnings) == 1
    assert str(tmp_path / "file") in warnings[0]


def test_it_stays_within_its_size(tmp_path: Path) -> None:
    store = Exact(tmp_path, max_size=1_000_000, warn=pytest.fail)
    for number in range(60):
        store.put_completion(str(number), LONG)
    kept = {entry.key for entry in store.entries()}
    used = store.bytes_used()
    store.close()

    assert used < 1_200_000
    assert "59" in kept
    assert "0" not in kept


def test_expired_answers_are_dropped_by_prune(tmp_path: Path) -> None:
    store = Exact(tmp_path, warn=pytest.fail)
    store.put_completion("new", SHORT, ttl_s=1000)
    store.put_completion("old", SHORT, ttl_s=0.001)

    time.sleep(0.002)
    assert store.prune() == 1
    assert [entry.key for entry in store.entries()] == ["new"]
    store.close()


_IN_CHILD = """
import os, resource, sys
import diskcache, sqlite3
from synapse_cli.cache import disk
from synapse_cli.cache.exact import Exact
from synapse_cli.core.completion import Completion, Usage
warnings = []
store = Exact(sys.argv[1], warn=warnings.append)
{limit}
for number in range(3):
    store.put_completion("new", Completion(text="x" * 200_000, finish="stop", usage=Usage(1, 1), cost=None))
    old = store.get_completion("k")
print(len(warnings), old and old.text, store.get_completion("new"))
print(*warnings, sep="\\n")
"""


def _child(folder: Path, limit: str) -> list[str]:
    code = textwrap.dedent(_IN_CHILD).format(limit=limit)
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_full_disk_warns_once_and_loses_no_answer_that_was_kept(tmp_path: Path) -> None:
    _keep(tmp_path)

    told = _child(tmp_path, "store.get_completion('k'); resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))")

    assert told[0] == "1 short None"
    assert "File too large" in told[1]
    assert [path for path in (tmp_path / "answers").rglob("*.val") if path.stat().st_size == 0] == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a user that may not write")
def test_a_read_only_cache_warns_once(tmp_path: Path) -> None:
    _keep(tmp_path)
    for path in [*tmp_path.parents[:2], tmp_path, *tmp_path.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o444)
    (tmp_path / "answers").chmod(0o555)

    told = _child(tmp_path, "os.getuid() or os.setuid(65534)")

    assert told[0].startswith("1 ")
    assert told[0].endswith(" None")
    assert "going on without the cache" in told[1]

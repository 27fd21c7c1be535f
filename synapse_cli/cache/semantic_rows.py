"""Which prompts have kept answers? Their texts and vectors in one SQLite file beside the answers, safe to lose.

The file knows prompts; the answers lie in the exact cache under their keys, and end there. Each row proves itself: the
file is written without waiting for the disk, so that a power cut may leave anything behind.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeVar

from synapse_cli.core import database
from synapse_cli.core.unkept import Unkept

FILE = "similar-1.sqlite3"
"""Under the cache folder; another form gets another number."""
_SCRIPT = """
CREATE TABLE entries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, scope BLOB NOT NULL, key TEXT NOT NULL, prompt TEXT NOT NULL,
  vector BLOB NOT NULL, kept REAL NOT NULL, expires REAL, proof BLOB NOT NULL, UNIQUE (scope, key)
);
CREATE INDEX entries_by_scope ON entries (scope, id);
CREATE INDEX entries_by_key ON entries (key);
CREATE TABLE life (token BLOB NOT NULL);
INSERT INTO life VALUES (randomblob(8));
"""
_VERSION = 1
_PROBE = "SELECT proof FROM entries UNION ALL SELECT token FROM life LIMIT 0"
_LOCKED_S = 5.0
_FIELDS = "id, scope, key, prompt, vector, kept, expires, proof"
T = TypeVar("T")


class Entry(NamedTuple):
    """One prompt whose answer is kept."""

    id: int
    """Never given twice: an index that is behind names nobody else."""
    scope: bytes
    key: str
    """Of the answer in the exact cache."""
    prompt: str
    vector: bytes
    """Packed by `cache.semantic_index`."""
    kept: float
    expires: float | None


class Rows:
    """The file, opened on use. Safe from several threads and processes; what fails is said once and costs nothing."""

    def __init__(self, folder: str, *, most_bytes: int, warn: Callable[[str], None]) -> None:
        self.folder = folder
        self._most = most_bytes
        self._warn = warn
        self._file: sqlite3.Connection | None = None
        self._is_off = False

    def put(self, scope: bytes, key: str, prompt: str, vector: bytes, *, kept: float, expires: float | None) -> None:
        """Keep a prompt; one with the same key in the same scope is replaced, and the oldest go where room ends."""

        def write(file: sqlite3.Connection) -> None:
            row = (scope, key, prompt, vector, kept, expires)
            values = (*row, _proof(row))
            file.execute("BEGIN IMMEDIATE")
            try:
                file.execute(
                    "INSERT OR REPLACE INTO entries (scope, key, prompt, vector, kept, expires, proof)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    values,
                )
                if os.path.getsize(self.path) > self._most:
                    file.execute(
                        "DELETE FROM entries WHERE id <= (SELECT id FROM entries ORDER BY id"
                        " LIMIT 1 OFFSET (SELECT count(*) / 10 FROM entries))"
                    )
                file.execute("COMMIT")
                file.execute("PRAGMA incremental_vacuum(64)").fetchall()
            except BaseException:
                file.rollback()
                raise

        self._try(write, None)

    def after(self, scope: bytes, number: int) -> list[tuple[int, bytes]]:
        """Number and vector of each entry of a scope that came after this number, oldest first."""
        none: list[tuple[int, bytes]] = []
        asked = "SELECT id, vector FROM entries WHERE scope = ? AND id > ? ORDER BY id"
        return self._try(lambda file: file.execute(asked, (scope, number)).fetchall(), none, makes=False)

    def life(self) -> str:
        """Names this very file: one that is made anew after damage counts from 1 again, and has indexes of its own."""
        asked = "SELECT hex(token) FROM life"
        return self._try(lambda file: str(file.execute(asked).fetchone()[0]).lower(), "none", makes=False)

    def entries(self, numbers: Sequence[int]) -> list[Entry]:
        """The entries of these numbers that are there and whole, in the order of the numbers."""
        asked = f"SELECT {_FIELDS} FROM entries WHERE id = ?"  # noqa: S608  # a constant
        none: list[tuple[object, ...]] = []
        rows = self._try(
            lambda file: [row for number in numbers if (row := file.execute(asked, (number,)).fetchone()) is not None],
            none,
            makes=False,
        )
        return [entry for entry in map(_entry, rows) if entry is not None]

    def everything(self) -> Iterator[Entry]:
        """All entries, newest first."""
        none: list[tuple[object, ...]] = []
        asked = f"SELECT {_FIELDS} FROM entries ORDER BY id DESC"  # noqa: S608  # a constant
        rows = self._try(lambda file: file.execute(asked).fetchall(), none, makes=False)
        return (entry for entry in map(_entry, rows) if entry is not None)

    def drop(self, number: int) -> None:
        """Forget one: its answer is no longer there."""
        self._try(lambda file: file.execute("DELETE FROM entries WHERE id = ?", (number,)), None, makes=False)

    def count(self) -> int:
        """How many there are."""
        asked = "SELECT count(*) FROM entries"
        return self._try(lambda file: int(file.execute(asked).fetchone()[0]), 0, makes=False)

    def prune(self, now: float | None = None) -> int:
        """Drop what has expired; return how many."""
        asked, at = "DELETE FROM entries WHERE expires <= ?", time.time() if now is None else now
        return self._try(lambda file: file.execute(asked, (at,)).rowcount, 0, makes=False)

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def path(self) -> str:
        """Of the file."""
        return os.path.join(self.folder, FILE)

    def _try(self, use: Callable[[sqlite3.Connection], T], otherwise: T, *, makes: bool = True) -> T:
        """Use the file, where there is one or one may be made; where it fails, warn once and go on without it."""
        if self._is_off or (self._file is None and not makes and not os.path.exists(self.path)):
            return otherwise
        try:
            if self._file is None:
                self._file = database.connect_or_replace(
                    self.path, _SCRIPT, _VERSION, probe=_PROBE, timeout_s=_LOCKED_S
                )
            return use(self._file)
        except (sqlite3.Error, OSError) as error:
            self._is_off = True
            if database.is_damage(error):
                self.close()
                database.remove(self.path)
            what = f"the semantic cache in {self.folder}"
            self._warn(Unkept.of(what, error, "going on without the semantic cache"))
            return otherwise


def clear(folder: str) -> int:
    """Drop everything of a cache folder, its indexes too; return how many prompts. Raises OSError."""
    import shutil

    from synapse_cli.cache.semantic_index import FOLDER

    rows = Rows(folder, most_bytes=0, warn=lambda _: None)
    dropped = rows.count()
    rows.close()
    database.remove(rows.path)
    shutil.rmtree(os.path.join(folder, FOLDER), ignore_errors=True)
    return dropped


def _entry(row: Sequence[object]) -> Entry | None:
    """The entry, or None where the row is not what was written."""
    number, *fields, proof = row
    if proof != _proof(tuple(fields)):
        return None
    return Entry(number, *fields)  # type: ignore[arg-type]  # proved to be as written


def _proof(row: tuple[object, ...]) -> bytes:
    return blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=16).digest()

"""What do all processes know together of how providers fare? Failures, limits and turns, in one small file.

It is safe to lose: what is damaged is made anew, and where it cannot be opened or written every call is
admitted, which is said once. A process that is killed leaves whole rows behind, never half ones.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import NamedTuple, TypeVar

from synapse_cli.core import database, kept_open
from synapse_cli.core.clock import Clock, SystemClock
from synapse_cli.core.unkept import Unkept

FILE = "pace.sqlite3"
"""Under the state folder."""

STEPS: tuple[str, ...] = (
    """
CREATE TABLE circuits (
  provider TEXT NOT NULL, base_url TEXT NOT NULL, model TEXT NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0, opened_at REAL, next_at REAL, openings INTEGER NOT NULL DEFAULT 0,
  closed_at REAL, ok_at REAL, failed_at REAL, kind TEXT, error TEXT, latency_s REAL,
  window_at REAL NOT NULL DEFAULT 0, calls INTEGER NOT NULL DEFAULT 0, bad INTEGER NOT NULL DEFAULT 0,
  calls_before INTEGER NOT NULL DEFAULT 0, bad_before INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (provider, base_url, model)
) WITHOUT ROWID;
CREATE TABLE trials (
  token TEXT PRIMARY KEY, provider TEXT NOT NULL, base_url TEXT NOT NULL, model TEXT NOT NULL, holder TEXT NOT NULL,
  since REAL NOT NULL, until REAL NOT NULL, is_probe INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE retries (
  provider TEXT NOT NULL, base_url TEXT NOT NULL, tokens REAL NOT NULL, at REAL NOT NULL,
  PRIMARY KEY (provider, base_url)
) WITHOUT ROWID;
CREATE TABLE salt (bytes BLOB NOT NULL);
INSERT INTO salt VALUES (randomblob(32))
""",
    """
CREATE TABLE lanes (lane TEXT PRIMARY KEY, state TEXT NOT NULL, seen REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE seats (
  ticket INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, model TEXT NOT NULL, holder TEXT NOT NULL,
  tokens INTEGER NOT NULL, until REAL NOT NULL, sent_at REAL
);
CREATE INDEX seats_of_lane ON seats (lane, ticket);
CREATE TABLE spreads (name TEXT PRIMARY KEY, state TEXT NOT NULL, seen REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE aside (
  lane TEXT NOT NULL, model TEXT NOT NULL, mark TEXT NOT NULL, since REAL NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (lane, model)
) WITHOUT ROWID
""",
)
"""What each version adds to the one before, statements divided by `;`. Append tables; change none that is there."""

BUSY_S = 5.0
"""How long a writer waits for the others: turns take 0.1 ms, but a busy machine may put one to sleep in its own."""

T = TypeVar("T")


class Provider(NamedTuple):
    """Who is asked: a name and, where it has one, an address (never with the password that a URL may hold)."""

    name: str
    base_url: str = ""

    @classmethod
    def of(cls, name: str, base_url: str | None) -> Provider:
        """The provider at an address as the profile writes it."""
        return cls(name, _bare(base_url or ""))

    def __str__(self) -> str:
        return f"{self.name} at {self.base_url}" if self.base_url else self.name


class PaceLost(Exception):
    """The pace file cannot be used; it has been said, and whoever asks is admitted."""


class PaceFile:
    """The file, opened on first use. Safe from several threads and processes, one transaction after the other."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        warn: Callable[[str], None],
        clock: Clock | None = None,
        stays: bool = False,
    ) -> None:
        """`stays` leaves the file open for the next run of this process."""
        self.path = os.path.join(folder, FILE)
        self._warn = warn
        self._clock = clock or SystemClock()
        self._lock = RLock()
        self._file: sqlite3.Connection | None = None
        self._is_lost = False
        self._stays = stays

    def now(self) -> float:
        """Seconds since 1970: the only clock that all processes share, so that code must bear its being set back."""
        return self._clock.now()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Read and write alone (`BEGIN IMMEDIATE`); all of it counts, or nothing where it raises.

        Raises PaceLost where the file cannot be used. `within` is the same for those who go on without it.
        """
        with self._lock:
            if self._is_lost:
                raise PaceLost
            try:
                if self._file is None:
                    self._file = (kept_open.take(self.path) if self._stays else None) or _opened(self.path)
                self._file.execute("BEGIN IMMEDIATE")
                try:
                    yield self._file
                    self._file.execute("COMMIT")
                except BaseException:
                    _roll_back(self._file)
                    raise
            except (sqlite3.Error, OSError) as error:
                self._lose(error)
                raise PaceLost from error

    def within(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Do some work in one transaction; `otherwise` where the file cannot be used."""
        try:
            with self.transaction() as file:
                return work(file)
        except PaceLost:
            return otherwise

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._lock:
            if self._file is not None and not (self._stays and kept_open.put(self.path, self._file)):
                self._file.close()
            self._file = None

    def _lose(self, error: Exception) -> None:
        """Not tried again by this process: a broken disk would cost every call the same wait."""
        self._is_lost = True
        if self._file is not None:
            self._file.close()
            self._file = None
        if database.is_damage(error):
            try:
                database.remove(self.path)
            except OSError:
                pass
        self._warn(Unkept.of(self.path, error, "this run does not know how other processes fared"))


def _opened(path: str) -> sqlite3.Connection:
    file = database.connect_or_replace(
        path, ";".join(STEPS), len(STEPS), probe="SELECT bytes FROM salt", timeout_s=BUSY_S
    )
    try:
        file.execute(
            "PRAGMA journal_mode = PERSIST"
        ).fetchall()  # half the cost of a journal made and deleted each time
        if database.version_of(file) < len(STEPS):
            _bring_up(file)
    except BaseException:
        file.close()
        raise
    return file


def _bring_up(file: sqlite3.Connection) -> None:
    file.execute("BEGIN IMMEDIATE")
    try:
        for step in STEPS[database.version_of(file) :]:  # another process may have been faster
            for statement in step.split(";"):
                file.execute(statement)
        file.execute(f"PRAGMA user_version = {len(STEPS)}")
        file.execute("COMMIT")
    except BaseException:
        _roll_back(file)
        raise


def _roll_back(file: sqlite3.Connection) -> None:
    try:
        if file.in_transaction:
            file.execute("ROLLBACK")
    except sqlite3.Error:
        pass  # closing the file, which comes next, does the same


def _bare(base_url: str) -> str:
    """An address without user, password, query and last slash."""
    scheme, found, rest = base_url.partition("://")
    rest = (rest if found else scheme).partition("?")[0].partition("#")[0]
    place, slash, path = rest.partition("/")
    bare = place.rpartition("@")[2] + slash + path
    return f"{scheme}://{bare}".rstrip("/") if found else bare.rstrip("/")

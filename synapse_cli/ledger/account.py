"""What has been spent today and this month, by all processes: one durable file that outlives every run.

Sums are entered when a call is reserved and corrected when it is settled, so that a process which dies leaves its
upper bound behind: nothing that may have been spent is ever freed. The ledger is another file, and may be pruned,
switched off or deleted without a budget losing its memory.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from threading import Lock
from typing import Literal

from synapse_cli.core import database
from synapse_cli.core.budget import Amounts
from synapse_cli.core.unkept import Unkept
from synapse_cli.ledger import schema

FILE = "account.sqlite3"
"""Under the state folder."""
PICO = Decimal(10**12)
"""Dollars are whole numbers of 1e-12: sums are exact, and a token of the cheapest model costs thousands of them."""
MICRO = 1_000_000
_MOST = 2**63 - 1
_BUSY_MS = 5000
"""A hundred processes that each write for some milliseconds, and one of them that waits for the disk."""
_FOLD_PAGES = 64
"""Pages of the write-ahead log before a writer folds it in. Runs end without closing the file, which would fold it in
each time: 2 ms of CPU and 30 ms of waiting for the disk, measured, for what one run in ten does now."""

STEPS: tuple[str, ...] = (
    """
CREATE TABLE sums (
  scope TEXT NOT NULL, period TEXT NOT NULL,
  dollars INTEGER NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0, seconds INTEGER NOT NULL DEFAULT 0,
  steps INTEGER NOT NULL DEFAULT 0, held_dollars INTEGER NOT NULL DEFAULT 0, held_tokens INTEGER NOT NULL DEFAULT 0,
  held_seconds INTEGER NOT NULL DEFAULT 0, held_steps INTEGER NOT NULL DEFAULT 0, unknown INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (scope, period)
) WITHOUT ROWID;
CREATE TABLE reservations (
  id INTEGER PRIMARY KEY, run TEXT NOT NULL, holder TEXT NOT NULL, at REAL NOT NULL, model TEXT NOT NULL,
  dollars INTEGER NOT NULL, tokens INTEGER NOT NULL, seconds INTEGER NOT NULL, steps INTEGER NOT NULL,
  in_doubt INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE entered (
  reservation INTEGER NOT NULL, scope TEXT NOT NULL, period TEXT NOT NULL, PRIMARY KEY (reservation, scope, period)
) WITHOUT ROWID;
CREATE TABLE raises (
  scope TEXT NOT NULL, period TEXT NOT NULL, unit TEXT NOT NULL, amount INTEGER NOT NULL, made REAL NOT NULL,
  until REAL NOT NULL, PRIMARY KEY (scope, period, unit)
) WITHOUT ROWID;
CREATE TABLE families (
  run TEXT PRIMARY KEY, parent TEXT, holder TEXT NOT NULL, at REAL NOT NULL, dollars INTEGER, tokens INTEGER,
  steps INTEGER, deadline REAL, min_output INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE told (
  what TEXT PRIMARY KEY, scope TEXT NOT NULL, period TEXT NOT NULL, at REAL NOT NULL, message TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE hours (hour INTEGER PRIMARY KEY, calls INTEGER NOT NULL, dollars INTEGER NOT NULL);
CREATE TABLE recent (at REAL NOT NULL, prompt TEXT NOT NULL, script TEXT NOT NULL, dollars INTEGER NOT NULL);
CREATE INDEX recent_by_time ON recent (at);
CREATE TABLE looked (what TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID
""",
)
"""As in `ledger.schema`: append; never change a released one. Seconds are millionths, dollars 1e-12."""

Unit = Literal["dollars", "tokens", "seconds", "steps"]
UNITS: tuple[Unit, ...] = ("dollars", "tokens", "seconds", "steps")


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose spending is added up."""

    kind: Literal["profile", "route", "tenant", "run", "exploration"]
    name: str
    place: str = ""
    """The profile's file, for what belongs to a profile; a tenant is the same in all."""

    @property
    def key(self) -> str:
        """Its name in the account."""
        is_part = self.kind in {"route", "exploration"}
        return f"{self.kind}\n{self.name}\n{self.place}" if is_part else f"{self.kind}\n{self.id}"

    @property
    def id(self) -> str:
        """What it is told apart by: a profile by its file, since two may have one name."""
        return self.place if self.kind == "profile" else self.name

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Account:
    """The file, opened on first use. Safe from several processes and threads: each use is one transaction."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.path = os.path.join(folder, FILE)
        self._book: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._lock = Lock()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the account for the length of a `with`; all of what is written stays, or nothing.

        Raises OSError, sqlite3.Error, or schema.Newer where it cannot be written.
        """
        with self._lock:
            if self._book is not None and _inode(self.path) != self._inode:
                self._close()  # it was moved aside or deleted: what is written there would be read by nobody
            if self._book is None:
                self._book = schema.opened(self.path, STEPS)
                self._inode = _inode(self.path)
                self._book.execute(f"PRAGMA wal_autocheckpoint = {_FOLD_PAGES}")
                self._book.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            book = self._book
            book.execute("BEGIN IMMEDIATE")
            try:
                yield book
                book.execute("COMMIT")
            except BaseException:
                if book.in_transaction:
                    book.execute("ROLLBACK")
                raise

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._book is not None:
            try:
                self._book.close()
            except sqlite3.Error:  # a full disk may refuse the last fold; what was written is in the log
                pass
            self._book = None


def shared(folder: str) -> Account:
    """The account of a folder, one for all runs of this process: to open it takes longer than to write a call."""
    return _shared(folder, os.getpid())


@lru_cache(maxsize=1)
def _shared(folder: str, pid: int) -> Account:
    """Told apart by process: what was opened before a fork is no use after it."""
    del pid
    return Account(folder)


def _inode(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def opened_to_read(path: str) -> sqlite3.Connection | None:
    """Open the account for reading, or None where there is none. Raises sqlite3.Error."""
    if not os.path.exists(path):
        return None
    from urllib.parse import quote

    return sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=database.BUSY_S, isolation_level=None)


def coded(amounts: Amounts) -> dict[Unit, int]:
    """Amounts as the file keeps them, rounded up."""
    return {
        "dollars": bounded(int((amounts.dollars * PICO).to_integral_value(ROUND_CEILING))),
        "tokens": bounded(amounts.tokens),
        "seconds": bounded(-int(-amounts.seconds * MICRO // 1)),
        "steps": amounts.steps,
    }


def decoded(dollars: int, tokens: int, seconds: int, steps: int) -> Amounts:
    """Amounts as they were."""
    return Amounts(Decimal(dollars) / PICO, tokens, seconds / MICRO, steps)


def bounded(amount: int) -> int:
    """What SQLite can hold of a number: nobody spends nine million dollars a day."""
    return max(-_MOST, min(_MOST, amount))


def amount_text(unit: Unit, amount: int) -> str:
    """An amount for a person: `$1.20`, `3 calls`, `12000 tokens`."""
    if unit == "dollars":
        return f"${_short(Decimal(amount) / PICO)}"
    if unit == "seconds":
        return f"{amount / MICRO:.{0 if amount % MICRO == 0 else 1}f} seconds"
    what = "calls" if unit == "steps" else unit
    return f"{amount} {what[:-1] if amount == 1 else what}"


def plain(unit: Unit, amount: int) -> str | int | float:
    """An amount for a script: money as a decimal string, seconds and counts as numbers."""
    if unit == "dollars":
        text = f"{Decimal(amount) / PICO:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return round(amount / MICRO, 3) if unit == "seconds" else amount


def _short(dollars: Decimal) -> str:
    """Two digits after the point, or two that count below a cent."""
    digits = 2 if abs(dollars) >= Decimal("0.1") or not dollars else max(2, 1 - dollars.adjusted())
    return f"{dollars:.{digits}f}"


UNUSABLE = (sqlite3.Error, OSError, OverflowError, schema.Newer)
"""What is raised where the account cannot be read or written: full, damaged, somebody else's, too new."""


def why(error: BaseException, path: str) -> str:
    """Say so in one line."""
    if isinstance(error, schema.Newer):
        return f"the account {path} was written by a newer Synapse"
    return f"the account {path} cannot be written: {error}"


def uncounted(error: BaseException, path: str, effect: str) -> Unkept:
    """The warning of a run that goes its way without the account."""
    said = "it was written by a newer Synapse" if isinstance(error, schema.Newer) else error
    return Unkept.of(f"the account {path}", said, effect, use="written")

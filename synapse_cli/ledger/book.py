"""Write down every run: what was asked, decided, tried, answered and spent. It never costs an answer."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from synapse_cli.core import database, kept_open
from synapse_cli.core.completion import Completion
from synapse_cli.core.run import Run
from synapse_cli.core.unkept import Unkept
from synapse_cli.ledger import damage, index, schema
from synapse_cli.ledger.booking import book_old, rebook
from synapse_cli.ledger.calls import Call, forget, write_answered, write_begun, write_failed
from synapse_cli.ledger.prune import give_back_space, prune
from synapse_cli.ledger.rows import Begun, write_begun_run, write_run
from synapse_cli.profile.settings import LedgerSettings

if TYPE_CHECKING:
    from synapse_cli.ledger.shadowing import Queued

_OLD_AT_A_TIME = 20
"""Runs of a ledger of the first version that each run adds to the sums: 3 ms, until none is left."""


_BUSY = 5
"""SQLite's result code where another program holds the file locked."""


class Book:
    """The ledger, opened on first use. No method raises; the first failure is warned of, in one line.

    With `stays` the file stays open for the next ledger of this process. Safe from several threads and processes:
    each run is one transaction, and writers wait for each other.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        settings: LedgerSettings,
        *,
        warn: Callable[[str], None],
        now: Callable[[], float] = time.time,
        stays: bool = False,
    ) -> None:
        self.path = os.path.join(folder, schema.FILE)
        self._settings = settings
        self._warn = warn
        self._now = now
        self._stays = stays
        self._lock = Lock()
        self._book: sqlite3.Connection | None = None
        self._is_off = False
        self._has_warned = False
        self._begun: dict[str, Begun] = {}

    def begin(self, begun: Begun) -> None:
        """Take note that a run begins: its row is written with its first call, in one transaction.

        One that is killed after that is found "in doubt". What is killed before has sent nothing.
        """
        self._begun[begun.run_id] = begun

    def call_begins(self, call: Call) -> None:
        """Write down a call before it is sent."""
        begun = self._begun.pop(call.run, None)

        def write(book: sqlite3.Connection) -> None:
            if begun is not None:
                write_begun_run(book, begun, keeps_text=self._settings.text)
            write_begun(book, call)

        self._write(write)

    def call_answered(self, call: Call, completion: Completion) -> None:
        """Write down how a call was answered."""
        self._write(lambda book: write_answered(book, call, completion, keeps_text=self._settings.text))

    def call_failed(self, call: Call, error: BaseException, latency_s: float, *, is_local: bool) -> None:
        """Write down how a call failed."""
        self._write(lambda book: write_failed(book, call, error, latency_s, is_local))

    def call_unsent(self, call: Call) -> None:
        """Take back a call that was not sent after all."""
        self._write(lambda book: forget(book, call))

    def record(self, run: Run, command: str = "run", *, is_last: bool = True, shadow: Queued | None = None) -> None:
        """Write a finished run, whole or not at all, and drop a few of those that are too old or too many.

        After the last one the file is closed: a process that leaves without tear-down would leave a write-ahead
        log that nobody folds in, and that only grows. (Closing after each took most of what a bench costs itself.)
        `shadow` is what of it is to be looked at again.
        """
        self._begun.pop(run.run_id, None)

        def write(book: sqlite3.Connection) -> None:
            write_run(book, run, command, keeps_text=self._settings.text)
            if shadow is not None:
                from synapse_cli.ledger.shadowing import queue

                queue(book, shadow, self._now())
            keep_s = self._settings.keep_s
            before = None if keep_s is None else self._now() - keep_s
            prune(book, before=before, max_size=self._settings.max_size, but=run.run_id)
            index.keep_up(book, self._settings.max_size)
            book_old(book, _OLD_AT_A_TIME)

        self._write(write)
        self._give_back_space()
        if is_last:
            self.close()

    def grade(self, run_id: str, score: float) -> None:
        """Write down how right a run's answer was, in [0, 1], where a bench knew the right one."""
        self._write(lambda book: book.execute("INSERT OR REPLACE INTO grades VALUES (?, ?)", (run_id, score)))

    def ended(self, run_id: str, exit_code: int) -> None:
        """Correct the exit code of a run whose answer could not be delivered (a closed pipe)."""

        def write(book: sqlite3.Connection) -> None:
            update = "UPDATE runs SET exit_code = ? WHERE id = ?"
            rebook(book, run_id, lambda: book.execute(update, (exit_code, run_id)))

        self._write(write)
        self.close()

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._lock:
            book, self._book = self._book, None
            if book is not None and not (self._stays and kept_open.put(self.path, book)):
                _close(book)

    def _give_back_space(self) -> None:
        with self._lock:
            if self._book is not None:
                try:
                    give_back_space(self._book)
                except sqlite3.Error:
                    pass  # another run will

    def _write(self, write: Callable[[sqlite3.Connection], object]) -> None:
        with self._lock:
            if self._is_off:
                return
            try:
                self._write_or_begin_anew(write)
            except schema.Newer as error:
                self._fail(str(error))
            except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
                self._is_off = _is_busy(error)  # who has waited so long once must not wait at every call
                self._fail(unrecorded(self.path, error))

    def _write_or_begin_anew(self, write: Callable[[sqlite3.Connection], object]) -> None:
        found = database.identity(self.path)
        try:
            self._write_once(write)
        except sqlite3.DatabaseError as error:
            if not damage.is_damage(error):
                raise
            self._begin_anew(found)
            self._write_once(write)

    def _write_once(self, write: Callable[[sqlite3.Connection], object]) -> None:
        if self._book is None:
            self._book = kept_open.take(self.path) if self._stays else None
            self._book = self._book or schema.opened(self.path)
        _in_one_transaction(self._book, write)

    def _begin_anew(self, damaged: tuple[int, int] | None) -> None:
        """Set a damaged file aside, which is said."""
        if self._book is not None:
            _close(self._book)
            self._book = None
        said = damage.set_aside(self.path, damaged)
        if said is not None:
            self._warn(said)

    def _fail(self, why: str) -> None:
        """Warn of the first failure; a ledger that could not be opened is not tried again, a run's own failure is."""
        self._is_off = self._is_off or self._book is None
        if not self._has_warned:
            self._has_warned = True
            self._warn(why)


def unrecorded(path: str, error: Exception) -> Unkept:
    """What is said where a run could not be written down."""
    hint = damage.remedy(error)
    return Unkept.of(f"the ledger {path}", error, "this run is not recorded", use="written", hint=hint)


def _is_busy(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == _BUSY


def _close(book: sqlite3.Connection) -> None:
    try:
        book.close()
    except sqlite3.Error:  # a full disk may refuse the last fold; what was written is in the log
        pass


def _in_one_transaction(book: sqlite3.Connection, write: Callable[[sqlite3.Connection], object]) -> None:
    book.execute("BEGIN IMMEDIATE")
    try:
        write(book)
        book.execute("COMMIT")
    except BaseException:
        if book.in_transaction:
            book.execute("ROLLBACK")
        raise

"""What is a host doing? Written down before each step, because a crash leaves no time to say it.

One line of JSON in a file that is overwritten in place: what the kernel has of it outlives the process.
"""

from __future__ import annotations

import json
import os
import time
from threading import Lock
from typing import TypedDict

from synapse_cli.core.control import Control
from synapse_cli.core.prompt import Json


class Doing(TypedDict):
    """One call under way."""

    model: str
    mark: str
    """Of the model and its settings: what is set aside after it ended two hosts."""
    phase: str
    since: float
    """Seconds since 1970 when the phase began."""


class Journal:
    """The calls under way, in memory and on disk."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self._lock = Lock()
        self._calls: dict[int, Doing] = {}

    def note(self, call: int, model: str, mark: str, phase: str) -> None:
        """Say what a call does from now on."""
        with self._lock:
            self._calls[call] = Doing(model=model, mark=mark, phase=phase, since=time.time())
            self._write()

    def forget(self, call: int) -> None:
        """Say that a call has ended."""
        with self._lock:
            self._calls.pop(call, None)
            self._write()

    def calls(self) -> list[Doing]:
        """Every call under way."""
        with self._lock:
            return list(self._calls.values())

    def _write(self) -> None:
        # A shorter line leaves the end of a longer one behind its newline, where nobody reads it.
        line = json.dumps(list(self._calls.values())).encode() + b"\n"
        try:
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, line)
        except OSError:
            return  # a full disk costs the name of a crash


def last_words(path: str) -> list[Doing]:
    """What a host that is gone was doing, from its file."""
    try:
        with open(path, "rb") as file:
            found: list[Doing] = json.loads(file.readline())
    except (OSError, ValueError):
        return []
    return found


def told(call: Doing) -> Json:
    """A call as JSON."""
    return {"model": call["model"], "mark": call["mark"], "phase": call["phase"], "since": call["since"]}


class Noted(Control):
    """A call's stop signal that writes each phase into the journal, and counts what came after the stop."""

    __slots__ = ("_call", "_journal", "_mark", "_model", "late")

    def __init__(self, journal: Journal, call: int, model: str, mark: str, deadline: float | None) -> None:
        super().__init__(deadline)
        self._journal, self._call, self._model, self._mark = journal, call, model, mark
        self.late = 0
        """Pieces that were still written after the call had been told to end."""
        self.doing("starting the call")

    def doing(self, phase: str) -> None:
        """Write the phase down."""
        super().doing(phase)
        self._journal.note(self._call, self._model, self._mark, phase)

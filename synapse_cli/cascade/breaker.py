"""The circuits of all providers, in the file that all processes share: who may call, and how calls ended."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from synapse_cli.cascade import circuit as circuits
from synapse_cli.cascade import retry_bucket
from synapse_cli.cascade.circuit import Circuit, Way
from synapse_cli.cascade.pace_file import PaceFile, Provider
from synapse_cli.core.clock import Clock
from synapse_cli.core.control import Control
from synapse_cli.core.errors import CircuitOpen, SynapseError, Withdrawn
from synapse_cli.core.processes import holder, is_gone
from synapse_cli.profile.settings import BreakerSettings

_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.02, 0.5
"""How soon a waiter looks again, growing: sixty of them at the longest cost 2 % of a core."""
WORTH_TELLING_S = 0.5
"""A shorter wait is not noticed."""
_LONGEST_ERROR = 200

Tell = Callable[[float, str], None]
"""Hears how long a wait may be, and why."""


class Place(NamedTuple):
    """What has a circuit: a model at a provider."""

    provider: Provider
    model: str

    @property
    def row(self) -> tuple[str, str, str]:
        """As it stands in the file."""
        return self.provider.name, self.provider.base_url, self.model

    def __str__(self) -> str:
        if self.model.startswith(f"{self.provider.name}/"):
            return f"{self.model} at {self.provider.base_url}" if self.provider.base_url else self.model
        return f"{self.model} of {self.provider}"


class Leave(NamedTuple):
    """That a call may be made; with a `token` others are waiting for how it ends."""

    place: Place
    token: str | None = None
    is_probe: bool = False


class Breaker:
    """Gives leave to call, and is told how each call ended. Without the file everybody may call."""

    def __init__(self, pace: PaceFile, settings: BreakerSettings, clock: Clock) -> None:
        self._pace = pace
        self._settings = settings
        self._clock = clock

    def admit(self, place: Place, control: Control, lease_s: float, tell: Tell = lambda _s, _why: None) -> Leave:
        """Leave to call, after a wait where others are finding out whether the provider lives; `tell` hears of one.

        A caller that was killed is missed by its pid, or after `lease_s` where that tells nothing. Raises
        CircuitOpen, and Withdrawn where the wait was stopped.
        """
        began, look_s, is_told = self._clock.monotonic(), _FIRST_LOOK_S, False
        while True:
            waited_s = self._clock.monotonic() - began
            found = self._ask(place, waited_s, lease_s)
            if isinstance(found, Leave):
                return found
            verdict, circuit = found
            if verdict == "no" or control.expired:
                raise self._open(place, circuit)
            if control.stopped:
                raise Withdrawn("interrupted")
            if not is_told and waited_s >= WORTH_TELLING_S:
                is_told = True
                tell(circuits.PATIENCE_S - waited_s, f"other calls are finding out whether {place.provider} answers")
            self._clock.sleep(control.remaining_s(look_s))
            look_s = min(_LONGEST_LOOK_S, look_s * 1.5)

    def check(self, leave: Leave) -> None:
        """Raise CircuitOpen where the circuit opened since leave was given."""
        circuit = self._pace.within(lambda file: read(file, leave.place), Circuit())
        if circuit.opened_at is not None and not leave.is_probe:
            raise self._open(leave.place, circuit)

    def succeeded(self, leave: Leave, latency_s: float) -> None:
        """The call was answered."""

        def write(file: sqlite3.Connection) -> None:
            now, is_probe = self._pace.now(), _end_trial(file, leave)
            circuit = read(file, leave.place)
            after = circuits.succeeded(circuit, self._settings, now, is_probe=is_probe, latency_s=latency_s)
            _write(file, leave.place, after)
            retry_bucket.give_back(file, leave.place.provider, now)

        self._pace.within(write, None)

    def failed(self, leave: Leave, error: SynapseError) -> None:
        """The provider failed."""

        def change(circuit: Circuit, now: float, is_probe: bool) -> Circuit:
            said = "" if error.kind == "bad_answer" else error.message[:_LONGEST_ERROR]  # which may quote an answer
            return circuits.failed(circuit, self._settings, now, is_probe=is_probe, kind=error.kind, error=said)

        self._change(leave, change)

    def refused(self, leave: Leave) -> None:
        """The provider is there, and would not answer this call."""
        if leave.token is not None:  # else nobody waits to hear it
            self._change(leave, lambda c, now, is_probe: circuits.refused(c, self._settings, now, is_probe=is_probe))

    def let_go(self, leave: Leave) -> None:
        """The call ended without telling anything of the provider: Ctrl-C, a deadline, something of our own."""
        if leave.token is not None:
            self._pace.within(lambda file: _end_trial(file, leave), otherwise=False)

    def _ask(self, place: Place, waited_s: float, lease_s: float) -> Leave | tuple[Way, Circuit]:
        def decide(file: sqlite3.Connection) -> Leave | tuple[Way, Circuit]:
            now, circuit = self._pace.now(), read(file, place)
            if circuit.is_proven(now) and circuit.opened_at is None:
                return Leave(place)
            trials = _under_way(file, place, now, probes=circuit.opened_at is not None)
            verdict = circuits.way(circuit, self._settings, now, trials=trials, waited_s=waited_s)
            if verdict in ("wait", "no"):
                return verdict, circuit
            leave = Leave(place, os.urandom(8).hex(), verdict == "probe")
            row = (leave.token, *place.row, holder(), now, now + lease_s, leave.is_probe)
            file.execute("INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            return leave

        admitted: Leave | tuple[Way, Circuit] = Leave(place)
        return self._pace.within(decide, otherwise=admitted)

    def _change(self, leave: Leave, change: Callable[[Circuit, float, bool], Circuit]) -> None:
        def write(file: sqlite3.Connection) -> None:
            is_probe = _end_trial(file, leave)
            _write(file, leave.place, change(read(file, leave.place), self._pace.now(), is_probe))

        self._pace.within(write, None)

    def _open(self, place: Place, circuit: Circuit) -> CircuitOpen:
        now = self._pace.now()
        left_s = None if circuit.next_at is None else max(0.0, circuit.next_at - now)
        return CircuitOpen(*circuits.told(circuit, str(place), now), retry_after_s=left_s)


def read(file: sqlite3.Connection, place: Place) -> Circuit:
    """What the file knows of a place."""
    row = file.execute("SELECT * FROM circuits WHERE provider = ? AND base_url = ? AND model = ?", place.row).fetchone()
    return Circuit() if row is None else Circuit(*row[3:])


def _write(file: sqlite3.Connection, place: Place, circuit: Circuit) -> None:
    file.execute(
        "INSERT OR REPLACE INTO circuits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*place.row, *circuit),
    )


def _under_way(file: sqlite3.Connection, place: Place, now: float, *, probes: bool) -> int:
    """Calls whose outcome is awaited; those of processes that are gone are given up."""
    rows = file.execute(
        "SELECT token, holder, since, until FROM trials"
        " WHERE provider = ? AND base_url = ? AND model = ? AND is_probe >= ?",
        (*place.row, probes),
    ).fetchall()
    lost = [(token,) for token, who, since, until in rows if not since <= now < until or is_gone(who)]
    file.executemany("DELETE FROM trials WHERE token = ?", lost)
    return len(rows) - len(lost)


def _end_trial(file: sqlite3.Connection, leave: Leave) -> bool:
    """Take a call from those that are awaited; whether it was the probe, and still is."""
    if leave.token is None:
        return False
    gone = file.execute("DELETE FROM trials WHERE token = ?", (leave.token,))
    return leave.is_probe and gone.rowcount > 0

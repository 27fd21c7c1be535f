"""Whose turn is it? One queue a lane for all processes of this user: first come, first served, up to a deadline.

A call that may not go at once takes a ticket in the pace file and sleeps until it may. It goes as soon as there is
room for it *and for all with a lower ticket*, so that nobody is overtaken and nobody has to be woken. Tickets and
seats carry who holds them: those of a process that was killed are given up when somebody has to wait for them.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from synapse_cli.cascade.lane import GO, Lane, Queue, Wait
from synapse_cli.cascade.pace_file import PaceFile, Provider
from synapse_cli.core.clock import Clock
from synapse_cli.core.control import Control
from synapse_cli.core.errors import Shed, Withdrawn
from synapse_cli.core.processes import holder, is_gone
from synapse_cli.core.quota import Quota
from synapse_cli.profile.model import Limits

WORTH_TELLING_S = 0.5
"""A shorter wait is not noticed."""
_STEP_S = 0.1
"""How often a sleeper looks whether it was stopped."""
_LOOK_S = 2.0
"""How often a waiter looks again though it knows its time: others may have left, or the provider asked for more."""
_SOONEST_LOOK_S = 0.02
_REAP_S = 1.0
_LEASE_S = 900.0
"""How long a seat is held for a process that cannot be asked after: on another machine, in another container."""

Tell = Callable[[float, str], None]
"""Hears how long a wait will be, and why."""


class Access(NamedTuple):
    """With which key which model of which provider is asked: a lane, and a model in it."""

    provider: Provider
    key: str
    """Where the key comes from ("env:OPENAI_API_KEY"), never what it is; empty where none is needed."""
    model: str

    @property
    def lane(self) -> str:
        """The lane's name in the file."""
        return json.dumps([self.provider.name, self.provider.base_url, self.key])

    def __str__(self) -> str:
        return f"{self.provider} with {self.key}" if self.key else str(self.provider)


class Turn:
    """A seat: that a call may go out now. Whoever took it says how the call ended, once."""

    def __init__(self, limiter: Limiter, access: Access, tokens: int) -> None:
        self.limiter = limiter
        self.access = access
        self.tokens = tokens
        self.seat: int | None = None
        """None where the file cannot be used."""
        self.sent_at = 0.0
        self._began = 0.0

    def answered(self, tokens: int | None, quota: Quota = ()) -> None:
        """The provider answered; it took so many tokens."""

        def note(lane: Lane, now: float, _flying: int) -> None:
            lane.settled(self.sent_at, self.tokens, tokens)
            lane.answered(now, self.limiter.monotonic() - self._began, self.access.model)
            lane.hears(now, quota, self.access.model)

        self._end(note)

    def refused(self, retry_after_s: float | None, quota: Quota = ()) -> None:
        """The provider said that there are too many requests."""

        def note(lane: Lane, now: float, flying: int) -> None:
            lane.settled(self.sent_at, self.tokens, 0)
            lane.refused(now, self.sent_at, retry_after_s, flying)
            lane.hears(now, quota, self.access.model)

        self._end(note)

    def failed(self, *, is_billed: bool, late_s: float) -> None:
        """It went out, and no answer came; `late_s` is counted as if it had taken so much longer."""

        def note(lane: Lane, _now: float, _flying: int) -> None:
            if not is_billed:
                lane.settled(self.sent_at, self.tokens, 0)
            if late_s:
                lane.took(self.limiter.monotonic() - self._began + late_s, self.access.model)

        self._end(note)

    def unsent(self) -> None:
        """Nothing was sent after all."""
        self._end(lambda lane, _now, _flying: lane.unsent(self.sent_at, self.tokens))

    def _end(self, note: Callable[[Lane, float, int], None]) -> None:
        seat, self.seat = self.seat, None
        if seat is not None:
            self.limiter.end(self.access, seat, note)

    def start(self, now: float, seat: int) -> None:
        """The call goes out."""
        self.sent_at, self.seat, self._began = now, seat, self.limiter.monotonic()


class Limiter:
    """The lanes of all providers, in the file that all processes share. Without it everybody may go."""

    def __init__(self, pace: PaceFile, clock: Clock) -> None:
        self._pace = pace
        self._clock = clock

    def take(self, access: Access, tokens: int, limits: Limits, control: Control, tell: Tell) -> Turn:
        """Wait for a turn. Raises Shed where none comes in time, at once where that can be foreseen."""
        turn = Turn(self, access, tokens)
        ticket: int | None = None
        began, is_told = self.monotonic(), False
        until = began + control.remaining_s(limits.max_wait_s)
        try:
            while True:
                wait, ahead, ticket = self._try(turn, ticket, limits)
                if wait is GO:
                    ticket = None
                    return turn
                left_s = until - self.monotonic()
                if _is_too_long(wait, left_s):
                    raise _shed(access, wait, limits)
                if not is_told and wait.seconds >= WORTH_TELLING_S:
                    is_told = True
                    tell(wait.seconds, f"{wait.reason} ({access})")
                self._sleep(min(left_s, _nap(wait, ahead, self.monotonic() - began)), control)
        finally:
            if ticket is not None:
                self._pace.within(lambda file: _leave(file, ticket), None)

    def end(self, access: Access, seat: int, note: Callable[[Lane, float, int], None]) -> None:
        """Give a seat back, and write down how its call ended."""

        def write(file: sqlite3.Connection) -> None:
            now = self._pace.now()
            lane, flying = read_lane(file, access.lane, now), queue_of(file, access.lane).flying
            _leave(file, seat)
            note(lane, now, flying)
            _write(file, access.lane, lane, now)

        self._pace.within(write, None)

    def monotonic(self) -> float:
        """Seconds since some instant."""
        return self._clock.monotonic()

    def _try(self, turn: Turn, ticket: int | None, limits: Limits) -> tuple[Wait, int, int | None]:
        """Take a seat, else a ticket; tell how long to wait, and how many come before."""

        def write(file: sqlite3.Connection) -> tuple[Wait, int, int | None]:
            now, name = self._pace.now(), turn.access.lane
            lane, queue = read_lane(file, name, now), queue_of(file, name, ticket)
            wait = lane.wait(now, queue, turn.tokens, limits, turn.access.model)
            if wait.seconds > 0 and has_reaped(file, name, lane, queue, now):
                queue = queue_of(file, name, ticket)
                wait = lane.wait(now, queue, turn.tokens, limits, turn.access.model)
            if wait.seconds > 0:
                return wait, queue.ahead, ticket or _seat(file, turn, now, None)
            if ticket is not None:
                _leave(file, ticket)
            lane.sent(now, turn.tokens)
            _write(file, name, lane, now)
            turn.start(now, _seat(file, turn, now, now))
            return GO, 0, None

        admitted: tuple[Wait, int, int | None] = (GO, 0, None)
        return self._pace.within(write, admitted)

    def _sleep(self, seconds: float, control: Control) -> None:
        """Sleep in short steps; raises Withdrawn where the call was stopped."""
        until = self.monotonic() + seconds
        while (left_s := until - self.monotonic()) > 0:
            if control.stopped:
                raise Withdrawn("interrupted")
            self._clock.sleep(min(_STEP_S, left_s))


def _is_too_long(wait: Wait, left_s: float) -> bool:
    """Whether no turn can come in time; a guess is believed only where even half of it would be too long."""
    return left_s <= 0 or wait.seconds * (1.0 if wait.is_sure else 0.5) > left_s


def _nap(wait: Wait, ahead: int, waited_s: float) -> float:
    """How long to sleep before the next look: as long as is known, else by how many come before, and how slow it is."""
    jitter = int.from_bytes(os.urandom(2), "big") / 65_536  # `random` costs 3 ms of import
    if wait.is_sure:
        return min(_LOOK_S, wait.seconds + jitter * min(0.02, wait.seconds / 10))
    soonest_s = _SOONEST_LOOK_S * (1 + ahead) * (1 + min(waited_s, 10.0) / 5)
    return min(_LOOK_S, max(wait.seconds / 2, soonest_s) * (1 + jitter / 4))


def _shed(access: Access, wait: Wait, limits: Limits) -> Shed:
    about = "" if wait.is_sure else "about "
    return Shed(
        f"{access} is busy: {wait.reason}, and a turn would have come in {about}{wait.seconds:.0f} s",
        f"try again later, or raise limits.max_wait ({limits.max_wait_s:g} s) or --timeout",
        retry_after_s=wait.seconds,
    )


def read_lane(file: sqlite3.Connection, name: str, now: float) -> Lane:
    """A lane as it stands in the file."""
    row = file.execute("SELECT state FROM lanes WHERE lane = ?", (name,)).fetchone()
    return Lane.read(row[0] if row else None, now)


def queue_of(file: sqlite3.Connection, lane: str, ticket: int | None = None) -> Queue:
    """Who flies, and who waits before this ticket; before no ticket at all wait all."""
    flying, flying_tokens, ahead, ahead_tokens = file.execute(
        "SELECT count(sent_at), coalesce(sum(CASE WHEN sent_at IS NULL THEN 0 ELSE tokens END), 0),"
        " count(*) - count(sent_at), coalesce(sum(CASE WHEN sent_at IS NULL THEN tokens ELSE 0 END), 0)"
        " FROM seats WHERE lane = ? AND (sent_at IS NOT NULL OR ticket < ?)",
        (lane, 1 << 62 if ticket is None else ticket),
    ).fetchone()
    return Queue(flying, flying_tokens, ahead, ahead_tokens)


def _seat(file: sqlite3.Connection, turn: Turn, now: float, sent_at: float | None) -> int:
    row = file.execute(
        "INSERT INTO seats (lane, model, holder, tokens, until, sent_at) VALUES (?, ?, ?, ?, ?, ?)",
        (turn.access.lane, turn.access.model, holder(), turn.tokens, now + _LEASE_S, sent_at),
    )
    assert row.lastrowid is not None
    return row.lastrowid


def _leave(file: sqlite3.Connection, ticket: int) -> None:
    file.execute("DELETE FROM seats WHERE ticket = ?", (ticket,))


def has_reaped(file: sqlite3.Connection, name: str, lane: Lane, queue: Queue, now: float) -> bool:
    """Give up the seats and tickets of processes that are gone, once a second; return whether that was done."""
    if not (queue.flying or queue.ahead) or abs(now - lane.reaped_at) < _REAP_S:
        return False
    _reap(file, name, now)
    lane.reaped_at = now
    _write(file, name, lane, now)
    return True


def _reap(file: sqlite3.Connection, lane: str, now: float) -> None:
    here = holder().rsplit(" ", 2)[0] + " "
    rows = file.execute("SELECT ticket, holder, until FROM seats WHERE lane = ?", (lane,)).fetchall()
    gone = {who: is_gone(who) for _, who, _ in rows}
    is_known = {who: who.startswith(here) and not who.endswith(" -") for who in gone}
    lost = [(ticket,) for ticket, who, until in rows if gone[who] or (now > until and not is_known[who])]
    file.executemany("DELETE FROM seats WHERE ticket = ?", lost)


def _write(file: sqlite3.Connection, name: str, lane: Lane, now: float) -> None:
    file.execute("INSERT OR REPLACE INTO lanes VALUES (?, ?, ?)", (name, lane.written(now), now))

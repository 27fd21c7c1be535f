"""How does each key stand? Calls in flight and in the queue, what was learned of limits, and what is set aside.

For those who look, and to begin anew; a key is named by where it comes from.
"""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import dataclass

from synapse_cli.cascade.aside import ASIDE_S
from synapse_cli.cascade.lane import Lane
from synapse_cli.cascade.pace_file import PaceFile, Provider
from synapse_cli.core.processes import is_gone
from synapse_cli.core.quota import Unit


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider said is left of one of its limits."""

    model: str
    unit: Unit
    limit: int | None
    remaining: int | None
    full_in_s: float
    """Seconds until all of it is there again."""
    window_s: float | None


@dataclass(frozen=True, slots=True)
class SetAside:
    """A key that a provider rejected."""

    model: str
    reason: str
    left_s: float
    """Seconds until it is tried again, if it does not change before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneStanding:
    """One key at one provider."""

    provider: Provider
    key: str
    """"env:OPENAI_API_KEY"; empty where none is needed."""
    flying: int
    waiting: int
    requests: int
    tokens: int
    """Sent within the last minute; tokens as far as they are known, else as reserved."""
    window: int | None
    """Calls in flight that are let through as yet; None without bound."""
    per_minute: float | None
    """The rate to which a 429 slowed it down; None without bound."""
    held_s: float
    """Seconds that the provider asked to wait, and that are left."""
    told: tuple[Told, ...]
    aside: tuple[SetAside, ...]


def lanes(pace: PaceFile) -> list[LaneStanding]:
    """Every key that was used or set aside lately, in order of provider; nothing where the file is not there."""
    return pace.within(lambda file: _lanes(file, pace.now()), []) if os.path.exists(pace.path) else []


def forget(pace: PaceFile, provider: Provider) -> None:
    """Forget what was learned of a provider's limits, and try its keys again; calls in flight keep their seats."""

    def delete(file: sqlite3.Connection) -> None:
        for (name,) in file.execute("SELECT lane FROM lanes UNION SELECT lane FROM aside").fetchall():
            if json.loads(name)[:2] == [provider.name, provider.base_url]:
                file.execute("DELETE FROM lanes WHERE lane = ?", (name,))
                file.execute("DELETE FROM aside WHERE lane = ?", (name,))

    if os.path.exists(pace.path):
        pace.within(delete, None)


def _lanes(file: sqlite3.Connection, now: float) -> list[LaneStanding]:
    found = {name: Lane.read(state, now) for name, state in file.execute("SELECT lane, state FROM lanes")}
    aside: dict[str, list[SetAside]] = {}
    for name, model, since, reason in file.execute("SELECT lane, model, since, reason FROM aside ORDER BY model"):
        if 0 <= now - since < ASIDE_S:
            aside.setdefault(name, []).append(SetAside(model, reason, since + ASIDE_S - now))
    seats = file.execute("SELECT lane, sent_at IS NOT NULL, holder FROM seats").fetchall()
    alive = [(name, is_sent) for name, is_sent, holder in seats if not is_gone(holder)]
    return [
        _standing(name, found.get(name, Lane()), alive, tuple(aside.get(name, ())), now)
        for name in sorted({*found, *aside})
    ]


def _standing(
    name: str, lane: Lane, seats: list[tuple[str, int]], aside: tuple[SetAside, ...], now: float
) -> LaneStanding:
    provider, base_url, key = json.loads(name)
    requests, tokens = lane.sent_lately(now)
    return LaneStanding(
        provider=Provider(provider, base_url),
        key=key,
        flying=seats.count((name, 1)),
        waiting=seats.count((name, 0)),
        requests=requests,
        tokens=tokens,
        window=None if lane.window is None else int(lane.window),
        per_minute=lane.per_minute(now),
        held_s=max(0.0, lane.hold - now),
        told=_told(lane, now),
        aside=aside,
    )


def _told(lane: Lane, now: float) -> tuple[Told, ...]:
    return tuple(
        Told(model, unit, limit, remaining, max(0.0, full_at - now), window_s)
        for model, each in sorted(lane.told.items())
        for unit, limit, remaining, full_at, window_s, _told_at in each
    )

"""How does each provider stand, as all processes know it? For those who look, and to begin anew."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass

from synapse_cli.cascade.breaker import Place
from synapse_cli.cascade.circuit import Circuit
from synapse_cli.cascade.pace_file import PaceFile, Provider
from synapse_cli.core.processes import is_gone

_KEPT_S = 30 * 86_400.0
"""What was not called for so long is forgotten."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A model at a provider, what is known of it, and how many calls others wait for the end of."""

    place: Place
    circuit: Circuit
    under_way: int = 0

    def state(self, now: float) -> str:
        """`untried`, `closed`, `open` or `half-open`."""
        return "untried" if self.circuit == Circuit() else self.circuit.state(now)


def standings(pace: PaceFile) -> list[Standing]:
    """Every model that was called, in order of provider and name; nothing where the file is not there."""
    return pace.within(lambda file: _standings(file, pace.now()), []) if os.path.exists(pace.path) else []


def reset(pace: PaceFile, place: Place) -> None:
    """Forget what is known of a place, and how often calls of its provider were repeated."""

    def forget(file: sqlite3.Connection) -> None:
        file.execute("DELETE FROM circuits WHERE provider = ? AND base_url = ? AND model = ?", place.row)
        file.execute("DELETE FROM trials WHERE provider = ? AND base_url = ? AND model = ?", place.row)
        file.execute("DELETE FROM retries WHERE provider = ? AND base_url = ?", place.row[:2])

    pace.within(forget, None)


def _standings(file: sqlite3.Connection, now: float) -> list[Standing]:
    file.execute("DELETE FROM circuits WHERE max(coalesce(ok_at, 0), coalesce(failed_at, 0)) < ?", (now - _KEPT_S,))
    trials = file.execute("SELECT provider, base_url, model, holder FROM trials").fetchall()
    alive = [row[:3] for row in trials if not is_gone(row[3])]
    rows = file.execute("SELECT * FROM circuits ORDER BY provider, base_url, model").fetchall()
    return [Standing(_place(row), Circuit(*row[3:]), alive.count(row[:3])) for row in rows]


def _place(row: tuple[str, ...]) -> Place:
    return Place(Provider(row[0], row[1]), row[2])

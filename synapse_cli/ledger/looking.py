"""Follow the ledger while others write it: which runs have begun, and which have ended."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from synapse_cli.ledger import reading, totals
from synapse_cli.ledger.reading import Filter, Row

_SLACK_S = 30.0
"""A run is written down a little after its id was made, and may so come after younger ones."""
MOST_AT_ONCE = 20_000
"""Runs read by one look: what a day of a busy machine may leave, within a second."""


class Feed:
    """The runs that began since an instant, kept up to date; only what may have changed is read again."""

    def __init__(self, path: str, *, since: float, tenant: str | None = None) -> None:
        self._path = path
        self._since = since
        self._tenant = tenant
        self._looked = since
        self._seen: tuple[object, ...] | None = None
        self.runs: dict[str, Row] = {}
        """By id; ids sort by time."""

    def has_changed(self) -> bool:
        """Whether the ledger's file is another than at the last time; two `stat`s."""
        seen = (state_of(self._path), state_of(f"{self._path}-wal"))
        changed, self._seen = seen != self._seen, seen
        return changed

    def look(self, now: float) -> list[Row]:
        """Read what is new, and return the runs that have ended since, oldest first. Raises InputError."""
        ended: list[Row] = []
        wanted = Filter(since=self._floor(), tenant=self._tenant, most=MOST_AT_ONCE)
        for row in reversed(reading.runs(self._path, wanted, now)):
            known = self.runs.get(str(row["run_id"]))
            self.runs[str(row["run_id"])] = row
            if row["status"] != "running" and (known is None or known["status"] == "running"):
                ended.append(row)
        self._looked = now
        return ended

    def forget(self, before: float) -> None:
        """Drop the runs that began earlier, those under way excepted."""
        self._since = max(self._since, before)
        self.runs = {
            run_id: run for run_id, run in self.runs.items() if run["status"] == "running" or _began(run) >= before
        }

    def _floor(self) -> float:
        """No run that began before has changed."""
        under_way = [_began(run) for run in self.runs.values() if run["status"] == "running"]
        return min([max(self._since, self._looked - _SLACK_S), *under_way])


def names(path: str, what: str, tenant: str | None) -> list[str]:
    """Every name that recorded runs (of a tenant) have of a "model" or "route", sorted. Raises InputError."""
    whose = "1" if tenant is None else "tenant = ?"
    query = f"SELECT DISTINCT {what} FROM series WHERE {what} <> '' AND {whose} ORDER BY 1"  # noqa: S608  # our own words
    return [str(name) for (name,) in _asked(path, query, [] if tenant is None else [tenant])]


def in_doubt(path: str, *, since: float | None, until: float | None, tenant: str | None, now: float) -> int:
    """How many runs began and are not known to have ended; few, and found by an index. Raises InputError."""
    found = reading.runs(path, Filter(status="in doubt", since=since, tenant=tenant), now)
    return sum(until is None or _began(run) < until for run in found)


def asking(path: str, runs: Sequence[str]) -> dict[str, str]:
    """Run → the model that it asks right now, of these runs. Raises InputError."""
    holes = ", ".join("?" * len(runs))
    query = f"SELECT run, model FROM calls WHERE outcome IS NULL AND run IN ({holes}) ORDER BY run, place"  # noqa: S608  # our own words
    return {str(run): str(model) for run, model in _asked(path, query, runs)}


def state_of(path: str) -> tuple[int, ...] | None:
    """What changes where a file is written; None where there is none."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns)


def _asked(path: str, query: str, values: Sequence[str]) -> list[tuple[str, ...]]:
    with closing(totals.opened(path)) as book:
        try:
            return [tuple(row) for row in book.execute(query, values)]
        except sqlite3.Error as error:
            raise totals.unreadable(path, error) from error


def _began(run: Row) -> float:
    return datetime.fromisoformat(str(run["started"])).timestamp()

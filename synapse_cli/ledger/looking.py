"""Follow the ledger while others write it: which runs have begun, and which have ended."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing

from synapse_cli.core.ids import new_run_id
from synapse_cli.ledger import totals
from synapse_cli.ledger.reading import _RUNS, Row, _ask, _open, _told

_SLACK_S = 30.0
"""A run is written down a little after its id was made, and may so come after younger ones."""
_MOST_AT_ONCE = 20_000
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
        """Whether the ledger's file is another than at the last look; two `stat`s."""
        seen = tuple(_state(self._path + suffix) for suffix in ("", "-wal"))
        changed, self._seen = seen != self._seen, seen
        return changed

    def look(self, now: float) -> list[Row]:
        """Read what is new, and return the runs that have ended since the last look, oldest first."""
        ended: list[Row] = []
        for row in self._rows(now):
            known = self.runs.get(str(row["run_id"]))
            self.runs[str(row["run_id"])] = row
            if row["status"] != "running" and (known is None or known["status"] == "running"):
                ended.append(row)
        self._looked = now
        return ended

    def forget(self, before: float) -> None:
        """Drop the runs that began earlier, those under way excepted."""
        oldest = _first_id(before)
        self.runs = {run_id: row for run_id, row in self.runs.items() if run_id >= oldest or row["status"] == "running"}
        self._since = max(self._since, before)

    def _rows(self, now: float) -> list[Row]:
        query = f"{_RUNS} WHERE r.id >= ? ORDER BY r.id LIMIT {_MOST_AT_ONCE}"
        with closing(_open(self._path)) as book:
            found = _ask(book, self._path, query, [self._floor()])
            return [_told(row, now) for row in found]

    def _floor(self) -> str:
        """No run below it can have changed."""
        under_way = [run_id for run_id, row in self.runs.items() if row["status"] == "running"]
        recent = _first_id(max(self._since, self._looked - _SLACK_S))
        return min([recent, *under_way])


def names(path: str, what: str) -> list[str]:
    """Every name that recorded runs have of a "model", "route" or "tenant", sorted."""
    with closing(totals.opened(path)) as book:
        try:
            found = book.execute(f"SELECT DISTINCT {what} FROM series WHERE {what} <> '' ORDER BY 1")  # noqa: S608  # our own words
            return [str(row[0]) for row in found]
        except sqlite3.Error as error:
            raise totals.unreadable(path, error) from error


def asking(path: str, runs: Iterable[str]) -> dict[str, str]:
    """Run → the model that it asks right now, of these runs."""
    wanted = sorted(runs)
    query = f"SELECT run, model FROM calls WHERE outcome IS NULL AND run IN ({', '.join('?' * len(wanted))})"  # noqa: S608
    with closing(_open(path)) as book:
        return {str(row["run"]): str(row["model"]) for row in _ask(book, path, query, [*wanted])}


def _first_id(instant: float) -> str:
    return new_run_id(instant, bytes(7))


def _state(path: str) -> tuple[int, ...] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns)

"""Has a limit of a day or month been used to half, to four fifths, up? Each is told once, by one of all processes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synapse_cli.ledger import account_periods as periods
from synapse_cli.ledger.account import UNITS, Scope, Unit, amount_text, plain
from synapse_cli.ledger.account_calls import Bound, kept_limits, raised_limit, raises
from synapse_cli.ledger.account_periods import Period

_WHEN: dict[Period, str] = {"day": "today", "month": "this month"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A limit of which so much is used."""

    scope: Scope
    period: Period
    since: str
    unit: Unit
    per_cent: int
    """The mark that was passed."""
    spent: int
    limit: int
    command: tuple[str, ...] = ()
    """Who is to be told besides the user."""

    @property
    def message(self) -> str:
        """One line for a person."""
        share = 100 * self.spent // self.limit if self.limit else 100
        limit = amount_text(self.unit, self.limit)
        spent = amount_text(self.unit, self.spent) if self.unit == "dollars" else plain(self.unit, self.spent)
        whose = f"the budget of {self.scope} for {_WHEN[self.period]}"
        return f"{share} % of {whose} is used: {spent} of {limit}"

    def as_json(self) -> dict[str, str | int | float]:
        """What the user's command gets on its stdin."""
        return {
            "schema_version": 1,
            "kind": "budget_alert",
            "scope": self.scope.kind,
            "name": self.scope.name,
            "period": self.period,
            "since": self.since,
            "unit": self.unit,
            "per_cent": self.per_cent,
            "spent": plain(self.unit, self.spent),
            "limit": plain(self.unit, self.limit),
            "message": self.message,
        }


def passed(book: sqlite3.Connection, bounds: Sequence[Bound], now: float) -> Iterator[Alert]:
    """Every mark that is passed and was not told of, by anybody; within the caller's transaction."""
    raised = raises(book, now)
    for bound in bounds:
        for period in kept_limits(bound.settings):
            limits = {unit: raised_limit(bound, period, unit, raised) for unit in UNITS}
            key = periods.key(period, now)
            spent = _settled(book, bound.scope.key, key)
            for unit, limit in limits.items():
                marks = [] if limit is None else [m for m in bound.settings.alerts if spent[unit] * 100 >= m * limit]
                if limit is not None and marks and spent[unit] > 0:
                    alert = Alert(
                        scope=bound.scope,
                        period=period,
                        since=key[1:],
                        unit=unit,
                        per_cent=max(marks),
                        spent=spent[unit],
                        limit=limit,
                        command=bound.settings.alert_command,
                    )
                    if _is_news(book, alert, key, marks, now):
                        yield alert


def _settled(book: sqlite3.Connection, scope: str, period: str) -> dict[Unit, int]:
    """What is spent, without what is only promised to calls under way."""
    columns = ", ".join(f"coalesce(sum({unit} - held_{unit}), 0)" for unit in UNITS)
    row = book.execute(
        f"SELECT {columns} FROM sums WHERE scope = ? AND period >= ? AND period < ?",  # noqa: S608  # our own words
        (scope, period, periods.after(period)),
    ).fetchone()
    return dict(zip(UNITS, row, strict=True))


def _is_news(book: sqlite3.Connection, alert: Alert, period: str, marks: Sequence[int], now: float) -> bool:
    """Whether the highest mark that is passed is told of for the first time; those below it are told with it."""
    is_news = False
    for mark in sorted(marks):
        what = "\n".join((alert.scope.key, period, alert.unit, str(alert.limit), str(mark)))
        row = (what, alert.scope.key, period, now, alert.message)
        is_news = book.execute("INSERT OR IGNORE INTO told VALUES (?, ?, ?, ?, ?)", row).rowcount == 1
    return is_news

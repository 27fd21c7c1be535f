"""Has a limit of a day or month been used to half, to four fifths, up? Each is told once, by one of all processes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from synapse_cli.ledger import account_periods as periods
from synapse_cli.ledger.account import Scope, Unit, amount_text, plain
from synapse_cli.ledger.account_periods import Period
from synapse_cli.ledger.account_watch import Reached

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


def news(book: sqlite3.Connection, reached: Iterable[Reached], now: float) -> Iterator[Alert]:
    """Every mark that was not told of, by anybody; within the caller's transaction."""
    for bound, period, unit, spent, limit in reached:
        key = periods.key(period, now)
        marks = [mark for mark in bound.settings.alerts if spent * 100 >= mark * limit]
        alert = Alert(
            scope=bound.scope,
            period=period,
            since=key[1:],
            unit=unit,
            per_cent=max(marks),
            spent=spent,
            limit=limit,
            command=bound.settings.alert_command,
        )
        if _is_news(book, alert, key, marks, now):
            yield alert


def _is_news(book: sqlite3.Connection, alert: Alert, period: str, marks: Sequence[int], now: float) -> bool:
    """Whether the highest mark that is passed is told of for the first time; those below it are told with it."""
    is_news = False
    for mark in sorted(marks):
        what = "\n".join((alert.scope.key, period, alert.unit, str(alert.limit), str(mark)))
        row = (what, alert.scope.key, period, now, alert.message)
        is_news = book.execute("INSERT OR IGNORE INTO told VALUES (?, ?, ?, ?, ?)", row).rowcount == 1
    return is_news

"""Who looks at what was entered into the account: alerts with each call, anomalies once a minute."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from synapse_cli.core.budget import Amounts
from synapse_cli.core.grants import Bid
from synapse_cli.ledger import account_periods as periods
from synapse_cli.ledger import schema
from synapse_cli.ledger.account import UNITS, UNUSABLE, Account, Unit
from synapse_cli.ledger.account_calls import Bound, kept_limits, raised_limit, raises, sweep
from synapse_cli.ledger.account_periods import Period

if TYPE_CHECKING:
    from synapse_cli.ledger.account_alerts import Alert

Reached: TypeAlias = "tuple[Bound, Period, Unit, int, int]"
"""A limit of which a mark is reached: whose, when, of what, how much is spent, and the limit."""
_FORGET_S = 62 * 86_400.0
"""When a promise in doubt is forgotten: its month is over."""


class Watch:
    """Notes within the transaction that settles a call, and tells after it. Nothing is raised."""

    def __init__(self, account: Account, *, warn: Callable[[str], None], alert: Callable[[Alert], None]) -> None:
        self._account = account
        self._warn = warn
        self._alert = alert
        self._news: list[Alert] = []
        self._is_due = False
        self._lock = Lock()

    def entered(self, book: sqlite3.Connection, bounds: Sequence[Bound], bid: Bid, spent: Amounts, now: float) -> None:
        """Look at what a call took, within the transaction that entered it."""
        reached = list(_reached(book, bounds, now))
        if reached:
            from synapse_cli.ledger.account_alerts import news

            with self._lock:
                self._news += news(book, reached, now)
        if not bid.is_local:
            from synapse_cli.ledger import anomaly

            self._is_due = anomaly.note(book, bid, spent, now) or self._is_due

    def told(self, now: float) -> None:
        """Tell of what was found, after the transaction."""
        with self._lock:
            news, self._news = self._news, []
        for alert in news:
            self._alert(alert)
        if self._is_due:
            self._is_due = False
            for message in self._looked(now):
                self._warn(message)

    def _looked(self, now: float) -> list[str]:
        from synapse_cli.ledger import anomaly

        ledger = os.path.join(os.path.dirname(self._account.path), schema.FILE)
        try:
            shifts = anomaly.shifts(ledger, now) if os.path.exists(ledger) else []
            with self._account.transaction() as book:
                _tidy(book, now)
                return anomaly.look(book, now, shifts)
        except UNUSABLE:
            return []  # what was spent is entered; a warning less is no loss


def _reached(book: sqlite3.Connection, bounds: Sequence[Bound], now: float) -> Iterator[Reached]:
    """The limits of which the lowest mark is reached; told or not, most calls reach none."""
    limited = [bound for bound in bounds if bound.is_limited and bound.settings.alerts]
    raised = raises(book, now) if limited else {}
    for bound in limited:
        least = min(bound.settings.alerts)
        for period, units in kept_limits(bound.settings).items():
            spent = _settled(book, bound.scope.key, periods.key(period, now))
            for unit in units:
                limit = raised_limit(bound, period, unit, raised)
                if limit is not None and spent[unit] > 0 and spent[unit] * 100 >= least * limit:
                    yield bound, period, unit, spent[unit], limit


def _settled(book: sqlite3.Connection, scope: str, period: str) -> dict[Unit, int]:
    """What is spent, without what is only promised to calls under way."""
    columns = ", ".join(f"coalesce(sum({unit} - held_{unit}), 0)" for unit in UNITS)
    row = book.execute(
        f"SELECT {columns} FROM sums WHERE scope = ? AND period >= ? AND period < ?",  # noqa: S608  # our own words
        (scope, period, periods.after(period)),
    ).fetchone()
    return dict(zip(UNITS, row, strict=True))


def _tidy(book: sqlite3.Connection, now: float) -> None:
    """Mark what nobody will settle any more, and forget what no period counts."""
    from synapse_cli.ledger import account_family as family

    sweep(book)
    family.sweep(book)
    book.execute("DELETE FROM reservations WHERE in_doubt = 1 AND at < ?", (now - _FORGET_S,))
    book.execute("DELETE FROM entered WHERE reservation NOT IN (SELECT id FROM reservations)")
    book.execute("DELETE FROM raises WHERE until < ?", (now - _FORGET_S,))
    book.execute("DELETE FROM told WHERE at < ?", (now - _FORGET_S,))

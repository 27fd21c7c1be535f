"""Who looks at what was entered into the account: alerts with each call, anomalies once a minute."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from synapse_cli.core.budget import Amounts
from synapse_cli.core.grants import Bid
from synapse_cli.ledger import account_family as family
from synapse_cli.ledger import schema
from synapse_cli.ledger.account import UNUSABLE, Account
from synapse_cli.ledger.account_calls import Bound, sweep

if TYPE_CHECKING:
    from synapse_cli.ledger.account_alerts import Alert

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
        limited = [bound for bound in bounds if bound.is_limited and bound.settings.alerts]
        if limited:
            from synapse_cli.ledger import account_alerts as alerts

            with self._lock:
                self._news += alerts.passed(book, limited, now)
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


def _tidy(book: sqlite3.Connection, now: float) -> None:
    """Mark what nobody will settle any more, and forget what no period counts."""
    sweep(book)
    family.sweep(book)
    book.execute("DELETE FROM reservations WHERE in_doubt = 1 AND at < ?", (now - _FORGET_S,))
    book.execute("DELETE FROM entered WHERE reservation NOT IN (SELECT id FROM reservations)")
    book.execute("DELETE FROM raises WHERE until < ?", (now - _FORGET_S,))
    book.execute("DELETE FROM told WHERE at < ?", (now - _FORGET_S,))

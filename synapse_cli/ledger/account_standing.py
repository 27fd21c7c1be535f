"""How does every budget of a day and a month stand: limit, spent, reserved, in doubt, left?"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal

from synapse_cli.core import processes
from synapse_cli.core.errors import InputError
from synapse_cli.ledger import account_periods as periods
from synapse_cli.ledger.account import MICRO, PICO, UNITS, Scope, Unit, opened_to_read
from synapse_cli.ledger.account_calls import Bound, raised_limit, raises
from synapse_cli.ledger.account_periods import PERIODS, Period

Amount = Decimal | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One limit, or one sum that has none, in the units of the file (dollars of 1e-12, millionths of a second)."""

    scope: Scope
    period: Period
    since: str
    """The day or month, as in 2026-11-21 or 2026-11."""
    unit: Unit
    limit: int | None
    is_raised: bool
    spent: int
    reserved: int
    """Promised to calls that are under way."""
    in_doubt: int
    """Promised to calls of which nobody knows how they ended; it counts as spent."""
    unknown: int
    """Calls whose cost nobody knows, and that had no promise."""

    @property
    def gone(self) -> int:
        """What is not left."""
        return self.spent + self.reserved + self.in_doubt

    @property
    def left(self) -> int | None:
        """What is left; None where there is no limit."""
        return None if self.limit is None else max(0, self.limit - self.gone)

    @property
    def per_cent(self) -> float | None:
        """How much of the limit is gone; None where there is none."""
        if self.limit is None:
            return None
        return 100.0 * self.gone / self.limit if self.limit else 100.0

    def said(self, amount: int | None) -> Amount | None:
        """An amount in the unit's own words: dollars, tokens, seconds, calls."""
        if amount is None or self.unit in {"tokens", "steps"}:
            return amount
        return Decimal(amount) / PICO if self.unit == "dollars" else amount / MICRO


def standings(path: str, bounds: Sequence[Bound], now: float) -> list[Standing]:
    """Read how each scope stands: every limit, and money also where it has none. Raises InputError."""
    try:
        book = opened_to_read(path)
        if book is None:
            return _of(None, bounds, now)
        with closing(book):
            return _of(book, bounds, now)
    except sqlite3.Error as error:
        raise InputError(
            f"the account {path} cannot be read: {error}", "begin a new one: synapse budget reset day"
        ) from error


def notices(path: str, since: float) -> list[str]:
    """What was warned of: anomalies, and of each limit its last alert; newest first.

    Nothing where the account cannot be read.
    """
    try:
        book = opened_to_read(path)
        if book is None:
            return []
        with closing(book):
            rows = book.execute("SELECT what, scope, message FROM told WHERE at >= ? ORDER BY at DESC", (since,))
            last: dict[str, str] = {}
            for what, scope, message in rows.fetchall():
                # An alert is kept as scope, period, unit, limit, mark; an anomaly belongs to no scope.
                last.setdefault(what.rsplit("\n", 2)[0] if scope else what, message)
            return list(dict.fromkeys(last.values()))
    except sqlite3.Error:
        return []


def _of(book: sqlite3.Connection | None, bounds: Sequence[Bound], now: float) -> list[Standing]:
    raised = {} if book is None else raises(book, now)
    promises = _Promises(book)
    found = []
    for bound in bounds:
        for period in PERIODS:
            key = periods.key(period, now)
            sums, unknown = _sums(book, bound.scope.key, key)
            for unit in UNITS:
                limit = raised_limit(bound, period, unit, raised)
                if limit is None and unit != "dollars":
                    continue
                reserved, in_doubt = promises.of(bound.scope.key, key, unit)
                found.append(
                    Standing(
                        scope=bound.scope,
                        period=period,
                        since=key[1:],
                        unit=unit,
                        limit=limit,
                        is_raised=limit is not None and limit != raised_limit(bound, period, unit, {}),
                        spent=sums[unit] - reserved - in_doubt,
                        reserved=reserved,
                        in_doubt=in_doubt,
                        unknown=unknown,
                    )
                )
    return found


def _sums(book: sqlite3.Connection | None, scope: str, period: str) -> tuple[dict[Unit, int], int]:
    if book is None:
        return dict.fromkeys(UNITS, 0), 0
    *sums, unknown = book.execute(
        "SELECT coalesce(sum(dollars), 0), coalesce(sum(tokens), 0), coalesce(sum(seconds), 0),"
        " coalesce(sum(steps), 0), coalesce(sum(unknown), 0) FROM sums WHERE scope = ? AND period >= ? AND period < ?",
        (scope, period, periods.after(period)),
    ).fetchone()
    return dict(zip(UNITS, sums, strict=True)), unknown


class _Promises:
    """What is promised to calls, by scope: to those under way, and to those that nobody knows of any more."""

    def __init__(self, book: sqlite3.Connection | None) -> None:
        query = (
            "SELECT e.scope, e.period, r.holder, r.in_doubt, r.dollars, r.tokens, r.seconds, r.steps"
            " FROM entered e JOIN reservations r ON r.id = e.reservation"
        )
        rows = [] if book is None else [tuple(row) for row in book.execute(query)]
        gone = {holder: processes.is_gone(holder) for _, _, holder, *_ in rows}
        self._rows = [
            (scope, period, bool(in_doubt) or gone[holder], dict(zip(UNITS, amounts, strict=True)))
            for scope, period, holder, in_doubt, *amounts in rows
        ]

    def of(self, scope: str, period: str, unit: Unit) -> tuple[int, int]:
        """What is reserved and what is in doubt, in this period or under a later date."""
        sums = [0, 0]
        for where, when, in_doubt, amounts in self._rows:
            if where == scope and period <= when < periods.after(period):
                sums[in_doubt] += amounts[unit]
        return sums[0], sums[1]

"""Change the account by hand: raise a limit for a while, begin a period anew, settle what is in doubt."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence

from synapse_cli.core import database
from synapse_cli.ledger import account_periods as periods
from synapse_cli.ledger.account import UNITS, Scope, Unit
from synapse_cli.ledger.account_calls import drop, sweep
from synapse_cli.ledger.account_periods import Period


def raise_limit(
    book: sqlite3.Connection, scope: Scope, period: Period, unit: Unit, amount: int, *, made: float, until: float
) -> None:
    """Let a limit be higher until an instant; within the caller's transaction."""
    book.execute(
        "INSERT OR REPLACE INTO raises VALUES (?, ?, ?, ?, ?, ?)", (scope.key, period, unit, amount, made, until)
    )


def forgive_doubt(book: sqlite3.Connection, scopes: Sequence[Scope]) -> int:
    """Take calls in doubt for calls that cost nothing, in these scopes; return how many."""
    sweep(book)
    wanted = {scope.key for scope in scopes}
    rows = book.execute(
        "SELECT e.reservation, e.scope, e.period, r.dollars, r.tokens, r.seconds, r.steps FROM entered e"
        " JOIN reservations r ON r.id = e.reservation WHERE r.in_doubt = 1"
    ).fetchall()
    found = [row for row in rows if row[1] in wanted]
    for reservation, scope, period, *amounts in found:
        book.execute(
            "UPDATE sums SET dollars = dollars - ?, tokens = tokens - ?, seconds = seconds - ?, steps = steps - ?"
            " WHERE scope = ? AND period = ?",
            (*amounts, scope, period),
        )
        book.execute(
            "DELETE FROM entered WHERE reservation = ? AND scope = ? AND period = ?", (reservation, scope, period)
        )
    _drop_empty(book)
    return len({row[0] for row in found})


def begin_anew(book: sqlite3.Connection, scopes: Sequence[Scope], wanted: Sequence[Period], now: float) -> None:
    """Let nothing be spent yet in these periods; what is reserved for calls under way stays, and so do raises."""
    sweep(book)
    for scope in scopes:
        for period in wanted:
            key = periods.key(period, now)
            where = "scope = ? AND period >= ? AND period < ?"
            values = (scope.key, key, periods.after(key))
            book.execute(
                f"DELETE FROM entered WHERE {where}"  # noqa: S608  # our own words
                " AND reservation IN (SELECT id FROM reservations WHERE in_doubt = 1)",
                values,
            )
            held = ", ".join(f"{unit} = held_{unit}" for unit in UNITS)
            book.execute(f"UPDATE sums SET {held}, unknown = 0 WHERE {where}", values)  # noqa: S608  # likewise
            book.execute("DELETE FROM told WHERE scope = ? AND period = ?", (scope.key, key))
    _drop_empty(book)


def set_aside(path: str) -> str:
    """Move an account that cannot be read out of the way, and return where it is now. Raises OSError."""
    aside = f"{path}.unreadable-{time.strftime('%Y%m%d-%H%M%S')}"
    os.replace(path, aside)
    database.remove(path)
    return aside


def _drop_empty(book: sqlite3.Connection) -> None:
    """Forget promises in doubt that stand nowhere any more."""
    rows = book.execute(
        "SELECT id FROM reservations WHERE in_doubt = 1 AND id NOT IN (SELECT reservation FROM entered)"
    ).fetchall()
    drop(book, [row[0] for row in rows])

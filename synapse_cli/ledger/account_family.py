"""Whose budget does a run draw from besides its own? That of the run whose check or script started it."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

from synapse_cli.core import processes
from synapse_cli.core.budget import Budget
from synapse_cli.ledger.account import PICO, bounded

_DEEPEST = 16
_WHOSE = "the budget of the run that started this one"
_HINT = "a run within a run draws from the outer one's budget: raise that, or unset SYNAPSE_RUN"


def enter(
    book: sqlite3.Connection, run: str, parent: str | None, budget: Budget, *, deadline: float | None, now: float
) -> None:
    """Write down the limits of a run that starts programs; `deadline` is in seconds since 1970."""
    dollars = None if budget.dollars is None else bounded(int(budget.dollars * PICO))
    book.execute(
        "INSERT OR REPLACE INTO families VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run,
            parent,
            processes.holder(),
            now,
            dollars,
            budget.tokens,
            budget.steps,
            deadline,
            budget.min_output,
        ),
    )


def members(book: sqlite3.Connection, run: str | None, *, own: str, now: float) -> list[tuple[str, Budget]]:
    """The limits of a run and of those above it, nearest first; of others only while their process lives."""
    found: list[tuple[str, Budget]] = []
    while run is not None and len(found) < _DEEPEST:
        row = book.execute(
            "SELECT parent, holder, dollars, tokens, steps, deadline, min_output FROM families WHERE run = ?", (run,)
        ).fetchone()
        if row is None or (run != own and processes.is_gone(row[1])):
            break
        parent, _, dollars, tokens, steps, deadline, min_output = row
        found.append(
            (
                run,
                Budget(
                    dollars=None if dollars is None else Decimal(dollars) / PICO,
                    tokens=tokens,
                    seconds=None if deadline is None or run == own else max(0.0, deadline - now),
                    steps=steps,
                    min_output=min_output,
                    **({} if run == own else {"whose": _WHOSE, "hint": _HINT}),
                ),
            )
        )
        run = parent
    return found


def sweep(book: sqlite3.Connection) -> None:
    """Forget the runs whose process has ended."""
    rows = book.execute("SELECT run, holder FROM families").fetchall()
    book.executemany(
        "DELETE FROM families WHERE run = ?", [(run,) for run, holder in rows if processes.is_gone(holder)]
    )
    book.execute("DELETE FROM sums WHERE period = '' AND substr(scope, 5) NOT IN (SELECT run FROM families)")

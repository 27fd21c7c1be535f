"""Purses over a real account in a folder, with a clock that stands still."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from synapse_cli.core.budget import Amounts, Budget, Meter
from synapse_cli.core.clock import FixedClock
from synapse_cli.core.completion import FREE, Price
from synapse_cli.core.errors import BudgetSpent
from synapse_cli.core.grants import Bid
from synapse_cli.ledger.account import Account, Scope
from synapse_cli.ledger.account_calls import Bound, Drawn
from synapse_cli.ledger.account_watch import Watch
from synapse_cli.profile.model import BudgetSettings

DOLLAR_A_TOKEN = Price(Decimal(0), Decimal(1_000_000))
NOON = time.mktime((2026, 11, 21, 12, 0, 0, 0, 0, -1))
DAY_S = 86_400.0
PROFILE = Scope("profile", "default", "/home/me/default.toml")
ROUTE = Scope("route", "chat", "/home/me/default.toml")
TENANT = Scope("tenant", "acme")


@dataclass
class Till:
    """One process's view of an account: it reserves and settles calls of one token for a dollar each."""

    folder: Path
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON))
    warned: list[str] = field(default_factory=list)

    def meter(
        self,
        *bounds: tuple[Scope, dict[str, Any]],
        run_id: str = "0" * 20,
        parent: str | None = None,
        watch: Watch | None = None,
        budget: Budget | None = None,
    ) -> Meter:
        """A run's meter, whose purse holds these scopes with their limits."""
        drawn = Drawn(
            Account(self.folder), run_id, warn=self.warned.append, now=self.clock.now, parent=parent, watch=watch
        )
        drawn.bounds = [Bound(scope, BudgetSettings(**{"min_output": 1, **limits})) for scope, limits in bounds]
        meter = Meter(budget or Budget(min_output=1))
        meter.purse = drawn
        return meter

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the account's file."""
        with closing(sqlite3.connect(self.folder / "account.sqlite3")) as book:
            return book.execute(query).fetchall()


def bid(tokens: int = 1, *, price: Price | None = DOLLAR_A_TOKEN, seconds: float = 10.0, **more: Any) -> Bid:
    """A call that wants so many tokens, at a dollar each unless said otherwise."""
    return Bid(model="m", is_local=False, price=price, wanted=tokens, seconds=seconds, **more)


def local_bid(tokens: int = 1, seconds: float = 10.0) -> Bid:
    """A call of a model on this machine."""
    return Bid(model="m", is_local=True, price=FREE, wanted=tokens, seconds=seconds)


def spend(meter: Meter, dollars: int = 1, *, seconds: float = 1.0, wanted: Bid | None = None) -> None:
    """Make a call that costs so many dollars."""
    asked = wanted or bid(dollars)
    granted = meter.reserve(asked)
    meter.settle(asked, granted, Amounts(Decimal(dollars), dollars, seconds, 1))


def passes(meter: Meter, wanted: Bid | None = None) -> bool:
    """Whether one more call is granted; it is then never settled."""
    try:
        meter.reserve(wanted or bid())
    except BudgetSpent:
        return False
    return True

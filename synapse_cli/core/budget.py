"""What may still be spent: reserved before a call at its upper bound, settled after it, shared by all."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synapse_cli.core.grants import Bid, Grant, Purse

RAISE = "raise --max-cost or the [budget] table, or lower min_output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits that bind together, of a run, a day or a month; None is no limit."""

    dollars: Decimal | None = None
    tokens: int | None = None
    seconds: float | None = None
    """Of calls, added up. (A run's own time is a deadline, and is no part of this.)"""
    steps: int | None = None
    """Calls."""
    min_output: int = 16
    """Output tokens below which a call is not worth making."""
    whose: str = "this run's budget"
    hint: str = RAISE

    def needs_estimate(self, *, is_local: bool) -> bool:
        """Whether a call has to be counted, and priced where it is paid, before it is made."""
        return self.tokens is not None or (self.dollars is not None and not is_local)


@dataclass(frozen=True, slots=True)
class Amounts:
    """What calls took, or may take."""

    dollars: Decimal = Decimal(0)
    tokens: int = 0
    seconds: float = 0.0
    steps: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.dollars + other.dollars,
            self.tokens + other.tokens,
            self.seconds + other.seconds,
            self.steps + other.steps,
        )

    def __sub__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.dollars - other.dollars,
            self.tokens - other.tokens,
            self.seconds - other.seconds,
            self.steps - other.steps,
        )


NOTHING = Amounts()


class Meter:
    """Counts what a run has spent and promised. Safe to share between threads.

    `budgets` are limits of this run, and grow until its first call; `purse` holds those that are not this run's
    alone. What is asked of both is granted by both or by none.
    """

    def __init__(self, budget: Budget) -> None:
        self.budgets = [budget]
        self.purse: Purse | None = None
        self._gone = NOTHING
        self._lock = Lock()

    @property
    def gone(self) -> Amounts:
        """What is spent or promised."""
        with self._lock:
            return self._gone

    def needs_estimate(self, *, is_local: bool) -> bool:
        """Whether a call has to be counted, and priced where it is paid, before it is made."""
        if self.purse is not None and self.purse.needs_estimate(is_local=is_local):
            return True
        return any(budget.needs_estimate(is_local=is_local) for budget in self.budgets)

    def left(self) -> tuple[Decimal | None, int | None]:
        """Dollars and tokens not yet spent or promised by this run; None where there is no limit."""
        gone = self.gone
        dollars = [b.dollars - gone.dollars for b in self.budgets if b.dollars is not None]
        tokens = [b.tokens - gone.tokens for b in self.budgets if b.tokens is not None]
        return max(Decimal(0), min(dollars)) if dollars else None, max(0, min(tokens)) if tokens else None

    def reserve(self, bid: Bid) -> Grant:
        """Promise one call its upper bound. Raises BudgetSpent where it is not left."""
        from synapse_cli.core.grants import Room, grant

        with self._lock:
            rooms = [Room(budget, self._gone) for budget in self.budgets]
            granted = grant(bid, rooms) if self.purse is None else self.purse.reserve(bid, rooms)
            self._gone += granted.amounts
        return granted

    def settle(self, bid: Bid, granted: Grant, spent: Amounts, *, is_known: bool = True) -> None:
        """Replace a promise by what was spent; what nobody measured stays at its upper bound."""
        with self._lock:
            self._gone += spent - granted.amounts
        if self.purse is not None:
            self.purse.settle(bid, granted, spent, is_known=is_known)

    def doubt(self, bid: Bid, granted: Grant) -> None:
        """Leave the promise as it is: the call began, and nobody knows what it cost."""
        if self.purse is not None:
            self.purse.doubt(bid, granted)

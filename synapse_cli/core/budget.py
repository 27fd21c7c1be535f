"""What a run may still spend: reserved before a call, settled after it, shared by everything the run starts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from threading import Lock

from synapse_cli.core.errors import BudgetSpent


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The limits of one run; None is no limit."""

    dollars: Decimal | None = None
    tokens: int | None = None
    steps: int | None = None
    min_output: int = 16
    """Output tokens below which a call is not worth making."""

    @property
    def needs_estimate(self) -> bool:
        """Whether a call has to be priced before it is made."""
        return self.dollars is not None or self.tokens is not None


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one call may cost at most, already taken from the meter."""

    dollars: Decimal
    tokens: int


class Meter:
    """Counts what a run has spent and promised. Safe to share between threads."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._dollars = Decimal(0)
        self._tokens = 0
        self._steps = 0
        self._lock = Lock()

    def left(self) -> tuple[Decimal | None, int | None]:
        """Dollars and tokens not yet spent or promised; None where there is no limit."""
        with self._lock:
            return self._left()

    def step(self) -> None:
        """Count one call. Raises BudgetSpent where no step is left."""
        with self._lock:
            limit = self.budget.steps
            if limit is not None and self._steps >= limit:
                raise BudgetSpent(f"all {limit} steps of this run are used", "raise [budget] steps_per_run")
            self._steps += 1

    def unstep(self) -> None:
        """Take back a step: the call turned out not to be one."""
        with self._lock:
            self._steps -= 1

    def reserve(self, dollars: Decimal, tokens: int) -> Reservation:
        """Promise this much to one call. Raises BudgetSpent where it is not left."""
        with self._lock:
            dollars_left, tokens_left = self._left()
            if dollars_left is not None and dollars > dollars_left:
                raise BudgetSpent(f"${dollars:f} needed, ${dollars_left:f} left of this run's budget", _RAISE)
            if tokens_left is not None and tokens > tokens_left:
                raise BudgetSpent(f"{tokens} tokens needed, {tokens_left} left of this run's budget", _RAISE)
            self._dollars += dollars
            self._tokens += tokens
        return Reservation(dollars, tokens)

    def settle(self, reserved: Reservation, dollars: Decimal | None, tokens: int | None) -> None:
        """Replace a promise by what was spent; what nobody measured stays at its upper bound."""
        with self._lock:
            if dollars is not None:
                self._dollars += dollars - reserved.dollars
            if tokens is not None:
                self._tokens += tokens - reserved.tokens

    def _left(self) -> tuple[Decimal | None, int | None]:
        dollars, tokens = self.budget.dollars, self.budget.tokens
        return (
            None if dollars is None else max(Decimal(0), dollars - self._dollars),
            None if tokens is None else max(0, tokens - self._tokens),
        )


_RAISE = "raise --max-cost or the [budget] table, or ask for fewer tokens with --param max_tokens=N"

"""May this call be made, and how much may it write? Asked of every budget that binds it, at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR
from typing import Protocol

from synapse_cli.core.budget import RAISE, Amounts, Budget
from synapse_cli.core.completion import FREE, Price
from synapse_cli.core.errors import BudgetSpent


@dataclass(frozen=True, slots=True)
class Room:
    """A budget, and what is gone of it."""

    budget: Budget
    gone: Amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Bid:
    """What a call would take at most, before anybody has said how much of it can be afforded."""

    model: str
    is_local: bool
    price: Price | None = None
    input_tokens: int = 0
    wanted: int | None = None
    """Output tokens that were asked for; None where no limit needs to know."""
    seconds: float = 0.0
    prompt: str = ""
    """What is asked, hashed: who asks the same over and over is told."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The upper bound that a call was granted: the tokens it may write, and what it may take with them."""

    output: int | None
    amounts: Amounts
    lowered_by: str = ""
    """Whose budget lowered the output tokens; empty where none did."""
    is_timed: bool = False
    """Whether some budget counts seconds: then the call must end within its own."""
    ticket: object = None
    """What the purse wants to see again."""


class Purse(Protocol):
    """Budgets that other processes draw on too: of a day, a month, or the run that started this one."""

    def needs_estimate(self, *, is_local: bool) -> bool:
        """Whether one of them counts tokens, or money where the call is paid."""
        ...

    def reserve(self, bid: Bid, rooms: Sequence[Room]) -> Grant:
        """Grant what these budgets and `rooms` afford together. Raises BudgetSpent."""
        ...

    def settle(self, bid: Bid, grant: Grant, spent: Amounts, *, is_known: bool = True) -> None:
        """Replace a promise by what was spent; where that is not known, `spent` is what was promised."""
        ...

    def doubt(self, bid: Bid, grant: Grant) -> None:
        """Leave a promise as it is: the call began, and nobody knows what it cost."""
        ...


def grant(bid: Bid, rooms: Sequence[Room]) -> Grant:
    """Grant what all these budgets afford. Raises BudgetSpent, which names the one that does not."""
    for room in rooms:
        _check_steps(room)
    seconds, is_timed = _affordable_seconds(bid, rooms)
    output, lowered_by = bid.wanted, ""
    if output is not None:
        for room in rooms:
            affordable = _affordable_output(bid, room)
            least = min(room.budget.min_output, bid.wanted or 0)
            if affordable < least:
                affords = _too_little(bid, room, affordable, least)
                raise BudgetSpent(affords, room.budget.hint)
            if affordable < output:
                output, lowered_by = affordable, room.budget.whose
    price = bid.price or FREE
    dollars = (bid.input_tokens * price.input + (output or 0) * price.output) / 1_000_000
    amounts = Amounts(dollars, bid.input_tokens + (output or 0), seconds, 1)
    return Grant(output, amounts, lowered_by, is_timed)


def _check_steps(room: Room) -> None:
    limit = room.budget.steps
    if limit is not None and room.gone.steps >= limit:
        hint = "raise [budget] steps_per_run" if room.budget.hint is RAISE else room.budget.hint
        whose = room.budget.whose
        raise BudgetSpent(
            f"the one call of {whose} is used" if limit == 1 else f"all {limit} calls of {whose} are used", hint
        )


def _affordable_seconds(bid: Bid, rooms: Sequence[Room]) -> tuple[float, bool]:
    """Seconds that the call may take, and whether anybody counts them."""
    seconds, is_timed = bid.seconds, False
    for room in rooms:
        limit = room.budget.seconds
        if limit is not None:
            left = limit - room.gone.seconds
            if left <= 0:
                raise BudgetSpent(f"the {limit:g} s of {room.budget.whose} are used", room.budget.hint)
            seconds, is_timed = min(seconds, left), True
    return (seconds, True) if is_timed else (0.0, False)


def _affordable_output(bid: Bid, room: Room) -> int:
    """Output tokens that a budget can pay, at most those wanted; negative where the input alone is too dear."""
    bounds = [bid.wanted or 0]
    if room.budget.dollars is not None:
        price = _known(bid.price)
        left = room.budget.dollars - room.gone.dollars - bid.input_tokens * price.input / 1_000_000
        if price.output > 0:
            bounds.append(int((left * 1_000_000 / price.output).to_integral_value(ROUND_FLOOR)))
        elif left < 0 and price.input > 0:  # what is free is affordable also where more was spent than planned
            bounds.append(-1)
    if room.budget.tokens is not None:
        bounds.append(room.budget.tokens - room.gone.tokens - bid.input_tokens)
    return min(bounds)


def _known(price: Price | None) -> Price:
    if price is None:
        raise BudgetSpent(
            "the price of this model is unknown, so a money limit cannot be held",
            "synapse prices override MODEL --input … --output … (dollars per million tokens), or price = { … } on it",
        )
    return price


def _too_little(bid: Bid, room: Room, affordable: int, least: int) -> str:
    if least == 0:  # an encoder writes nothing
        return f"{room.budget.whose} does not afford a call of {bid.input_tokens} tokens"
    if _is_used_up(room):
        return f"{room.budget.whose} is used up"
    tokens = "token" if affordable == 1 else "tokens"
    return f"{room.budget.whose} affords {max(0, affordable)} output {tokens}, and {least} are the least"


def _is_used_up(room: Room) -> bool:
    limits = ((room.budget.dollars, room.gone.dollars), (room.budget.tokens, room.gone.tokens))
    return any(limit is not None and 0 < limit <= gone for limit, gone in limits)

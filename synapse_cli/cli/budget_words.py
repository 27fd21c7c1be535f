"""What is meant by `day 5USD`, `route:chat month +20000 tokens`, `tenant acme today`: a scope, a period, an amount?"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from synapse_cli.core.errors import UsageError
from synapse_cli.ledger import account_periods as periods
from synapse_cli.ledger.account import MICRO, PICO, Unit, bounded
from synapse_cli.ledger.account_calls import Bound
from synapse_cli.ledger.account_periods import Period
from synapse_cli.profile.units import duration_s

_PERIODS: dict[str, tuple[Period, ...]] = {
    "day": ("day",),
    "today": ("day",),
    "daily": ("day",),
    "month": ("month",),
    "monthly": ("month",),
    "both": ("day", "month"),
}
_UNITS: dict[str, Unit] = {
    "": "dollars",
    "$": "dollars",
    "usd": "dollars",
    "dollar": "dollars",
    "dollars": "dollars",
    "token": "tokens",
    "tokens": "tokens",
    "call": "steps",
    "calls": "steps",
    "step": "steps",
    "steps": "steps",
    "second": "seconds",
    "seconds": "seconds",
}
_AMOUNT = re.compile(r"(\+?)(\$?)([0-9][0-9_,]*(?:\.[0-9]{1,12})?)([kM]?)([a-z$]*)")
WHEN: dict[Period, str] = {"day": "today", "month": "this month"}
_POWERS = {"": 1, "k": 1000, "M": 1_000_000}
AMOUNTS = "5USD, +0.50, 20000tokens, 50calls or 2h"


@dataclass(frozen=True, slots=True)
class Amount:
    """So much of a unit, as the account keeps it; `is_more` says that it comes on top of the limit."""

    unit: Unit
    size: int
    is_more: bool


def periods_in(words: Sequence[str], example: str) -> tuple[list[str], tuple[Period, ...], list[str]]:
    """What stands before the period, the period, and what stands after it. Raises UsageError where there is none."""
    for at, word in enumerate(words):
        if word.lower() in _PERIODS:
            return list(words[:at]), _PERIODS[word.lower()], list(words[at + 1 :])
    if "run" in words:
        raise UsageError(
            "a run's own limits are not kept anywhere", "--max-cost for one run; [budget] per_run for every one"
        )
    raise UsageError("no period is named", f"day or month: for example {example}")


def chosen(words: Sequence[str], known: Sequence[Bound]) -> list[Bound]:
    """The scopes that words name; the profile's own where they name none. Raises UsageError."""
    kind, _, name = " ".join(words).strip().partition(":" if ":" in "".join(words[:1]) else " ")
    if kind in {"", "profile"} and not name:
        return [bound for bound in known if bound.scope.kind == "profile"]
    if kind == "all" and not name:
        return list(known)
    found = [bound for bound in known if bound.scope.kind == kind and bound.scope.name == name.strip()]
    if found:
        return found
    names = [f"{bound.scope.kind}:{bound.scope.name}" for bound in known if bound.scope.kind != "profile"]
    raise UsageError(f"there is no budget of {' '.join(words)!r}", "one of " + ", ".join(["profile", *names, "all"]))


def amount(words: Sequence[str]) -> Amount:
    """Read an amount: money, tokens, calls or a time. Raises UsageError."""
    text = "".join(words).strip()
    try:
        more = text.startswith("+")
        return Amount("seconds", int(duration_s(text.lstrip("+")) * MICRO), more)
    except ValueError:
        pass
    found = _AMOUNT.fullmatch(text if text[-1:] == "M" else text.replace("USD", "usd"))
    unit = None if found is None else _UNITS.get("$" if found[2] and not found[5] else found[5])
    if found is None or unit is None:
        said = repr(text) if text else "nothing"
        raise UsageError(f"an amount is expected, found {said}", f"for example {AMOUNTS}")
    number = Decimal(found[3].replace(",", "").replace("_", "")) * _POWERS[found[4]]
    scale = {"dollars": PICO, "seconds": Decimal(MICRO)}.get(unit, Decimal(1))
    size = int(number * scale)
    if size != bounded(size):
        raise UsageError(f"{text} is more than the account can hold", f"for example {AMOUNTS}")
    return Amount(unit, size, bool(found[1]))


def until(text: str | None, period: Period, now: float) -> float:
    """The instant that a raise lasts to: the end of the period, of a date, or after a while. Raises UsageError."""
    if text is None:
        return periods.end(period, now)
    try:
        return now + duration_s(text)
    except ValueError:
        pass
    try:
        ends = periods.end("day", time.mktime(time.strptime(text, "%Y-%m-%d")))
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--until wants a date or a while, found {text!r}", "for example 2027-01-31 or 7d") from error
    if ends <= now:
        raise UsageError(f"{text} is over", "name a date to come, or a while such as 7d")
    return ends


def words_of(unit: Unit) -> str:
    """What amounts of a unit are called."""
    return "calls" if unit == "steps" else unit


def key_of(period: Period, unit: Unit) -> str:
    """The profile's key of a limit."""
    return f"per_{period}" if unit == "dollars" else f"{unit}_per_{period}"

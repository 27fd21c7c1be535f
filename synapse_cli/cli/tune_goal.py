"""Which goal do the flags of `tune` name?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synapse_cli.core.errors import UsageError
from synapse_cli.learned.promise import Target

if TYPE_CHECKING:
    from synapse_cli.cli.tune_flags import TuneFlags
    from synapse_cli.lab.tune.goal import Goal

_DEFAULT = "1%"
_MANY_POINTS = 0.5
_SPANS: dict[Target, tuple[float, float, str]] = {
    "max_loss": (-1.0, 1.0, "points such as 1% or 0.01"),
    "min_quality": (0.0, 1.0, "a mean score from 0 to 1, such as 0.95"),
    "max_cost": (0.0, float("inf"), "dollars a request, such as 0.001"),
    "budget_share": (0.0, 1.0, "a share such as 30%"),
}


def goal(flags: TuneFlags) -> Goal:
    """The one goal. Raises UsageError for several, and for a limit that is none."""
    from synapse_cli.lab.tune.goal import Goal

    named: dict[Target, str | None] = {
        "max_loss": flags.max_loss,
        "min_quality": flags.min_quality,
        "max_cost": flags.max_cost,
        "budget_share": flags.budget_share,
    }
    given = {target: text for target, text in named.items() if text is not None}
    if len(given) > 1:
        raise UsageError(f"{' and '.join(map(_flag, given))} contradict each other", "give one of them")
    target, text = next(iter(given.items()), ("max_loss", _DEFAULT))
    low, high, expected = _SPANS[target]
    limit = _number(_flag(target), text, expected)
    if target == "max_loss" and abs(limit) >= _MANY_POINTS and "%" not in text:
        raise UsageError(f"--max-loss {text} would be {limit * 100:g} points", f"say {text}% for points of a hundredth")
    if not low <= limit <= high or (limit == 0 and target in ("max_cost", "budget_share")):
        raise UsageError(f"{_flag(target)} takes no {text!r}", f"expected {expected}")
    return Goal(target, limit, _confidence(flags.confidence))


def _confidence(text: str) -> float:
    value = _number("--confidence", text, "a share such as 95%")
    if not 0.5 <= value < 1:
        raise UsageError(f"--confidence takes no {text!r}", "a share of at least 50% and below 100%, such as 95%")
    return value


def _number(flag: str, text: str, expected: str) -> float:
    """`0.01`, `1%`, or `$0.001`. Raises UsageError."""
    plain = text.strip().removeprefix("$").replace("\N{MINUS SIGN}", "-")
    try:
        return float(plain.removesuffix("%")) / 100 if plain.endswith("%") else float(plain)
    except ValueError as error:
        raise UsageError(f"{flag} takes no {text!r}", f"expected {expected}") from error


def _flag(target: str) -> str:
    return f"--{target.replace('_', '-')}"

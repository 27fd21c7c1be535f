"""How did accepted answers fare against a dearer tier's, and what waits to be compared?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from synapse_cli.core.prompt import Json
from synapse_cli.report.numbers import dollars

_RESULTS = ("same", "tie", "better", "worse")
_Z = 1.959964
"""Of a normal distribution's 97.5 %."""


class Ended(Protocol):
    """How far comparing has come."""

    failed: int
    left: int
    spent: Decimal

    @property
    def results(self) -> Mapping[str, int]:
        """Result → how often."""
        ...

    @property
    def end(self) -> str:
        """How it ended, in a word."""
        ...

    @property
    def compared(self) -> int:
        """How many comparisons came to a result."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fared:
    """How a model's accepted answers on a route fared against a dearer tier's."""

    route: str
    model: str
    against: str
    results: Mapping[str, int]

    @property
    def compared(self) -> int:
        """How many were."""
        return sum(self.results.values())

    @property
    def not_worse(self) -> float:
        """Share of the answers that were the same, as good, or better."""
        return 1 - self.results["worse"] / self.compared

    @property
    def bounds(self) -> tuple[float, float]:
        """Of that share, at 95 % (Wilson, Journal of the American Statistical Association 22, 1927)."""
        n, share = self.compared, self.not_worse
        middle, scale = share + _Z**2 / (2 * n), 1 + _Z**2 / n
        half = _Z * (share * (1 - share) / n + _Z**2 / (4 * n * n)) ** 0.5
        return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)

    @property
    def lost(self) -> float:
        """Points of mean score by which the dearer tier's answers were better: lost ones less won ones."""
        return (self.results["worse"] - self.results["better"]) / self.compared

    def as_json(self) -> dict[str, Json]:
        """As scripts read it."""
        low, high = self.bounds
        return {
            "route": self.route,
            "model": self.model,
            "against": self.against,
            "compared": self.compared,
            **{name: self.results[name] for name in _RESULTS},
            "not_worse": round(self.not_worse, 6),
            "not_worse_low": round(low, 6),
            "not_worse_high": round(high, 6),
            "lost": round(self.lost, 6),
        }


def put_together(told: Sequence[tuple[str, str, str, Mapping[str, int]]]) -> list[Fared]:
    """From what `ledger.shadowing.fared` counted."""
    return [Fared(route=route, model=model, against=target, results=n) for route, model, target, n in told]


def status_lines(
    states: Mapping[str, int], fared: Sequence[Fared], *, share: float, today: Decimal, per_day: Decimal | None
) -> Iterator[str]:
    """What waits, what it has cost today, and a line for each route and model."""
    queue = " · ".join(f"{n} {state}" for state, n in states.items() if n) or "nothing is in the queue"
    yield f"queue   {queue}"
    chosen = (
        f"{100 * share:g} % of accepted cheap answers are queued"
        if share
        else "no answer is queued: [shadow] share is 0"
    )
    limit = "" if per_day is None else f" of {dollars(per_day)}"
    yield f"share   {chosen}"
    yield f"today   {dollars(today)}{limit} spent"
    for each in fared:
        low, high = each.bounds
        counts = ", ".join(f"{each.results[name]} {name}" for name in _RESULTS if each.results[name])
        yield ""
        yield f"{each.route}: {each.model} against {each.against}, {each.compared} compared: {counts}"
        yield f"        {each.not_worse:.1%} not worse ({low:.0%} to {high:.0%}), {100 * each.lost:+.1f} points lost"


def progress_line(told: Ended) -> str:
    """How far it is, for a terminal."""
    return f"{told.compared} compared · {told.left} left · {dollars(told.spent)}"


def ended_line(told: Ended) -> str:
    """What came of it, in a line."""
    counts = ", ".join(f"{told.results[name]} {name}" for name in _RESULTS if told.results[name])
    parts = [f"{told.compared} compared" + (f" ({counts})" if counts else "")]
    parts += [f"{told.failed} failed"] if told.failed else []
    parts += [f"{told.left} wait"] if told.left else []
    parts.append(dollars(told.spent))
    why = {"money": "stopped at the budget", "interrupted": "interrupted", "failed": "stopped"}.get(told.end)
    return " · ".join([*parts, *([why] if why else [])])


def ended_json(told: Ended) -> dict[str, Json]:
    """The object for `--json`."""
    return {
        "schema_version": 1,
        "compared": told.compared,
        "results": {name: told.results[name] for name in _RESULTS},
        "failed": told.failed,
        "waiting": told.left,
        "spent_usd": f"{told.spent:f}",
        "end": told.end,
    }

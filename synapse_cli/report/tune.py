"""What did `synapse tune` find? As JSON, and as lines for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from synapse_cli.core.interval import Interval
from synapse_cli.core.prompt import Json
from synapse_cli.learned.promise import dollars

if TYPE_CHECKING:
    from synapse_cli.learned.policy import Policy
    from synapse_cli.learned.promise import Measured

_MOST_CHECKS = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Someone's quality at someone's cost."""

    kind: str
    """policy, way, single, oracle, curve, random or length."""
    name: str
    cost: float
    score: Interval
    saved: float


@dataclass(frozen=True, slots=True)
class Worth:
    """How well a check tells good answers of a model from bad ones."""

    check: str
    model: str
    task: str
    rows: int
    auc: float


@dataclass(frozen=True, slots=True)
class Before:
    """The policy that was there, on the same rows."""

    sha256: str
    promise: str
    certified: bool
    score: float | None
    cost: float | None
    score_change: float | None
    cost_change: float | None
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything that is to be said."""

    file: str | None
    policy: Policy
    found: bool
    labels_needed: int | None
    candidate: Measured | None
    places: tuple[Place, ...]
    checks: tuple[Worth, ...]
    table: str
    before: Before | None = None
    left_out: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def at_the_same_cost(self) -> tuple[float | None, float | None]:
        """What random choice and prompt length score for the policy's money."""
        cost = self.policy.measured.cost
        return _at_cost(self, "random", cost), _at_cost(self, "length", cost)


def as_json(told: Told) -> dict[str, Json]:
    """One object."""
    policy, promise, measured = told.policy, told.policy.promise, told.policy.measured
    return {
        "schema_version": 1,
        "file": told.file,
        "sha256": policy.sha256 or None,
        "found": told.found,
        "certified": policy.certified,
        "promise": promise.line,
        "target": promise.target,
        "limit": promise.limit,
        "confidence": promise.confidence,
        "bound": promise.bound,
        "method": promise.method,
        "baseline": policy.baseline,
        "saved": measured.saved,
        "loss": measured.loss,
        "score": measured.score,
        "cost_usd": measured.cost,
        "baseline_score": measured.baseline_score,
        "baseline_cost_usd": measured.baseline_cost,
        "ways": _ways(policy),
        "always": None if policy.always is None else policy.ways[policy.always].name,
        "encoder": policy.encoder,
        "price": policy.price,
        "threshold": policy.threshold,
        "rows": policy.data.rows,
        "fitted": policy.data.fitted,
        "tested": policy.data.tested,
        "left_out": told.left_out,
        "labels_needed": told.labels_needed,
        "candidate": _candidate(told.candidate),
        "checks": [asdict(each) for each in told.checks],
        "frontier": [_place(each) for each in told.places],
        "before": None if told.before is None else asdict(told.before),
        "warnings": list(told.warnings),
    }


def lines(told: Told) -> Iterator[str]:
    """What people read: the promise, what it saves, who is asked, and who stands beside it."""
    yield from _verdict(told)
    yield ""
    yield from _table(told)
    yield from _same_money(told)
    yield from _ways_lines(told.policy)
    yield from _checks_lines(told.checks)
    yield from _before_lines(told.before)
    yield from _data_lines(told)


def headline(told: Told) -> str:
    """One line: what is promised, and what it saves."""
    policy = told.policy
    if not told.found:
        return f"nothing but {policy.baseline} {_missed(told)}: everything goes to it"
    measured = policy.measured
    quality = f"{_points(-measured.loss)} points" if measured.loss else "no change in quality"
    return f"{policy.promise.line}: {measured.saved:.0%} saved, {quality}"


def _missed(told: Told) -> str:
    promise = told.policy.promise
    goal = promise.line.removeprefix("aims at: ").removesuffix(", not certified")
    if not told.policy.data.tested:
        return f"is estimated to keep it and to save ({goal})"
    return f"is shown to keep it ({goal}, {promise.confidence:.0%} confidence)"


def _verdict(told: Told) -> Iterator[str]:
    promise = told.policy.promise
    yield headline(told)
    if promise.bound is not None:
        yield f"shown by {told.policy.data.tested:,} rows: {_bound(told)} ({promise.method})"
    if told.candidate is not None:
        best = told.candidate
        yield (
            f"the most promising candidate saves {best.saved:.0%} with {_points(-best.loss)} points on "
            f"{told.policy.data.tested:,} rows, which does not show it"
        )
    if not told.found and told.policy.data.tested:
        yield _labels(told)


def _labels(told: Told) -> str:
    if told.labels_needed is None:
        return "more labels like these would not change that"
    more = max(0, told.labels_needed - told.policy.data.rows)
    return f"about {more:,} more labels would be needed, {told.labels_needed:,} in all"


def _bound(told: Told) -> str:
    promise = told.policy.promise
    assert promise.bound is not None  # who asks has looked
    match promise.target:
        case "max_loss":
            points = abs(promise.bound) * 100
            return f"at most {points:.2f} points lost" if promise.bound > 0 else f"at least {points:.2f} points gained"
        case "min_quality":
            return f"a mean score of at least {promise.bound:.4f}"
        case "max_cost":
            return f"at most {dollars(promise.bound)} a request"
        case "budget_share":
            return f"at most {promise.bound:.1%} of requests"


_HEADER = ("", "score", "95 % interval", "$ per 1,000", "saved")


def _table(told: Told) -> Iterator[str]:
    """The policy, cascades, single models and the oracle, the best first."""
    shown = [each for each in told.places if each.kind in ("policy", "way", "single", "oracle")]
    shown = [shown[0], *sorted(shown[1:], key=lambda each: (-each.score.estimate, each.cost))]
    rows = [_HEADER, *((_mark(each, told), *_cells(each)) for each in shown)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    for row in rows:
        name, *numbers = row
        cells = (cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True))
        yield f"{name:<{widths[0]}}  {'  '.join(cells)}".rstrip()


def _mark(place: Place, told: Told) -> str:
    is_baseline = place.kind == "single" and place.name == told.policy.baseline
    return f"{place.name} (compared with)" if is_baseline else place.name


def _cells(place: Place) -> tuple[str, str, str, str]:
    score = place.score
    money = f"{place.cost * 1000:.4g}"
    return f"{score.estimate:.3f}", f"{score.low:.3f} to {score.high:.3f}", money, f"{place.saved:.0%}"


def _same_money(told: Told) -> Iterator[str]:
    by_chance, by_length = told.at_the_same_cost
    if by_chance is not None and by_length is not None:
        yield f"for the same money: random {by_chance:.3f}, prompt length {by_length:.3f}"


def _ways_lines(policy: Policy) -> Iterator[str]:
    yield ""
    yield "ways that it takes:"
    for way, share in zip(policy.ways, policy.measured.shares, strict=True):
        if share >= 0.0005:
            rules = f", where {' and '.join(map(_rule, way.accept))}" if way.accept else ""
            yield f"  {share:4.0%}  {way.name}{rules}"
    if policy.encoder is not None:
        yield f"  chosen by words and by the embedding of the prompt ({policy.encoder})"
    elif policy.always is None:
        yield "  chosen by the words of the prompt"


def _rule(text: str) -> str:
    """An accept rule as people say it."""
    options = dict(json.loads(text))
    kind = str(options.pop("kind"))
    return " ".join([kind, *(f"{key} {value}" for key, value in options.items())])


def _checks_lines(checks: Sequence[Worth]) -> Iterator[str]:
    overall = [each for each in checks if not each.task][:_MOST_CHECKS]
    if overall:
        yield ""
        yield "checks, by how well they tell good answers from bad (AUC; 0.5 is chance):"
    for each in overall:
        yield f"  {each.auc:.2f}  {each.check} on {each.model} ({each.rows:,} answers)"


def _before_lines(before: Before | None) -> Iterator[str]:
    if before is None:
        return
    yield ""
    yield f"in place of {before.sha256[:12]}: {before.promise}"
    if before.score_change is None or before.cost_change is None or before.cost is None:
        yield f"  what changes cannot be told from these rows: {before.why_not}"
        return
    share = before.cost_change / before.cost if before.cost else 0.0
    yield f"  on the same rows {_points(before.score_change)} points, {share:+.0%} cost"


def _data_lines(told: Told) -> Iterator[str]:
    data = told.policy.data
    yield ""
    left = f"; {told.left_out:,} rows lack a model and are left out" if told.left_out else ""
    yield f"{told.table}: {data.rows:,} rows, {data.fitted:,} fitted, {data.tested:,} tested{left}"


def _points(change: float) -> str:
    return f"{change * 100:+z.1f}"


def _ways(policy: Policy) -> list[Json]:
    parts = zip(policy.ways, policy.costs, policy.scores, policy.measured.shares, strict=True)
    return [
        {
            "way": way.name,
            "tiers": list(way.tiers),
            "accept": list(way.accept),
            "cost_usd": cost,
            "score": score,
            "share": share,
        }
        for way, cost, score, share in parts
    ]


def _candidate(measured: Measured | None) -> Json:
    if measured is None:
        return None
    return {"score": measured.score, "cost_usd": measured.cost, "saved": measured.saved, "loss": measured.loss}


def _place(place: Place) -> Json:
    return {
        "kind": place.kind,
        "name": place.name,
        "cost_usd": place.cost,
        "score": place.score.estimate,
        "low": place.score.low,
        "high": place.score.high,
        "saved": place.saved,
    }


def _at_cost(told: Told, kind: str, cost: float) -> float | None:
    """The score of a line of places at a cost, between its ends."""
    line = sorted((each for each in told.places if each.kind == kind), key=lambda each: each.cost)
    for left, right in pairwise(line):
        if left.cost <= cost <= right.cost:
            share = (cost - left.cost) / (right.cost - left.cost) if right.cost > left.cost else 0.0
            return left.score.estimate + share * (right.score.estimate - left.score.estimate)
    return None

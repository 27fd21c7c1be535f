"""What happened within a run, as a tree in time: decision, attempts, calls, pauses, verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

from synapse_cli.core.prompt import Json

Row = dict[str, Json]
Kind = Literal["run", "decision", "route", "attempt", "call", "check", "pause", "text"]

_LEAST_PAUSE_S = 0.05
"""A shorter gap between two calls is our own work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One thing that happened, and what happened within it; None is not known."""

    kind: Kind
    name: str
    outcome: str | None = None
    """How it ended: accepted, rejected, failed, skipped, passed, in doubt, …"""
    reason: str | None = None
    start_s: float | None = None
    """Seconds after the run began."""
    took_s: float | None = None
    tokens: Row | None = None
    cost_usd: str | None = None
    cached: bool = False
    score: float | None = None
    """A verdict's, or the confidence of an answer."""
    text: str | None = None
    children: tuple[Span, ...] = ()

    @property
    def end_s(self) -> float | None:
        """When it was over; None where that is not known."""
        return None if self.start_s is None or self.took_s is None else self.start_s + self.took_s

    def as_json(self) -> Row:
        """The span as scripts read it."""
        told: Row = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "children"}
        return {**told, "children": [child.as_json() for child in self.children]}


def tree(run: Row, *, has_text: bool = False) -> Span:
    """Lay out a run that the ledger told whole."""
    began = datetime.fromisoformat(str(run["started"])).timestamp()
    calls = _rows(run.get("calls"))
    attempts = _attempts(_rows(run["attempts"]), calls, began, has_text=has_text)
    texts = [_text(name, str(run[name])) for name in ("system", "prompt", "answer") if has_text and run[name]]
    error = _row(run["error"])
    return Span(
        kind="run",
        name=str(run["run_id"]),
        outcome=str(run["status"]),
        reason=_said(error.get("message") or error.get("kind")),
        start_s=0.0,
        took_s=_number(run["latency_s"]),
        tokens=_row(run["tokens"]),
        cost_usd=_said(run["cost_usd"]),
        cached=bool(run["cached"]),
        score=_number(run["confidence"]),
        children=(*_decision(run, calls, began), *attempts, *texts),
    )


def _decision(run: Row, calls: Sequence[Row], began: float) -> list[Span]:
    decision = _row(run["decision"])
    if not decision:
        return []
    others = [
        Span(kind="route", name=str(route), outcome="not taken", reason=_said(why))
        for route, why in _pairs(decision["runners_up"])
    ]
    asked = [_call(call, began) for call in calls if call["place"] is None]
    return [
        Span(
            kind="decision",
            name=str(decision["route"]),
            outcome=str(decision["source"]),
            reason=_said(decision["why"]),
            start_s=_least(span.start_s for span in asked),
            took_s=_sum(span.took_s for span in asked),
            score=_number(decision["confidence"]),
            children=(*asked, *others),
        )
    ]


def _attempts(attempts: Sequence[Row], calls: Sequence[Row], began: float, *, has_text: bool) -> list[Span]:
    spans: list[Span] = []
    for place, attempt in enumerate(attempts):
        made = [_call(call, began) for call in calls if call["place"] == place]
        span = _attempt(attempt, made, has_text=has_text)
        before = spans[-1] if spans else None
        if before is not None and before.name == span.name and before.outcome == "failed":
            spans += _pause(before, span)
        spans.append(span)
    return [*spans, *_unfinished(calls, len(attempts), began)]


def _attempt(attempt: Row, made: Sequence[Span], *, has_text: bool) -> Span:
    answer = _said(attempt["answer"]) if has_text else None
    verdicts = [_verdict(verdict) for verdict in _rows(attempt["verdicts"])]
    texts = [] if answer is None else [_text("answer", answer)]
    return Span(
        kind="attempt",
        name=str(attempt["tier"]),
        outcome=str(attempt["outcome"]),
        reason=None if verdicts and attempt["outcome"] == "rejected" else _said(attempt["reason"]),
        start_s=_least(span.start_s for span in made),
        took_s=None if attempt["outcome"] == "skipped" or attempt["cached"] else _number(attempt["latency_s"]),
        tokens=_row(attempt["tokens"]),
        cost_usd=_said(attempt["cost_usd"]),
        cached=bool(attempt["cached"]),
        score=_number(attempt["confidence"]),
        children=(*made, *verdicts, *texts),
    )


def _verdict(verdict: Row) -> Span:
    passed = "passed" if verdict["passed"] else "did not pass" if verdict["evaluated"] else "not evaluated"
    return Span(
        kind="check",
        name=str(verdict["rule"]),
        outcome=passed,
        reason=_said(verdict.get("reason")),
        score=_number(verdict["score"]),
    )


def _call(call: Row, began: float) -> Span:
    started = _number(call["started"])
    return Span(
        kind="call",
        name=str(call["model"]),
        outcome=str(call["outcome"]),
        reason=_said(call.get("reason")),
        start_s=None if started is None else max(0.0, started - began),
        took_s=_number(call["latency_s"]),
        tokens=_row(call["tokens"]),
        cost_usd=_said(call["cost_usd"]),
    )


def _unfinished(calls: Sequence[Row], finished: int, began: float) -> list[Span]:
    """Calls that no attempt tells of: the run ended, or was ended, before."""
    return [_call(call, began) for call in calls if isinstance(place := call["place"], int) and place >= finished]


def _pause(before: Span, after: Span) -> list[Span]:
    if before.end_s is None or after.start_s is None or after.start_s - before.end_s < _LEAST_PAUSE_S:
        return []
    return [Span(kind="pause", name=before.name, start_s=before.end_s, took_s=after.start_s - before.end_s)]


def _text(name: str, text: str) -> Span:
    return Span(kind="text", name=name, text=text)


def _rows(value: object) -> list[Row]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _pairs(value: Json) -> list[tuple[Json, Json]]:
    lists = [item for item in value if isinstance(item, list)] if isinstance(value, list) else []
    return [(pair[0], pair[1]) for pair in lists if len(pair) == 2]


def _row(value: Json) -> Row:
    return value if isinstance(value, dict) else {}


def _said(value: Json) -> str | None:
    return None if value is None or value == "" else str(value)


def _least(values: Iterable[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _number(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

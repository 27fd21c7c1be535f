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
"""A shorter gap before a retry is our own work."""
_LEAST_WAIT_S = 0.25
"""A shorter gap before a tier is asked is our own work, or a check's."""


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
    first_s: float | None = None
    """Seconds after its start until the first piece of an answer; of calls."""
    purpose: str | None = None
    """What a call was for: "tier", "route", "judge", "sample"; what a pause was: "retry" or "wait"."""
    where: str | None = None
    """Provider of a call, and which address and key where there is a choice."""
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
    began = _instant(run["started"]) or 0.0
    calls = _rows(run.get("calls"))
    texts = [_text(name, str(run[name])) for name in ("system", "prompt", "answer") if has_text and run[name]]
    decision = _decision(run, [_call(call, began) for call in calls if call["kind"] == "route"])
    asked = [_call(call, began) for call in calls if call["kind"] != "route"]
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
        children=(*decision, *_attempts(run, asked, decision, has_text=has_text), *texts),
    )


def _decision(run: Row, asked: Sequence[Span]) -> list[Span]:
    decision = _row(run["decision"])
    if not decision:
        return list(asked)
    others = [
        Span(kind="route", name=str(route), outcome="not taken", reason=_said(why))
        for route, why in _pairs(decision["runners_up"])
    ]
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


def _attempts(run: Row, calls: Sequence[Span], decision: Sequence[Span], *, has_text: bool) -> list[Span]:
    """The attempts, each with its calls and after its pause; then the calls that no attempt tells of."""
    spans: list[Span] = []
    left = list(calls)
    attempts = _rows(run["attempts"])
    for place, attempt in enumerate(attempts):
        is_last = all(later["model"] != attempt["model"] for later in attempts[place + 1 :])
        made = _taken(left, attempt, takes_all=is_last)
        span = _attempt(attempt, made, has_text=has_text)
        spans += [*_pause([*decision, *spans], span), span]
    return [*spans, *left]


def _taken(left: list[Span], attempt: Row, *, takes_all: bool) -> list[Span]:
    """Take the calls of an attempt from those that are left: up to the one that ended as it did.

    An attempt may take several, where a key was rejected and the next one was tried; its judges' come after it.
    """
    if attempt["outcome"] == "skipped" or attempt["cached"]:
        return []
    wanted = "failed" if attempt["outcome"] == "failed" else "answered"
    made: list[Span] = []
    for call in [call for call in left if call.name == attempt["model"]]:
        made.append(call)
        left.remove(call)
        error = _row(attempt["error"]).get("kind")
        if not takes_all and call.outcome == wanted and call.reason == error:
            break
    return made


def _attempt(attempt: Row, made: Sequence[Span], *, has_text: bool) -> Span:
    answer = _said(attempt["answer"]) if has_text else None
    was_asked = attempt["outcome"] != "skipped"
    verdicts = [_verdict(verdict) for verdict in _rows(attempt["verdicts"])]
    return Span(
        kind="attempt",
        name=str(attempt["tier"]),
        outcome=str(attempt["outcome"]),
        reason=None if verdicts and attempt["outcome"] == "rejected" else _said(attempt["reason"]),
        start_s=_least(span.start_s for span in made),
        took_s=_number(attempt["latency_s"]) if was_asked and not attempt["cached"] else None,
        tokens=_row(attempt["tokens"]) if was_asked else None,
        cost_usd=_said(attempt["cost_usd"]) if was_asked else None,
        cached=bool(attempt["cached"]),
        score=_number(attempt["confidence"]),
        children=(*made, *verdicts, *([] if answer is None else [_text("answer", answer)])),
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
    started = _instant(call["started"])
    where = [str(call[name]) for name in ("provider", "deployment") if call[name]]
    if len(where) == 2 and where[1].startswith(where[0]):  # a place is often told with its provider
        where = where[1:]
    return Span(
        kind="call",
        name=str(call["model"]),
        outcome=str(call["outcome"]),
        reason=_said(call["error"]),
        purpose=str(call["kind"]),
        where=" ".join(where) or None,
        start_s=None if started is None else max(0.0, round(started - began, 6)),
        took_s=_number(call["latency_s"]),
        first_s=_number(call["first_latency_s"]),
        tokens=_row(call["tokens"]),
        cost_usd=_said(call["cost_usd"]),
    )


def _pause(before: Sequence[Span], after: Span) -> list[Span]:
    """What passed before a tier was asked: a pause after its failure, or a wait for its turn, checks and the like."""
    if after.start_s is None:
        return []
    began_s = max((span.end_s for span in before if span.end_s is not None), default=0.0)
    is_retry = bool(before) and before[-1].name == after.name and before[-1].outcome == "failed"
    took_s = round(after.start_s - began_s, 6)
    if took_s < (_LEAST_PAUSE_S if is_retry else _LEAST_WAIT_S):
        return []
    purpose = "retry" if is_retry else "wait"
    return [Span(kind="pause", name=after.name, purpose=purpose, start_s=began_s, took_s=took_s)]


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


def _instant(value: Json) -> float | None:
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None


def _least(values: Iterable[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _number(value: Json) -> float | None:
    return round(float(value), 6) if isinstance(value, int | float) and not isinstance(value, bool) else None

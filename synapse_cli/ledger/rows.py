"""What of a run goes into which column."""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite

from synapse_cli import __version__
from synapse_cli.core.completion import NO_USAGE, Usage
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.outcome import Answered, Attempt, Failed
from synapse_cli.core.run import Run
from synapse_cli.core.verdict import Verdict
from synapse_cli.ledger import blobs
from synapse_cli.ledger.booking import book_run, unbook_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What is known of a run when it begins."""

    run_id: str
    started: float
    command: str = "run"
    tenant: str | None = None
    prompt: str | None = None
    system: str | None = None


def write_begun_run(book: sqlite3.Connection, begun: Begun, *, keeps_text: bool) -> None:
    """Insert the row of a run that has not ended, with what was asked; within the caller's transaction."""
    book.execute(
        "INSERT OR IGNORE INTO runs (id, started, command, version, pid, tenant, prompt, system)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            begun.run_id,
            begun.started,
            begun.command,
            __version__,
            os.getpid(),
            sayable(begun.tenant),
            text_name(book, begun.prompt, keeps_text=keeps_text),
            text_name(book, begun.system, keeps_text=keeps_text),
        ),
    )


def write_run(book: sqlite3.Connection, run: Run, command: str, *, keeps_text: bool) -> None:
    """Insert a run with its decision, attempts and escalations; within the caller's transaction.

    Without texts, nothing is kept that quotes a prompt or an answer: hashes, names of rules and kinds of errors.
    """
    unbook_run(book, run.run_id)
    drop(book, run.run_id)
    _write_run(book, run, command, keeps_text=keeps_text)
    _write_decision(book, run)
    _write_attempts(book, run, keeps_text=keeps_text)
    book_run(book, run.run_id)


def drop(book: sqlite3.Connection, run_id: str) -> None:
    """Delete a run; its calls stay, and so do its texts, which may be another's too."""
    book.execute("DELETE FROM runs WHERE id = ?", (run_id,))
    for table in ("decisions", "attempts", "escalations"):
        book.execute(f"DELETE FROM {table} WHERE run = ?", (run_id,))  # noqa: S608  # our own words


def _write_run(book: sqlite3.Connection, run: Run, command: str, *, keeps_text: bool) -> None:
    outcome, best = run.outcome, run.outcome.best
    error = outcome.error
    _insert(
        book,
        "runs",
        id=run.run_id,
        started=run.started,
        command=command,
        version=__version__,
        pid=os.getpid(),
        exit_code=int(run.exit_code),
        error_kind=None if error is None else error.kind,
        error=None if error is None or not keeps_text else error.message,
        hint=None if error is None or not keeps_text else error.hint,
        tier=None if best is None else best.tier,
        model=None if best is None else best.model,
        accepted=outcome.accepted,
        cached=best is not None and best.completion.cached,
        confidence=None if best is None else best.completion.confidence,
        latency_s=run.latency_s,
        first_latency_s=run.first_latency_s,
        **tokens(run.usage),
        cost=money_text(run.cost),
        saved=money_text(run.saved),
        prompt=text_name(book, run.prompt, keeps_text=keeps_text),
        system=text_name(book, run.system, keeps_text=keeps_text),
        answer=text_name(book, run.answer, keeps_text=keeps_text),
        profile=run.profile_hash,
        tenant=run.tenant,
    )


def _write_decision(book: sqlite3.Connection, run: Run) -> None:
    decision = run.decision
    mark = decision.policy
    _insert(
        book,
        "decisions",
        run=run.run_id,
        route=decision.route,
        why=decision.why,
        source=decision.source,
        confidence=decision.confidence,
        runners_up=json.dumps(decision.runners_up),
        input=decision.usage.input,
        output=decision.usage.output,
        estimated=decision.usage.estimated,
        cost=money_text(decision.cost),
        policy=None if mark is None else mark.sha256,
        way=None if mark is None else mark.way,
        certified=None if mark is None else mark.certified,
        promise=None if mark is None else mark.promise,
        explored=None if mark is None else mark.explored,
        score=_finite(decision.score),
    )


def _write_attempts(book: sqlite3.Connection, run: Run, *, keeps_text: bool) -> None:
    for place, attempt in enumerate(run.outcome.attempts):
        told = _answered(book, attempt, keeps_text) if isinstance(attempt, Answered) else _unanswered(attempt)
        if not keeps_text:
            told["reason"] = _rules_only(attempt)
            told["hint"] = None
        _insert(book, "attempts", run=run.run_id, place=place, tier=attempt.tier, model=attempt.model, **told)
    for place, step in enumerate(run.outcome.escalations):
        reason = step.reason if keeps_text else None
        _insert(
            book,
            "escalations",
            run=run.run_id,
            place=place,
            source=step.source,
            target=step.target,
            reason=reason,
        )


def _answered(book: sqlite3.Connection, attempt: Answered, keeps_text: bool) -> dict[str, object]:
    completion = attempt.completion
    verdicts = [
        {
            "rule": verdict.rule,
            "passed": verdict.passed,
            "evaluated": verdict.evaluated,
            "score": _finite(verdict.score),
            **({"reason": verdict.reason} if keeps_text else {}),
            **_spent(verdict),
        }
        for verdict in attempt.verdicts
    ]
    return {
        "outcome": "accepted" if attempt.accepted else "rejected",
        "reason": attempt.reason or (None if completion.like is None else completion.like.text),
        "latency_s": completion.latency_s,
        "first_latency_s": completion.first_latency_s,
        **tokens(completion.usage),
        "cost": money_text(completion.cost),
        "cached": completion.cached,
        "confidence": completion.confidence,
        "finish": completion.finish,
        "verdicts": json.dumps(verdicts),
        "answer": text_name(book, completion.text, keeps_text=keeps_text),
        "cache_key": completion.cache_key,
        "like_of": None if completion.like is None else completion.like.entry,
    }


def _spent(verdict: Verdict) -> dict[str, object]:
    """What judging took, where it took anything."""
    if verdict.usage == NO_USAGE and verdict.cost == 0:
        return {}
    return {"tokens": tokens(verdict.usage), "cost": money_text(verdict.cost)}


def _unanswered(attempt: Attempt) -> dict[str, object]:
    assert not isinstance(attempt, Answered)
    error: SynapseError = attempt.error
    is_failed = isinstance(attempt, Failed)
    return {
        "outcome": "failed" if is_failed else "skipped",
        "reason": error.message,
        "error_kind": error.kind,
        "hint": error.hint,
        "latency_s": attempt.latency_s if isinstance(attempt, Failed) else 0.0,
        **tokens(attempt.usage if isinstance(attempt, Failed) else NO_USAGE),
        "cost": money_text(attempt.cost if isinstance(attempt, Failed) else Decimal(0)),
        "verdicts": "[]",
    }


def _rules_only(attempt: Attempt) -> str | None:
    """A reason that quotes nothing: the rules that did not pass, or the kind of error."""
    if isinstance(attempt, Answered):
        return ", ".join(verdict.rule for verdict in attempt.verdicts if not verdict.passed) or None
    return attempt.error.kind


def money_text(amount: Decimal | None) -> str | None:
    """Dollars as the ledger keeps them: every digit that counts, no exponent; None is unknown."""
    return None if amount is None else f"{amount.normalize():f}"


def tokens(usage: Usage) -> dict[str, object]:
    """What the columns of counts hold."""
    return {
        "input": usage.input,
        "output": usage.output,
        "cached_input": usage.cached,
        "reasoning": usage.reasoning,
        "estimated": usage.estimated,
    }


def text_name(book: sqlite3.Connection, text: str | None, *, keeps_text: bool) -> str | None:
    """The name of a text, which is kept with it only where texts are kept."""
    if text is None:
        return None
    return blobs.put(book, text) if keeps_text else blobs.sha256_of(text)


def _insert(book: sqlite3.Connection, table: str, **values: object) -> None:
    columns, holes = ", ".join(values), ", ".join("?" * len(values))
    told = tuple(sayable(value) for value in values.values())
    book.execute(f"INSERT INTO {table} ({columns}) VALUES ({holes})", told)  # noqa: S608  # our own words


def sayable(value: object) -> object:
    """A text without what UTF-8 cannot say: a reason may quote bytes that were never text."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _finite(number: float | None) -> float | None:
    return number if number is not None and isfinite(number) else None

"""The `--json` object of a run: the contract with scripts, `schema_version` first."""

from __future__ import annotations

import json

from synapse_cli.core.completion import NO_USAGE, Completion, Usage
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.outcome import Answered, Attempt, Failed, Skipped
from synapse_cli.core.prompt import Json
from synapse_cli.core.run import Run
from synapse_cli.core.way import PolicyMark
from synapse_cli.report.numbers import money

SCHEMA_VERSION = 1


def as_json(run: Run, answer: str | None, warnings: list[str]) -> dict[str, Json]:
    """Everything about a run; `answer` is what would have been printed. A failure adds `error`."""
    outcome, best = run.outcome, run.outcome.best
    told: dict[str, Json] = {
        "schema_version": SCHEMA_VERSION,
        "run_id": run.run_id,
        "answer": answer,
        "parsed": _parsed(run, answer),
        "accepted": outcome.accepted,
        "exit_code": int(run.exit_code),
        "route": run.decision.route,
        "route_why": run.decision.why,
        "policy": policy_json(run.decision.policy),
        "tier": best.tier if best else None,
        "model": best.model if best else None,
        "cached": bool(best and best.completion.cached),
        "cached_by": cached_by(best.completion) if best else None,
        "confidence": best.completion.confidence if best else None,
        "attempts": [attempt_json(attempt) for attempt in outcome.attempts],
        "escalations": [{"from": e.source, "to": e.target, "reason": e.reason} for e in outcome.escalations],
        "tokens": usage_json(run.usage),
        "cost_usd": money(run.cost),
        "saved_usd": money(run.saved),
        "latency_s": round(run.latency_s, 6),
        "first_latency_s": run.first_latency_s,
        "profile_hash": run.profile_hash,
        "warnings": [*run.warnings, *(best.completion.warnings if best else ()), *warnings],
    }
    if outcome.error is not None:
        told["error"] = error_json(outcome.error)
    return told


def failure_json(error: SynapseError, warnings: list[str]) -> dict[str, Json]:
    """The same object for a run that ended before a route was known."""
    empty: dict[str, Json] = dict.fromkeys(
        ("run_id", "answer", "parsed", "route", "route_why", "policy", "tier", "model", "confidence", "profile_hash")
    )
    return {
        "schema_version": SCHEMA_VERSION,
        **empty,
        "accepted": False,
        "exit_code": int(error.exit_code),
        "cached": False,
        "cached_by": None,
        "attempts": [],
        "escalations": [],
        "tokens": usage_json(NO_USAGE),
        "cost_usd": "0",
        "saved_usd": None,
        "latency_s": 0.0,
        "first_latency_s": None,
        "warnings": list(warnings),
        "error": error_json(error),
    }


def policy_json(mark: PolicyMark | None) -> dict[str, Json] | None:
    """The `policy` object: who chose the way, and whether what it promises was proved; null where none did."""
    if mark is None:
        return None
    return {
        "sha256": mark.sha256,
        "way": mark.way,
        "certified": mark.certified,
        "promise": mark.promise,
        "explored": mark.explored,
    }


def attempt_json(attempt: Attempt) -> dict[str, Json]:
    """One entry of `attempts`."""
    told: dict[str, Json] = {"tier": attempt.tier, "model": attempt.model}
    match attempt:
        case Answered():
            completion = attempt.completion
            told |= {
                "outcome": "accepted" if attempt.accepted else "rejected",
                "reason": attempt.reason or None,
                "error": None,
                "latency_s": round(completion.latency_s, 6),
                "tokens": usage_json(attempt.usage),
                "cost_usd": money(attempt.cost),
                "cached": completion.cached,
            }
        case Failed():
            told |= _unanswered("failed", attempt.error, attempt.latency_s)
        case Skipped():
            told |= _unanswered("skipped", attempt.error, 0.0)
    return told


def cached_by(completion: Completion) -> Json:
    """Which entry of the cache answered, and why: the same request, or a prompt that asks the same."""
    if not completion.cached:
        return None
    like = completion.like
    return {
        "kind": "exact" if like is None else "semantic",
        "entry": completion.cache_key,
        "prompt": None if like is None else like.prompt,
        "similarity": None if like is None else like.cosine,
        "score": None if like is None else like.score,
        "threshold": None if like is None else like.threshold,
        "certified": None if like is None else like.promise is not None,
        "promise": None if like is None else like.promise,
    }


def usage_json(usage: Usage) -> dict[str, Json]:
    """The `tokens` object."""
    return {
        "input": usage.input,
        "output": usage.output,
        "cached": usage.cached,
        "reasoning": usage.reasoning,
        "estimated": usage.estimated,
    }


def error_json(error: SynapseError) -> dict[str, Json]:
    """The `error` object."""
    return {"kind": error.kind, "message": error.message, "hint": error.hint}


def _unanswered(outcome: str, error: SynapseError, latency_s: float) -> dict[str, Json]:
    return {
        "outcome": outcome,
        "reason": error.message,
        "error": error_json(error),
        "latency_s": round(latency_s, 6),
        "tokens": usage_json(NO_USAGE),
        "cost_usd": "0",
        "cached": False,
    }


def _parsed(run: Run, answer: str | None) -> Json:
    """The answer as JSON where JSON was asked for."""
    best = run.outcome.best
    asked = best is not None and any(v.rule in {"schema", "json"} and v.passed for v in best.verdicts)
    if answer is None or not asked:
        return None
    try:
        value: Json = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return value

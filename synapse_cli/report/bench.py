"""What a bench found, as it is told: each candidate's figures, what sets it apart, and which limits were missed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal

from synapse_cli.core.interval import Interval
from synapse_cli.core.prompt import Json
from synapse_cli.report.numbers import money

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One candidate. Times are of warm calls that were answered; None is unknown."""

    label: str
    kind: str
    calls: int
    warm: int
    """Calls that the times are of."""
    errors: int = 0
    error_kinds: dict[str, int] = field(default_factory=dict)
    unaccepted: int = 0
    escalated: int = 0
    """Calls that climbed at least one tier."""
    tiers: dict[str, int] = field(default_factory=dict)
    """Who gave the answers, and how many."""
    cold_s: float | None = None
    cold_first_s: float | None = None
    first_s: Interval | None = None
    total_s: Interval | None = None
    p90_s: Interval | None = None
    p99_s: Interval | None = None
    read_per_s: Interval | None = None
    written_per_s: Interval | None = None
    input: int | None = None
    output: int | None = None
    cached: int = 0
    reasoning: int = 0
    estimated: bool = False
    cost: Decimal | None = None
    cost_per_call: Interval | None = None
    quality: Interval | None = None
    graded: int = 0
    memory: int | None = None
    """Bytes of this process and its hosts at most, with all that was loaded."""
    models: int | None = None
    """Bytes of its own local models, as their engine counts them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One candidate against another, or against itself of before; above 1 is slower or dearer."""

    label: str
    against: str
    is_before: bool
    pairs: int
    total: Interval | None = None
    first: Interval | None = None
    cost: Interval | None = None
    quality: Interval | None = None
    """Difference of the scores, prompt by prompt; below 0 is worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A threshold and how a candidate stands to it."""

    label: str
    what: str
    wanted: str
    found: str
    state: str
    """"held", "missed", or "open": the interval holds the limit itself, and nothing is decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything that a bench has to say."""

    figures: tuple[Figures, ...]
    comparisons: tuple[Comparison, ...] = ()
    limits: tuple[Limit, ...] = ()
    prompts: int = 0
    repeats: int = 1
    concurrency: int = 1
    seed: int = 0
    elapsed_s: float = 0.0
    calls_per_s: float | None = None
    """Of all candidates together."""
    end: str = "finished"
    cost: Decimal | None = None
    """Of everything that was asked, warm-ups and judges too."""
    judge_cost: Decimal | None = None
    """Of judging alone; None where nobody judged."""
    memory: int | None = None
    notes: tuple[str, ...] = ()


def as_json(told: Told) -> dict[str, Json]:
    """The one object of `--format json`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "end": told.end,
        "prompts": told.prompts,
        "repeats": told.repeats,
        "concurrency": told.concurrency,
        "seed": told.seed,
        "elapsed_s": told.elapsed_s,
        "calls_per_s": told.calls_per_s,
        "cost_usd": money(told.cost),
        "judge_cost_usd": money(told.judge_cost),
        "peak_memory_bytes": told.memory,
        "candidates": [candidate_json(figures) for figures in told.figures],
        "comparisons": [_comparison_json(comparison) for comparison in told.comparisons],
        "limits": [_limit_json(limit) for limit in told.limits],
        "notes": list(told.notes),
    }


def candidate_json(figures: Figures) -> dict[str, Json]:
    """One candidate: an entry of `candidates`, and a line of `--format jsonl`."""
    return {
        "candidate": figures.label,
        "kind": figures.kind,
        "calls": figures.calls,
        "warm_calls": figures.warm,
        "errors": figures.errors,
        "error_kinds": dict(figures.error_kinds),
        "unaccepted": figures.unaccepted,
        "escalated": figures.escalated,
        "answered_by": dict(figures.tiers),
        "quality": interval_json(figures.quality),
        "graded": figures.graded,
        "cold_s": figures.cold_s,
        "cold_first_s": figures.cold_first_s,
        "first_s": interval_json(figures.first_s),
        "p50_s": interval_json(figures.total_s),
        "p90_s": interval_json(figures.p90_s),
        "p99_s": interval_json(figures.p99_s),
        "prompt_tokens_per_s": interval_json(figures.read_per_s),
        "tokens_per_s": interval_json(figures.written_per_s),
        "tokens": {
            "input": figures.input,
            "output": figures.output,
            "cached": figures.cached,
            "reasoning": figures.reasoning,
            "estimated": figures.estimated,
        },
        "cost_usd": money(figures.cost),
        "cost_usd_per_call": interval_json(figures.cost_per_call),
        "peak_memory_bytes": figures.memory,
        "model_memory_bytes": figures.models,
    }


def interval_json(interval: Interval | None) -> Json:
    """An estimate with its bounds; a bound that is open is null."""
    if interval is None:
        return None
    return {name: _finite(getattr(interval, name)) for name in ("estimate", "low", "high")}


def _comparison_json(comparison: Comparison) -> Json:
    return {
        "candidate": comparison.label,
        "against": comparison.against,
        "before": comparison.is_before,
        "pairs": comparison.pairs,
        "total_ratio": interval_json(comparison.total),
        "first_ratio": interval_json(comparison.first),
        "cost_ratio": interval_json(comparison.cost),
        "quality_difference": interval_json(comparison.quality),
    }


def _limit_json(limit: Limit) -> Json:
    return {
        "candidate": limit.label,
        "limit": limit.what,
        "wanted": limit.wanted,
        "found": limit.found,
        "state": limit.state,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

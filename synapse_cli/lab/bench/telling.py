"""What is told of a bench: figures, comparisons, limits, and the notes that keep a reader from reading too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from synapse_cli.lab.bench import limits
from synapse_cli.lab.bench.call import Call
from synapse_cli.lab.bench.candidate import Candidate
from synapse_cli.lab.bench.compare import compare
from synapse_cli.lab.bench.course import Plan, Result
from synapse_cli.lab.bench.figures import figures, spent
from synapse_cli.lab.bench.saved import Saved
from synapse_cli.report.bench import Comparison, Figures, Limit, Told

_FEW_FOR_P99 = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What must hold; None asks nothing."""

    quality: float | None = None
    slower: float | None = None
    dearer: float | None = None


def tell(
    plan: Plan,
    result: Result,
    *,
    wanted: Thresholds,
    before: Saved | None,
    machine: str,
    elapsed_s: float,
    loaded: Mapping[str, int],
    notes: Sequence[str] = (),
) -> Told:
    """Sum a bench up. Limits are about the change since a bench of before, else about the first candidate."""
    found = tuple(
        replace(figures(each.label, each.kind, result.calls, seed=plan.seed), models=_models(each, loaded))
        for each in plan.candidates
    )
    within = _within(plan, result)
    since = () if before is None else _since(plan, result, before)
    judged = within if before is None else since
    memory = [call.memory for call in result.calls if call.memory is not None]
    opinions = [call.judge_cost for call in result.calls if call.judge_cost is not None]
    asked = spent(result.calls) if result.calls else Decimal(0)
    return Told(
        figures=found,
        comparisons=(*within, *since),
        limits=_limits(wanted, found, judged),
        prompts=len(plan.items),
        repeats=plan.repeats,
        concurrency=plan.concurrency,
        seed=plan.seed,
        elapsed_s=elapsed_s,
        calls_per_s=_calls_per_s(result.calls),
        end=result.end,
        cost=None if asked is None else asked + sum(opinions, Decimal(0)),
        judge_cost=sum(opinions, Decimal(0)) if opinions else None,
        memory=max(memory, default=None),
        notes=(*notes, *_notes(found, plan), *_changes(before, plan, machine)),
    )


def _models(candidate: Candidate, loaded: Mapping[str, int]) -> int | None:
    """Bytes of its local models; None where none is loaded."""
    sizes = [loaded[name] for name in candidate.models() if name in loaded]
    return sum(sizes) if sizes else None


def _calls_per_s(calls: Sequence[Call]) -> float | None:
    """How many calls end in a second, from the beginning of the first one; warm-ups aside."""
    counted = [call for call in calls if call.counts]
    if len(counted) < 2:
        return None
    whole_s = max(call.started + call.total_s for call in counted) - min(call.started for call in counted)
    return len(counted) / whole_s if whole_s > 0 else None


def _within(plan: Plan, result: Result) -> tuple[Comparison, ...]:
    first, *others = plan.candidates
    return tuple(
        compare(each.label, result.calls, first.label, result.calls, is_before=False, seed=plan.seed) for each in others
    )


def _since(plan: Plan, result: Result, before: Saved) -> tuple[Comparison, ...]:
    return tuple(
        compare(each.label, result.calls, each.label, before.calls, is_before=True, seed=plan.seed)
        for each in plan.candidates
    )


def _limits(wanted: Thresholds, found: Sequence[Figures], judged: Sequence[Comparison]) -> tuple[Limit, ...]:
    return (
        *(limits.quality(found, wanted.quality) if wanted.quality is not None else ()),
        *(limits.slower(judged, wanted.slower) if wanted.slower is not None else ()),
        *(limits.dearer(judged, wanted.dearer) if wanted.dearer is not None else ()),
    )


def _notes(found: Sequence[Figures], plan: Plan) -> list[str]:
    notes = []
    if found and 0 < max(each.warm for each in found) < _FEW_FOR_P99:
        notes.append(f"p99 of fewer than {_FEW_FOR_P99} calls is the slowest of them")
    partly = next((each for each in found if 0 < each.graded < each.calls), None)
    if partly is not None:
        notes.append(f"quality is that of the {partly.graded} of {partly.calls} calls that could be graded")
    if any(each.cost is None for each in found):
        notes.append("$? is a price that nobody knows: synapse prices override MODEL --input ... --output ...")
    if plan.concurrency > 1 and len(plan.candidates) > 1:
        notes.append("candidates are asked at the same time, and wait for each other where they share a machine")
    return notes


def _changes(before: Saved | None, plan: Plan, machine: str) -> list[str]:
    """What else is not as it was, so that a difference is not laid at a model's door."""
    if before is None:
        return []
    strangers = [each.label for each in plan.candidates if each.label not in before.labels]
    notes = [f"{label} was not in the saved bench" for label in strangers]
    if before.machine != machine:
        notes.append(f"the saved bench was made on another machine ({before.machine}): times are not comparable")
    if before.concurrency != plan.concurrency:
        notes.append(f"the saved bench made {before.concurrency} calls at once, this one {plan.concurrency}")
    return notes

"""What do the calls of one candidate amount to?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from synapse_cli.core.interval import Interval
from synapse_cli.lab.bench.call import Call
from synapse_cli.lab.bench.stats import mean, quantile, wilson
from synapse_cli.report.bench import Figures

ENOUGH_PROMPTS = 8
"""With fewer prompts each call is drawn for itself, and an interval is about these prompts, not about prompts."""


def figures(label: str, kind: str, calls: Iterable[Call], *, seed: int) -> Figures:
    """The figures of the calls of one candidate; of its warm-ups only what its cold call took."""
    own = [call for call in calls if call.candidate == label]
    counted = [call for call in own if call.counts]
    answered = [call for call in counted if call.answered]
    warm = [call for call in answered if not call.cold]
    cold = next((call for call in own if call.cold and call.answered), None)
    scored = [call for call in counted if call.score is not None]

    def of(share: float, value: Callable[[Call], float | None]) -> Interval | None:
        return quantile(grouped(warm, value), share, seed=seed)

    return Figures(
        label=label,
        kind=kind,
        calls=len(counted),
        warm=len(warm),
        errors=len(counted) - len(answered),
        error_kinds=dict(Counter(call.error for call in counted if call.error is not None)),
        unaccepted=sum(not call.accepted for call in answered),
        escalated=sum(call.escalations > 0 for call in counted),
        tiers=dict(Counter(call.tier for call in answered if call.tier is not None)),
        cold_s=None if cold is None else cold.total_s,
        cold_first_s=None if cold is None else cold.first_s,
        first_s=of(0.5, lambda call: call.first_s),
        total_s=of(0.5, lambda call: call.total_s),
        p90_s=of(0.9, lambda call: call.total_s),
        p99_s=of(0.99, lambda call: call.total_s),
        read_per_s=of(0.5, _read_per_s),
        written_per_s=of(0.5, _written_per_s),
        input=_total(call.input for call in counted),
        output=_total(call.output for call in counted),
        cached=sum(call.cached for call in counted),
        reasoning=sum(call.reasoning for call in counted),
        estimated=any(call.estimated for call in counted),
        cost=spent(counted),
        cost_per_call=None if spent(counted) is None else mean(grouped(counted, _dollars), seed=seed),
        quality=_quality(scored),
        graded=len(scored),
        memory=max((call.memory for call in own if call.memory is not None), default=None),
    )


def grouped(calls: Sequence[Call], value: Callable[[Call], float | None]) -> list[list[float]]:
    """Values that belong together: those of one prompt, where there are prompts enough to speak for others."""
    by_item: dict[str, list[float]] = {}
    for call in calls:
        found = value(call)
        if found is not None:
            by_item.setdefault(prompt_of(call), []).append(found)
    groups = list(by_item.values())
    return groups if len(groups) >= ENOUGH_PROMPTS else [[each] for group in groups for each in group]


def prompt_of(call: Call) -> str:
    """What tells prompts apart: a prompt that stands twice in a table is still one."""
    return call.item.partition(".")[0]


def spent(calls: Iterable[Call]) -> Decimal | None:
    """Dollars of all of them; None where one is unknown."""
    total = Decimal(0)
    for call in calls:
        if call.cost is None:
            return None
        total += call.cost
    return total


def _quality(scored: Sequence[Call]) -> Interval | None:
    """The mean score. Repeats of a prompt are one witness, not many: the interval counts prompts."""
    if not scored:
        return None
    scores = [call.score or 0.0 for call in scored]
    return wilson(sum(scores) / len(scores), len({prompt_of(call) for call in scored}))


def _read_per_s(call: Call) -> float | None:
    return call.read / call.prompt_s if call.read and call.prompt_s else None


def _written_per_s(call: Call) -> float | None:
    """After the first token: that one took the reading of the prompt."""
    return (call.written - 1) / call.write_s if call.written and call.written > 1 and call.write_s else None


def _dollars(call: Call) -> float | None:
    return None if call.cost is None else float(call.cost)


def _total(counts: Iterable[int | None]) -> int | None:
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total

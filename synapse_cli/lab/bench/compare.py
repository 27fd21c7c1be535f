"""How does one candidate stand to another, or to itself of before? Pair by pair, on the same prompts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from synapse_cli.core.interval import Interval
from synapse_cli.lab.bench.call import Call
from synapse_cli.lab.bench.figures import ENOUGH_PROMPTS
from synapse_cli.lab.bench.stats import mean, median_ratio, ratio_of_sums
from synapse_cli.report.bench import Comparison

Value = Callable[[Call], "float | None"]
Pair = tuple[float, float]


def compare(
    label: str, ours: Iterable[Call], against: str, theirs: Iterable[Call], *, is_before: bool, seed: int
) -> Comparison:
    """Compare the calls of two candidates where both were asked the same; warm calls for times, all for the rest."""
    mine = [call for call in ours if call.candidate == label and call.counts]
    others = [call for call in theirs if call.candidate == against and call.counts]
    total = _units(mine, others, _total_s)
    costs = _units(mine, others, _cost, combine=math.fsum)
    priced = all(call.cost is not None for call in (*mine, *others))
    return Comparison(
        label=label,
        against=against,
        is_before=is_before,
        pairs=len(total),
        total=median_ratio([our / their for our, their in total if their > 0], seed=seed),
        first=median_ratio([our / their for our, their in _units(mine, others, _first_s) if their > 0], seed=seed),
        cost=ratio_of_sums([our for our, _ in costs], [their for _, their in costs], seed=seed) if priced else None,
        quality=_difference(_units(mine, others, lambda call: call.score, combine=_mean), seed),
    )


def _units(
    ours: Sequence[Call], theirs: Sequence[Call], value: Value, combine: Callable[[Sequence[float]], float] = median
) -> list[Pair]:
    """What is drawn again: a pair of calls; where there are prompts enough, a prompt with all its repeats."""
    mine, other = _values(ours, value), _values(theirs, value)
    pairs = [(key[0].partition(".")[0], mine[key], other[key]) for key in mine if key in other]
    by_item: dict[str, list[Pair]] = {}
    for item, our, their in pairs:
        by_item.setdefault(item, []).append((our, their))
    if len(by_item) < ENOUGH_PROMPTS:
        return [(our, their) for _, our, their in pairs]
    return [(combine([our for our, _ in each]), combine([their for _, their in each])) for each in by_item.values()]


def _values(calls: Iterable[Call], value: Value) -> dict[tuple[str, int], float]:
    found = {(call.item, call.repeat): value(call) for call in calls}
    return {key: each for key, each in found.items() if each is not None}


def _difference(pairs: Sequence[Pair], seed: int) -> Interval | None:
    return mean([[our - their] for our, their in pairs], seed=seed)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _total_s(call: Call) -> float | None:
    return call.total_s if call.answered and not call.cold else None


def _first_s(call: Call) -> float | None:
    return call.first_s if call.answered and not call.cold else None


def _cost(call: Call) -> float | None:
    return None if call.cost is None else float(call.cost)

"""Is a threshold met? Decided by the whole interval: missed where it lies beyond the limit, open where it holds it.

So a bench of ten prompts cannot fail by bad luck alone, nor one with a loose interval pass as a proof: an open limit is
said, with what would decide it (more prompts, more repeats).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from synapse_cli.core.interval import Interval
from synapse_cli.report.bench import Comparison, Figures, Limit
from synapse_cli.report.bench_table import times


def quality(figures: Sequence[Figures], least: float) -> list[Limit]:
    """`--fail-under`: each candidate's quality against the least."""
    return [_quality(each, least) for each in figures]


def slower(comparisons: Sequence[Comparison], most: float) -> list[Limit]:
    """`--max-slower`: how much longer the median call may take, as a share."""
    return [_ratio(each, "time", each.total, 1 + most) for each in comparisons]


def dearer(comparisons: Sequence[Comparison], most: float) -> list[Limit]:
    """`--max-dearer`: how much more money the same calls may take, as a share."""
    return [_ratio(each, "cost", each.cost, 1 + most) for each in comparisons]


def _quality(figures: Figures, least: float) -> Limit:
    found = figures.quality
    if found is None:
        return Limit(
            label=figures.label, what="quality", wanted=f"at least {least:.0%}", found="not graded", state="missed"
        )
    state = "missed" if found.is_below(least) else "held" if found.low >= least else "open"
    said = f"{found.estimate:.1%} ({found.low:.1%}-{found.high:.1%})"
    return Limit(label=figures.label, what="quality", wanted=f"at least {least:.0%}", found=said, state=state)


def _ratio(comparison: Comparison, what: str, found: Interval | None, most: float) -> Limit:
    """A ratio that is not known (an unknown price, no pair that was answered) does not pass."""
    wanted = f"at most {most:.2f} x {comparison.against}{' before' if comparison.is_before else ''}"
    if found is None:
        return Limit(label=comparison.label, what=what, wanted=wanted, found="unknown", state="missed")
    state = "missed" if found.is_above(most) else "held" if found.high <= most else "open"
    said = "infinitely more" if math.isinf(found.estimate) else times(found)
    return Limit(label=comparison.label, what=what, wanted=wanted, found=said, state=state)

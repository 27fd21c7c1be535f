"""Which way is taken where the one that the policy would take may not be?

A policy chooses among ways from cheap to dear. A limit of the run (its latency, its quality, `--local-only`) may close
some of them: then the promise is kept by moving to ways that are measured to be at least as good, not by moving down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Taken(NamedTuple):
    """The number of the way that is taken, and in one line why it is not the chosen one; empty where it is."""

    number: int
    why: str = ""


def open_way(
    chosen: int, closed: Mapping[int, str], costs: Sequence[float], scores: Sequence[float], names: Sequence[str]
) -> Taken | None:
    """The chosen way, else the cheapest open one measured to be as good, else the best open one; None where none is.

    `costs` and `scores` are means a request, `closed` says why a way may not be taken.
    """
    if chosen not in closed:
        return Taken(chosen)
    left = [number for number in range(len(costs)) if number not in closed]
    if not left:
        return None
    as_good = [number for number in left if scores[number] >= scores[chosen]]
    if as_good:
        taken = min(as_good, key=lambda number: (costs[number], -scores[number], number))
    else:
        taken = min(left, key=lambda number: (-scores[number], costs[number], number))
    return Taken(taken, f"{names[chosen]} may not be taken: {closed[chosen]}")


def neighbour(
    chosen: int, closed: Mapping[int, str], costs: Sequence[float], scores: Sequence[float], *, downwards: bool
) -> int | None:
    """The way that is tried instead of the chosen one, to learn: the nearest open one that costs more.

    Trying a cheaper way risks what was promised, so that only `downwards` allows it, and only where nothing dearer is
    open. A dearer way that is measured to be worse is never tried: it would cost more for less.
    """
    dearer = [
        number
        for number in range(len(costs))
        if number not in closed and costs[number] > costs[chosen] and scores[number] >= scores[chosen]
    ]
    if dearer:
        return min(dearer, key=lambda number: (costs[number], number))
    cheaper = [number for number in range(len(costs)) if number not in closed and costs[number] < costs[chosen]]
    return max(cheaper, key=lambda number: (costs[number], -number)) if downwards and cheaper else None

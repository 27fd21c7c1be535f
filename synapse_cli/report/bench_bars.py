"""A bench as bars in a terminal: time with its tail, money, quality."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from synapse_cli.report.bench import Figures, Told
from synapse_cli.report.cells import bar
from synapse_cli.report.numbers import dollars

_TAIL = "░"
_NARROWEST, _WIDEST = 10, 60


def bars(told: Told, width: int) -> list[str]:
    """One block of bars for each of time, money and quality of which something is known."""
    names = max(len(figures.label) for figures in told.figures)
    room = max(_NARROWEST, min(_WIDEST, width - names - 24))
    blocks = [
        _times(told.figures, names, room),
        _costs(told.figures, names, room),
        _qualities(told.figures, names, room),
    ]
    return [line for block in blocks if block for line in ("", *block)]


def _times(figures: Sequence[Figures], names: int, room: int) -> list[str]:
    known = [each for each in figures if each.total_s is not None]
    longest = max((_tail(each) for each in known), default=0.0)
    if not longest:
        return []
    rows = []
    for each in known:
        assert each.total_s is not None
        median, tail = each.total_s.estimate, _tail(each)
        drawn = bar(median / longest, room)
        drawn += _TAIL * (round(tail / longest * room) - len(drawn))
        rows.append(f"{each.label:<{names}}  {drawn:<{room}}  {_time(median)}, p90 {_time(tail)}")
    return ["time (solid: median, light: p90)", *rows]


def _costs(figures: Sequence[Figures], names: int, room: int) -> list[str]:
    known = [(each, each.cost * 1000 / each.calls) for each in figures if each.cost is not None and each.calls]
    dearest = max((cost for _, cost in known), default=Decimal(0))
    if not dearest:
        return []
    rows = [
        f"{each.label:<{names}}  {bar(float(cost / dearest), room):<{room}}  {dollars(cost)}" for each, cost in known
    ]
    return ["dollars per 1,000 calls", *rows]


def _qualities(figures: Sequence[Figures], names: int, room: int) -> list[str]:
    known = [(each, each.quality) for each in figures if each.quality is not None]
    rows = [
        f"{each.label:<{names}}  {bar(quality.estimate, room):<{room}}  {quality.estimate:.0%}"
        for each, quality in known
    ]
    return ["quality", *rows] if rows else []


def _tail(figures: Figures) -> float:
    assert figures.total_s is not None
    return figures.total_s.estimate if figures.p90_s is None else figures.p90_s.estimate


def _time(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"

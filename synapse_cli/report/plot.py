"""Where does each candidate of a bench stand in time, quality and money? The picture's geometry, without a drawing.

Time runs to the right, on a logarithmic axis. Upwards is quality, and money is the colour; where nothing was graded,
upwards is money. What lies at the upper left (lower left, without grades) is better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from synapse_cli.core.interval import Interval
from synapse_cli.report.bench import Figures
from synapse_cli.report.numbers import dollars

Y = Literal["quality", "money"]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: its place from 0 to 1, and what stands beside it."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What is measured along a side."""

    title: str
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One candidate; places run from 0 to 1, from the left and from below."""

    label: str
    note: str
    x: float
    y: float
    x_reach: tuple[float, float]
    y_reach: tuple[float, float] | None
    money: float | None
    """Its place on the scale of money, from the cheapest that costs something; None where it is free or unknown."""
    is_free: bool
    is_best: bool
    """Whether no other is at least as good in all three, and better in one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Everything that the drawing needs."""

    points: tuple[Point, ...]
    x: Axis
    y: Axis
    upwards: Y
    cheapest: str | None
    dearest: str | None
    absent: tuple[str, ...]
    """Candidates that gave no answer, and so have no time."""


def chart(figures: Sequence[Figures]) -> Chart:
    """Lay the candidates out."""
    shown = [each for each in figures if each.total_s is not None]
    graded = any(each.quality is not None for each in shown)
    upwards: Y = "quality" if graded else "money"
    across = _Log.of([bound for each in shown for bound in _known(each.total_s)], least=1e-4)
    priced = [float(cost) for each in shown if (cost := _thousand(each))]
    scale = _Log.of(priced, least=1e-9)
    up = _Share.of([each.quality for each in shown]) if graded else _Money(scale)
    return Chart(
        points=tuple(_point(each, shown, across, up, scale) for each in shown),
        x=Axis(
            title="median time of a warm call", ticks=tuple(Tick(across.place(s), _time(s)) for s in across.ticks())
        ),
        y=Axis(title="quality" if graded else "dollars per 1,000 calls", ticks=up.ticks()),
        upwards=upwards,
        cheapest=dollars(_short(min(priced))) if priced and graded else None,
        dearest=dollars(_short(max(priced))) if priced and graded else None,
        absent=tuple(each.label for each in figures if each.total_s is None),
    )


def _point(each: Figures, others: Sequence[Figures], across: _Log, up: _Share | _Money, scale: _Log) -> Point:
    assert each.total_s is not None
    cost = _thousand(each)
    low, high = _bounds(each.total_s)
    return Point(
        label=each.label,
        note=_note(each),
        x=across.place(each.total_s.estimate),
        y=up.place(each),
        x_reach=(across.place(low), across.place(high)),
        y_reach=up.reach(each),
        money=scale.place(float(cost)) if cost else None,
        is_free=cost == 0,
        is_best=not any(_is_better(other, each) for other in others),
    )


def _note(each: Figures) -> str:
    cost = _thousand(each)
    money = "$?" if cost is None else "free" if cost == 0 else f"{dollars(_short(float(cost)))} per 1,000"
    quality = "" if each.quality is None else f"{each.quality.estimate:.0%}, "
    assert each.total_s is not None
    return f"{quality}{_time(each.total_s.estimate)}, {money}"


def _is_better(one: Figures, other: Figures) -> bool:
    """Whether one is at least as good in time, money and quality, and better in one of them."""
    ours, theirs = _standing(one), _standing(other)
    return ours != theirs and all(mine <= their for mine, their in zip(ours, theirs, strict=True))


def _standing(each: Figures) -> tuple[float, float, float]:
    """Less is better. An unknown price counts as the worst one."""
    cost = _thousand(each)
    quality = 0.0 if each.quality is None else -each.quality.estimate
    time_s = math.inf if each.total_s is None else each.total_s.estimate
    return time_s, math.inf if cost is None else float(cost), quality


class _Log:
    """A logarithmic axis that ends at round values."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    @classmethod
    def of(cls, values: Sequence[float], *, least: float) -> _Log:
        """An axis around the values, with room at both ends."""
        known = [max(value, least) for value in values if math.isfinite(value)] or [1.0]
        return cls(_round_down(min(known) / 1.15), _round_up(max(known) * 1.15))

    def place(self, value: float) -> float:
        """From 0 to 1."""
        bound = min(max(value, self.low), self.high)
        return math.log(bound / self.low) / math.log(self.high / self.low)

    def ticks(self) -> list[float]:
        """One, two and five of each power of ten; fewer where that would be many."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        steps = (1.0, 2.0, 5.0) if len(powers) <= 4 else (1.0,)
        marks = [float(f"{step}e{power}") for power in powers for step in steps]
        return [mark for mark in marks if self.low * 0.999 <= mark <= self.high * 1.001]


class _Share:
    """Quality upwards, from zero or from a half."""

    def __init__(self, low: float) -> None:
        self.low = low

    @classmethod
    def of(cls, known: Sequence[Interval | None]) -> _Share:
        return cls(0.5 if all(each is None or each.low > 0.5 for each in known) else 0.0)

    def at(self, value: float) -> float:
        return (value - self.low) / (1 - self.low) * 0.94 + 0.03

    def place(self, each: Figures) -> float:
        return 0.0 if each.quality is None else self.at(each.quality.estimate)

    def reach(self, each: Figures) -> tuple[float, float] | None:
        return None if each.quality is None else (self.at(each.quality.low), self.at(each.quality.high))

    def ticks(self) -> tuple[Tick, ...]:
        values = [self.low + (1 - self.low) * step / 5 for step in range(6)]
        return tuple(Tick(self.at(value), f"{value:.0%}") for value in values)


class _Money:
    """Money upwards, with a place of its own for what is free and for what is unknown."""

    def __init__(self, scale: _Log) -> None:
        self.scale = scale

    def place(self, each: Figures) -> float:
        cost = _thousand(each)
        if cost is None:
            return 0.97
        return 0.05 if cost == 0 else self.at(float(cost))

    def at(self, value: float) -> float:
        return 0.16 + self.scale.place(value) * 0.72

    def reach(self, each: Figures) -> tuple[float, float] | None:
        del each
        return None

    def ticks(self) -> tuple[Tick, ...]:
        marks = [Tick(self.at(value), dollars(_short(value))) for value in self.scale.ticks()]
        return (Tick(0.05, "$0"), *marks)


def _thousand(each: Figures) -> Decimal | None:
    return None if each.cost is None or not each.calls else each.cost * 1000 / each.calls


def _known(interval: Interval | None) -> list[float]:
    return [] if interval is None else [each for each in _bounds(interval) if each > 0]


def _bounds(interval: Interval) -> tuple[float, float]:
    """An open bound is not drawn."""
    low = interval.low if math.isfinite(interval.low) else interval.estimate
    return low, interval.high if math.isfinite(interval.high) else interval.estimate


def _round_down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in (1, 2, 5) if step * power <= value * 1.0001)


def _round_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return min(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.9999)


def _time(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"


def _short(value: float) -> Decimal:
    return Decimal(f"{value:.6g}")

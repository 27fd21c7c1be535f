"""How does what was spent lie in time, and on whom? The picture's geometry, without a drawing.

One column an hour, day or month, without gaps; in each the models (or what else was asked for) on top of one another,
the dearest below. Where nothing cost anything, tokens are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from synapse_cli.ledger.totals import Row
from synapse_cli.report.numbers import dollars

Unit = Literal["dollars", "tokens"]
TIMES = ("hour", "day", "month")
MOST = 7
"""Colours that can be told apart, also by the colour-blind; what is beyond is drawn together."""
_OTHERS = "others"
_MOST_COLUMNS = 400
_ROOM = 1.05
"""Above the highest column, for its sum."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one model took of a column; `size` is in the unit of the chart."""

    series: int
    size: float


@dataclass(frozen=True, slots=True)
class Column:
    """One hour, day or month."""

    label: str
    total: str
    """In words."""
    size: float
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One model, and all that it took."""

    name: str
    total: str
    size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Everything that a drawing needs."""

    unit: Unit
    time: str
    series: tuple[Series, ...]
    columns: tuple[Column, ...]
    ticks: tuple[tuple[float, str], ...]
    """Size and text of each mark of the upward axis; the last one is its end."""

    @property
    def top(self) -> float:
        """The end of the axis."""
        return self.ticks[-1][0]


def chart(rows: Sequence[Row], time: str, over: str) -> Chart:
    """Lay out rows that are split by `time` and `over`; an empty sequence makes an empty chart."""
    unit: Unit = "dollars" if any(Decimal(row.cost) for row in rows) else "tokens"
    size = _dollars if unit == "dollars" else _tokens
    sums: dict[str, float] = {}
    for row in rows:
        sums[row.of[over] or "-"] = sums.get(row.of[over] or "-", 0.0) + size(row)
    names = sorted((name for name, total in sums.items() if total > 0), key=lambda name: (-sums[name], name))
    shown = names if len(names) <= MOST else names[: MOST - 1]
    place = {name: number for number, name in enumerate(shown)}
    say = _say_dollars if unit == "dollars" else _say_tokens
    sizes = _sizes(rows, lambda row: (row.of[time], place.get(row.of[over] or "-", len(place))), size)
    columns = tuple(_column(label, sizes.get(label, {}), say) for label in _without_gaps(sorted(sizes), time))
    series = [Series(name, say(sums[name]), sums[name]) for name in shown]
    if len(names) > len(shown):
        rest = sum(sums[name] for name in names[len(shown) :])
        series.append(Series(_OTHERS, say(rest), rest))
    top = max((column.size for column in columns), default=0.0)
    ticks = tuple((mark, say(mark)) for mark in _ticks(top))
    return Chart(unit=unit, time=time, series=tuple(series), columns=columns, ticks=ticks)


def _sizes(
    rows: Sequence[Row], place: Callable[[Row], tuple[str, int]], size: Callable[[Row], float]
) -> dict[str, dict[int, float]]:
    """What each series took of each column."""
    found: dict[str, dict[int, float]] = {}
    for row in rows:
        label, number = place(row)
        parts = found.setdefault(label, {})
        parts[number] = parts.get(number, 0.0) + size(row)
    return found


def _column(label: str, sizes: dict[int, float], say: Callable[[float], str]) -> Column:
    parts = [Part(number, each) for number, each in sorted(sizes.items()) if each > 0]
    total = sum(part.size for part in parts)
    return Column(label, say(total), total, tuple(parts))


def _without_gaps(labels: Sequence[str], time: str) -> list[str]:
    """Each hour, day or month from the first to the last: a pause must be seen as one."""
    if len(labels) < 2:
        return list(labels)
    found = {*labels}
    here, last = (datetime.fromisoformat(_instant(label, time)) for label in (labels[0], labels[-1]))
    while here < last and len(found) < _MOST_COLUMNS:
        here = _after(here, time)
        found.add(_label(here, time))
    return sorted(label for label in found if label <= labels[-1])


def _instant(label: str, time: str) -> str:
    return f"{label}-01" if time == "month" else label


def _after(here: datetime, time: str) -> datetime:
    if time == "month":
        return (here + timedelta(days=32)).replace(day=1)
    return here + (timedelta(hours=1) if time == "hour" else timedelta(days=1))


def _label(here: datetime, time: str) -> str:
    forms = {"hour": "%Y-%m-%dT%H:00%z", "day": "%Y-%m-%d", "month": "%Y-%m"}
    return here.strftime(forms[time])


def _ticks(top: float) -> list[float]:
    """From zero to above the highest column, in four to six steps of one, two or five times a power of ten."""
    if top <= 0:
        return [0.0, 1.0]
    power = 10.0 ** _floor_log10(top / 5)
    step = next(each * power for each in (1, 2, 5, 10) if each * power * 5 >= top * 0.9999)
    count = int(top / step * _ROOM) + 1
    return [step * number for number in range(count + 1)]


def _floor_log10(value: float) -> int:
    from math import floor, log10

    return floor(log10(value))


def _dollars(row: Row) -> float:
    return float(row.cost)


def _tokens(row: Row) -> float:
    return float(row.input + row.output)


def _say_dollars(amount: float) -> str:
    """Whole dollars from a hundred on: cents are not seen there."""
    return f"${amount:,.0f}" if amount >= 99.995 else dollars(Decimal(f"{amount:.6g}"))


def _say_tokens(amount: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= size:
            return f"{amount / size:.3g}{unit}"
    return f"{amount:.3g}"

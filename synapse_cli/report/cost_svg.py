"""Draw what was spent as SVG: a column a day, the models in it on top of one another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from synapse_cli.report.cost_chart import Chart, Column
from synapse_cli.report.svg import AXIS, FAINT, LETTER, RULE, box, line, opening, text

WIDTH, HEIGHT = 920, 540
LEFT, RIGHT, BOTTOM = 92, 36, 108
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7f7f7f")
"""Okabe and Ito's, which the colour-blind can tell apart; in an order whose neighbours also differ in grey."""
_LEGEND_LINE = 22


def svg(chart: Chart, title: str, subtitle: str, notes: list[str]) -> str:
    """The whole file."""
    spoken = "; ".join(f"{column.label}: {column.total}" for column in chart.columns if column.size)
    legend, lines = _legend(chart)
    top = 84 + lines * _LEGEND_LINE
    parts = [
        *opening(WIDTH, HEIGHT, title, spoken),
        text(LEFT, 34, title, size=19, weight=600),
        text(LEFT, 56, subtitle, colour=FAINT),
        *legend,
        *_axes(chart, top),
        *_columns(chart, top),
        *_labels(chart),
        *(text(LEFT, HEIGHT - 32 + 17 * at, note, colour=FAINT, size=12) for at, note in enumerate(notes[:2])),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _legend(chart: Chart) -> tuple[list[str], int]:
    """A square, a name and a sum for each, in as many lines as they need."""
    drawn: list[str] = []
    x, y = float(LEFT), 82.0
    for number, series in enumerate(chart.series):
        said = f"{series.name}  {series.total}"
        width = 18 + len(said) * LETTER + 16
        if x > LEFT and x + width > WIDTH - RIGHT:
            x, y = float(LEFT), y + _LEGEND_LINE
        drawn += [box(x, y - 10, 11, 11, colour_of(number)), text(x + 18, y, said, size=12)]
        x += width
    return drawn, int((y - 82) / _LEGEND_LINE) + 1


def colour_of(number: int) -> str:
    """The colour of a series."""
    return _COLOURS[number % len(_COLOURS)]


def _axes(chart: Chart, top: float) -> Iterator[str]:
    bottom = HEIGHT - BOTTOM
    for mark, said in chart.ticks:
        y = _up(mark / chart.top, top)
        yield line(LEFT, y, WIDTH - RIGHT, y, RULE if mark else AXIS)
        yield text(LEFT - 10, y + 4, said, colour=FAINT, anchor="end")
    what = "dollars" if chart.unit == "dollars" else "tokens (nothing cost anything)"
    yield text(24, (top + bottom) / 2, f"{what} per {chart.time}", anchor="middle", turned=True)


def _columns(chart: Chart, top: float) -> Iterator[str]:
    slot = _slot(chart)
    width = min(64.0, max(0.8, slot * 0.74))
    for number, column in enumerate(chart.columns):
        x = LEFT + (number + 0.5) * slot - width / 2
        below = 0.0
        for part in column.parts:
            high, low = _up((below + part.size) / chart.top, top), _up(below / chart.top, top)
            tip = f"{column.label}: {chart.series[part.series].name} {_share(part.size, column)} of {column.total}"
            yield box(x, high, width, max(low - high, 0.4), colour_of(part.series), tip=tip)
            below += part.size
        if column.size and _carries_sum(chart, number):
            half = len(column.total) * LETTER / 2
            middle = min(max(x + width / 2, LEFT + half), WIDTH - half)
            yield text(middle, _up(below / chart.top, top) - 6, column.total, size=12, anchor="middle", halo=True)


def _carries_sum(chart: Chart, number: int) -> bool:
    """Each, where there is room for all; else the highest one."""
    sizes = [column.size for column in chart.columns]
    longest = max(len(column.total) for column in chart.columns)
    return longest * LETTER + 6 <= _slot(chart) or number == sizes.index(max(sizes))


def _labels(chart: Chart) -> Iterator[str]:
    """Under as many columns as there is room for, the last one among them."""
    said = [_short(column.label, chart.time) for column in chart.columns]
    slot = _slot(chart)
    every = max(1, -(-int(max(map(len, said), default=1) * LETTER + 14) // max(1, int(slot))))
    for number, column in enumerate(said):
        if (len(said) - 1 - number) % every == 0:
            yield text(LEFT + (number + 0.5) * slot, HEIGHT - BOTTOM + 20, column, colour=FAINT, anchor="middle")
    if chart.columns:
        first, last = chart.columns[0].label[:10], chart.columns[-1].label[:10]
        span = first if first == last else f"{first} to {last}"
        yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 44, span, anchor="middle")


def _short(label: str, time: str) -> str:
    if time == "month":
        return label
    moment = datetime.fromisoformat(label)
    return f"{moment:%H:%M}" if time == "hour" else f"{moment:%b} {moment.day}"


def _slot(chart: Chart) -> float:
    return (WIDTH - LEFT - RIGHT) / max(1, len(chart.columns))


def _share(size: float, column: Column) -> str:
    return f"{size / column.size:.0%}"


def _up(share: float, top: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - top)

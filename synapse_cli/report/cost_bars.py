"""Draw what was spent with letters: a line a day, a stretch a model. Colours only help, the letters tell."""

from __future__ import annotations

from collections.abc import Iterator

from synapse_cli.report.cost_chart import Chart, Column

_FILL = "█▓▒░#=+"
_ANSI = (34, 33, 32, 35, 36, 31, 37)
_LEAST = 12


def bars(chart: Chart, width: int, *, colour: bool) -> list[str]:
    """The lines; as many as there are hours, days or months, and a legend."""
    label = max((len(_label(column)) for column in chart.columns), default=0)
    said = max((len(column.total) for column in chart.columns), default=0)
    room = max(_LEAST, width - label - said - 4)
    lines = [_line(column, chart, room, label, colour=colour) for column in chart.columns]
    return [*lines, "", *_legend(chart, width, colour=colour)] if lines else []


def _line(column: Column, chart: Chart, room: int, label: int, *, colour: bool) -> str:
    most = max(each.size for each in chart.columns)
    stretches = []
    drawn, reached = 0, 0.0
    for part in column.parts:
        reached += part.size
        cells = round(reached / most * room) - drawn
        drawn += cells
        stretches.append(_stretch(part.series, cells, colour=colour))
    if column.size and not drawn:
        stretches, drawn = ["▏"], 1
    return f"{_label(column):<{label}}  {''.join(stretches)} {column.total if column.size else '-'}".rstrip()


def _label(column: Column) -> str:
    return column.label[:16].replace("T", " ")


def _stretch(series: int, cells: int, *, colour: bool) -> str:
    filled = _FILL[series % len(_FILL)] * cells
    return f"\033[{_ANSI[series % len(_ANSI)]}m{filled}\033[0m" if colour and filled else filled


def _legend(chart: Chart, width: int, *, colour: bool) -> Iterator[str]:
    here, used = "", 0
    for number, series in enumerate(chart.series):
        said = f" {series.name} {series.total}"
        if used and used + len(said) + 4 > width:
            yield here
            here, used = "", 0
        here += ("   " if used else "") + _stretch(number, 1, colour=colour) + said
        used += len(said) + 4
    if here:
        yield here

"""How is it told what a semantic cache may trust? Figures, a curve in the terminal, and the same as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from synapse_cli.core.prompt import Json
from synapse_cli.report.svg import AXIS, FAINT, RULE, line, opening, text

Row = Mapping[str, Json]

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 860, 520, 76, 150, 92, 70
_COLOURS = ("#2b6cb0", "#c2410c", "#2f855a")
_COLUMNS, _ROWS = 64, 16
_MARKS = "●○+"


def calibrated(told: Row) -> list[str]:
    """What `cache calibrate` found, for people."""
    found = [
        f"pairs       {_count(told['pairs'])}, {_percent(told['base_rate'])} ask the same",
        f"learned on  {_count(told['trained_on'])} of them"
        if told["trained_on"]
        else "learned on  none: too few pairs",
        f"proved on   {_count(told['proved_on'])}",
    ]
    if told["threshold"] is not None:
        found += [
            f"threshold   {_short(told['threshold'])} of the {told['judge']}",
            f"hits        {_percent(told['hit_rate'])} of pairs ({_count(told['hits'])}, {told['wrong']} wrong)",
            f"certified   {told['promise']}, of pairs such as these",
        ]
    else:
        found.append(f"certified   nothing ({told['wrong']} of {told['hits']} hits wrong at the first threshold)")
    alone = told["cosine_alone"]
    if isinstance(alone, dict):
        threshold = alone["threshold"]
        what = (
            "nothing is certified"
            if threshold is None
            else f"{_percent(alone['hit_rate'])} of pairs, from {_short(threshold)} on"
        )
        found.append(f"cosine alone, under the same proof: {what}")
    return found


def evaluated(told: Row) -> list[str]:
    """What `cache eval` found, for people."""
    found = [
        f"pairs       {_count(told['pairs'])}, {_percent(told['base_rate'])} ask the same",
        f"threshold   {_short(told['threshold'])} of the {told['judge']}"
        + (f" ({told['promise']})" if told["promise"] else " (nothing is certified of it)"),
        f"hits        {_percent(told['hit_rate'])} of pairs ({_count(told['hits'])})",
        f"recall      {_percent(told['recall'])} of those that ask the same",
        f"wrong hits  {_interval(told['wrong_rate'])} ({told['wrong']} of {_count(told['hits'])})",
        f"AUC         {_short(told['auc'])}; of the cosine alone {_short(_at(told, 'cosine_alone', 'auc'))}",
    ]
    alone = told["cosine_alone"]
    if isinstance(alone, dict):
        found.append(
            f"cosine alone, as wrong as that at most: {_percent(alone['hit_rate'])} of pairs are hits"
            f" ({_count(alone['hits'])}, {alone['wrong']} wrong)"
        )
    return found


def plot(curves: Sequence[Row], limit: float | None = None) -> list[str]:
    """Recall to the right, the share of wrong hits upwards, as text."""
    drawn = [[(x, y) for x, y, _ in _points(curve)] for curve in curves]
    top = _top(drawn, limit)
    grid = [[" "] * _COLUMNS for _ in range(_ROWS)]
    if limit is not None and limit <= top:
        grid[_row(limit, top)] = ["·"] * _COLUMNS
    for mark, points in reversed(list(zip(_MARKS, drawn, strict=False))):
        for x, y in points:
            if y <= top:
                grid[_row(y, top)][min(_COLUMNS - 1, int(x * _COLUMNS))] = mark
    scale = [f"{top:>6.0%} ┤", *["       │"] * (_ROWS - 2), f"{0:>6.0%} ┤"]
    found = ["wrong hits"] + [edge + "".join(cells).rstrip() for edge, cells in zip(scale, grid, strict=True)]
    found += ["       └" + "─" * _COLUMNS, "        0%" + "recall".center(_COLUMNS - 8) + "100%"]
    keys = [f"{mark} {curve['name']}" for mark, curve in zip(_MARKS, curves, strict=False)]
    return [*found, "        " + "   ".join([*keys, *(["· the limit"] if limit is not None else [])])]


def svg(curves: Sequence[Row], title: str, subtitle: str, limit: float | None = None) -> str:
    """The same as one file."""
    drawn = [[(x, y) for x, y, _ in _points(curve)] for curve in curves]
    top = _top(drawn, limit)
    spoken = "; ".join(f"{curve['name']}: AUC {_short(curve['auc'])}" for curve in curves)
    parts = [
        *opening(_WIDTH, _HEIGHT, title, spoken),
        text(_LEFT, 34, title, size=19, weight=600),
        text(_LEFT, 55, subtitle, colour=FAINT),
        *_axes(top),
        *(_limit(limit, top) if limit is not None else ()),
        *(part for number, points in enumerate(drawn) for part in _stroke(points, top, _COLOURS[number % 3])),
        *(
            text(_WIDTH - _RIGHT + 12, _TOP + 20 * number + 8, str(curve["name"]), colour=_COLOURS[number % 3], size=12)
            for number, curve in enumerate(curves)
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _points(curve: Row) -> Iterator[tuple[float, float, float]]:
    """Recall, share of wrong hits and threshold of each point."""
    points = curve["points"]
    for point in points if isinstance(points, list) else []:
        if isinstance(point, dict):
            yield _number(point["recall"]), _number(point["wrong_rate"]), _number(point["threshold"])


def _top(drawn: Sequence[Sequence[tuple[float, float]]], limit: float | None) -> float:
    """The upper end of the axis: a tenth, and so on, above what is shown."""
    highest = max([y for points in drawn for _, y in points] + [1.5 * (limit or 0.0), 0.05])
    return min(1.0, -(-highest // 0.1) * 0.1)


def _row(value: float, top: float) -> int:
    return min(_ROWS - 1, max(0, round((1 - value / top) * (_ROWS - 1))))


def _axes(top: float) -> Iterator[str]:
    bottom = _HEIGHT - _BOTTOM
    for step in range(6):
        x, y = _across(step / 5), _up(top * step / 5, top)
        yield line(x, _TOP, x, bottom, RULE)
        yield text(x, bottom + 20, f"{step / 5:.0%}", colour=FAINT, anchor="middle")
        yield line(_LEFT, y, _WIDTH - _RIGHT, y, RULE)
        yield text(_LEFT - 10, y + 4, f"{top * step / 5:.0%}", colour=FAINT, anchor="end")
    yield line(_LEFT, bottom, _WIDTH - _RIGHT, bottom, AXIS)
    yield line(_LEFT, _TOP, _LEFT, bottom, AXIS)
    yield text((_LEFT + _WIDTH - _RIGHT) / 2, bottom + 42, "recall: of those that ask the same, hits", anchor="middle")
    yield text(22, (_TOP + bottom) / 2, "of the hits, wrong", anchor="middle", turned=True)


def _limit(limit: float, top: float) -> Iterator[str]:
    y = _up(limit, top)
    yield line(_LEFT, y, _WIDTH - _RIGHT, y, "#b91c1c", width=1.5, faded=True)
    yield text(_WIDTH - _RIGHT + 6, y + 4, f"limit {limit:.0%}", colour="#b91c1c", size=12)


def _stroke(points: Sequence[tuple[float, float]], top: float, colour: str) -> Iterator[str]:
    for (x1, y1), (x2, y2) in pairwise(points):
        yield line(_across(x1), _up(y1, top), _across(x2), _up(y2, top), colour, width=2)


def _across(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _up(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - min(1.0, value / top) * (_HEIGHT - _TOP - _BOTTOM)


def _at(told: Row, *keys: str) -> Json:
    found: Json = dict(told)
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _count(value: Json) -> str:
    return f"{int(_number(value)):,}"


def _percent(value: Json) -> str:
    return "-" if value is None else f"{100 * _number(value):.3g} %"


def _short(value: Json) -> str:
    return "-" if value is None else f"{_number(value):.4g}"


def _interval(value: Json) -> str:
    if not isinstance(value, dict):
        return "none: there are no hits"
    return f"{_percent(value['estimate'])} [{_percent(value['low'])}, {_percent(value['high'])}]"

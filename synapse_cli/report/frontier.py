"""Draw what quality costs: the policy, every model and the oracle, with random choice and prompt length as lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from synapse_cli.report.svg import AXIS, FAINT, INK, LETTER, RULE, line, opening, text
from synapse_cli.report.tune import Place, Told, headline

WIDTH, HEIGHT = 920, 600
_LEFT, _RIGHT, _TOP, _BOTTOM = 92, 40, 92, 92
_COLOURS = {
    "policy": "#c2410c",
    "way": "#7c3aed",
    "single": "#2b6cb0",
    "oracle": "#2f855a",
    "curve": "#f08c55",
    "random": "#9aa1ac",
    "length": "#b7791f",
}
_LEGEND = (
    ("policy", "the policy"),
    ("curve", "at other prices"),
    ("way", "cascades"),
    ("single", "single models"),
    ("oracle", "oracle"),
    ("random", "random"),
    ("length", "prompt length"),
)
_LINES = ("random", "length", "curve")


class _Scale:
    """Where dollars and scores stand in the picture; dollars on a logarithmic axis."""

    def __init__(self, places: Sequence[Place]) -> None:
        costs = [each.cost for each in places if each.cost > 0] or [1.0]
        self.cheapest, self.dearest = min(costs) / 1.3, max(costs) * 1.3
        scores = [bound for each in places for bound in (each.score.low, each.score.high)]
        low, high = min(scores), max(scores)
        room = max(0.02, (high - low) * 0.06)
        self.low, self.high = max(0.0, low - room), min(1.0, high + room)

    def x(self, cost: float) -> float:
        share = math.log(max(cost, self.cheapest) / self.cheapest) / math.log(self.dearest / self.cheapest)
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def y(self, score: float) -> float:
        share = (score - self.low) / (self.high - self.low)
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)

    def money(self) -> list[float]:
        """One, two and five of each power of ten."""
        powers = range(math.floor(math.log10(self.cheapest)), math.ceil(math.log10(self.dearest)) + 1)
        steps = (1, 2, 5) if len(powers) <= 4 else (1,)
        marks = [float(f"{step}e{power}") for power in powers for step in steps]
        return [mark for mark in marks if self.cheapest <= mark <= self.dearest]

    def quality(self) -> list[float]:
        """Round scores, some six of them."""
        step = next(each for each in (0.01, 0.02, 0.05, 0.1, 0.2) if (self.high - self.low) / each <= 8)
        first = math.ceil(self.low / step)
        return [number * step for number in range(first, math.floor(self.high / step) + 1)]


def svg(told: Told) -> str:
    """The whole file."""
    scale = _Scale(told.places)
    shown = [each for each in told.places if each.kind not in _LINES]
    spoken = "; ".join(f"{each.name}: score {each.score.estimate:.3f}, {each.saved:.0%} saved" for each in shown)
    parts = [
        *opening(WIDTH, HEIGHT, "Cost and quality", spoken),
        text(_LEFT, 34, "Cost and quality", size=19, weight=600),
        text(_LEFT, 55, headline(told), colour=FAINT),
        *_axes(scale),
        *_legend(told.places),
        *_curves(told.places, scale),
        *_dots(shown, scale),
        text(_LEFT, HEIGHT - 16, _foot(told), colour=FAINT, size=12),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _axes(scale: _Scale) -> Iterator[str]:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    for cost in scale.money():
        yield line(scale.x(cost), _TOP, scale.x(cost), bottom, RULE)
        yield text(scale.x(cost), bottom + 20, f"${cost * 1000:g}", colour=FAINT, anchor="middle")
    for score in scale.quality():
        yield line(_LEFT, scale.y(score), right, scale.y(score), RULE)
        yield text(_LEFT - 10, scale.y(score) + 4, f"{score:.2f}", colour=FAINT, anchor="end")
    yield line(_LEFT, bottom, right, bottom, AXIS)
    yield line(_LEFT, _TOP, _LEFT, bottom, AXIS)
    yield text((_LEFT + right) / 2, bottom + 42, "dollars per 1,000 requests (cheaper is to the left)", anchor="middle")
    yield text(24, (_TOP + bottom) / 2, "mean score", anchor="middle", turned=True)


def _legend(places: Sequence[Place]) -> Iterator[str]:
    there = {each.kind for each in places}
    x = float(_LEFT)
    for kind, name in _LEGEND:
        if kind in there:
            yield f'<circle cx="{x + 5:.1f}" cy="74" r="5" fill="{_COLOURS[kind]}"/>'
            yield text(x + 15, 78, name, size=12, colour=FAINT)
            x += 15 + len(name) * LETTER + 18


def _curves(places: Sequence[Place], scale: _Scale) -> Iterator[str]:
    for kind in _LINES:
        along = sorted((each for each in places if each.kind == kind), key=lambda each: each.cost)
        if len(along) > 1:
            points = " ".join(f"{scale.x(each.cost):.1f},{scale.y(each.score.estimate):.1f}" for each in along)
            dash = "" if kind == "curve" else ' stroke-dasharray="5 4"'
            yield f'<polyline points="{points}" fill="none" stroke="{_COLOURS[kind]}" stroke-width="2"{dash}/>'


def _dots(places: Sequence[Place], scale: _Scale) -> Iterator[str]:
    """Each with its interval; names stand where no other does."""
    taken: list[tuple[float, float, float]] = []
    for each in sorted(places, key=lambda place: (place.kind != "policy", -place.score.estimate)):
        x, y, colour = scale.x(each.cost), scale.y(each.score.estimate), _COLOURS[each.kind]
        yield line(x, scale.y(each.score.low), x, scale.y(each.score.high), colour, width=2, faded=True)
        radius = 8 if each.kind == "policy" else 5
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>'
        width = len(each.name) * LETTER * 0.92
        is_right = x + 12 + width < WIDTH - 4
        start = x + 12 if is_right else x - 12 - width
        if not any(abs(y - other) < 14 and start < end and begin < start + width for begin, end, other in taken):
            taken.append((start, start + width, y))
            anchor = "start" if is_right else "end"
            at = x + 12 if is_right else x - 12
            weight = 600 if each.kind == "policy" else 400
            yield text(at, y + 4, each.name, size=12, colour=INK, weight=weight, anchor=anchor, halo=True)


def _foot(told: Told) -> str:
    data = told.policy.data
    rows, which = (data.tested, "that were not fitted") if data.tested else (data.fitted, "held out in turn")
    return f"{told.table} · {rows:,} rows {which}"

"""Draw a chart as SVG: one file that any browser, editor or document shows, without a script or a font of its own."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synapse_cli.report.plot import Axis, Chart, Point
from synapse_cli.report.svg import AXIS, FAINT, INK, LETTER, RULE, line, opening, text

WIDTH, HEIGHT = 920, 600
LEFT, RIGHT, TOP, BOTTOM = 92, 36, 92, 84
_RADIUS = 7.0
_LINE = 16.0
_CHEAP, _DEAR, _FREE, _UNKNOWN = (43, 108, 176), (194, 65, 12), "#2f855a", "#8a8f98"


@dataclass(frozen=True, slots=True)
class Box:
    """Room that something takes."""

    x: float
    y: float
    width: float
    height: float

    def meets(self, other: Box) -> bool:
        """Whether the two overlap."""
        apart = self.x + self.width <= other.x or other.x + other.width <= self.x
        return not (apart or self.y + self.height <= other.y or other.y + other.height <= self.y)

    @property
    def is_inside(self) -> bool:
        """Whether it lies within the picture."""
        return self.x >= 4 and self.x + self.width <= WIDTH - 4 and self.y >= TOP - 14 and self.y + self.height < HEIGHT


def svg(chart: Chart, title: str, subtitle: str) -> str:
    """The whole file."""
    spoken = "; ".join(f"{point.label}: {point.note}" for point in chart.points)
    parts = [
        *opening(WIDTH, HEIGHT, title, spoken),
        text(LEFT, 34, title, size=19, weight=600),
        text(LEFT, 55, subtitle, colour=FAINT),
        *_axes(chart),
        *_legend(chart),
        *_whiskers(chart.points),
        *_points(chart.points),
        *_labels(chart.points),
        *_footnote(chart),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _axes(chart: Chart) -> Iterator[str]:
    bottom = HEIGHT - BOTTOM
    for tick in chart.x.ticks:
        x = _across(tick.at)
        yield line(x, TOP, x, bottom, RULE)
        yield text(x, bottom + 20, tick.text, colour=FAINT, anchor="middle")
    for tick in chart.y.ticks:
        y = _up(tick.at)
        yield line(LEFT, y, WIDTH - RIGHT, y, RULE)
        yield text(LEFT - 10, y + 4, tick.text, colour=FAINT, anchor="end")
    yield line(LEFT, bottom, WIDTH - RIGHT, bottom, AXIS)
    yield line(LEFT, TOP, LEFT, bottom, AXIS)
    yield text((LEFT + WIDTH - RIGHT) / 2, bottom + 42, _with_unit(chart.x), anchor="middle")
    middle = (TOP + bottom) / 2
    yield text(24, middle, chart.y.title, anchor="middle", turned=True)


def _with_unit(axis: Axis) -> str:
    return f"{axis.title} (faster is to the left)"


def _legend(chart: Chart) -> Iterator[str]:
    """What the colours mean, at the upper right; only those that occur."""
    x = float(WIDTH - RIGHT)
    if chart.cheapest is not None and chart.dearest is not None:
        low, high = _rgb(_CHEAP), _rgb(_DEAR)
        yield (
            f'<defs><linearGradient id="money"><stop offset="0" stop-color="{low}"/>'
            f'<stop offset="1" stop-color="{high}"/></linearGradient></defs>'
        )
        yield text(x, 34, "dollars per 1,000 calls", colour=FAINT, anchor="end", size=12)
        yield text(x, 55, chart.dearest, colour=FAINT, anchor="end", size=12)
        x -= len(chart.dearest) * LETTER + 6
        yield f'<rect x="{x - 90:.1f}" y="46" width="90" height="9" rx="4.5" fill="url(#money)"/>'
        x -= 96
        yield text(x, 55, chart.cheapest, colour=FAINT, anchor="end", size=12)
        x -= len(chart.cheapest) * LETTER + 22
    if any(point.is_free for point in chart.points):
        yield text(x, 55, "free", colour=FAINT, anchor="end", size=12)
        yield f'<circle cx="{x - 34:.1f}" cy="51" r="5" fill="{_FREE}"/>'


def _whiskers(points: Sequence[Point]) -> Iterator[str]:
    for point in points:
        colour = _colour(point)
        x, y = _across(point.x), _up(point.y)
        low, high = (_across(place) for place in point.x_reach)
        yield line(low, y, high, y, colour, width=2, faded=True)
        if point.y_reach is not None:
            bottom, top = (_up(place) for place in point.y_reach)
            yield line(x, bottom, x, top, colour, width=2, faded=True)


def _points(points: Sequence[Point]) -> Iterator[str]:
    for point in points:
        x, y = _across(point.x), _up(point.y)
        if point.is_best:
            ring = f'r="{_RADIUS + 4}" fill="none" stroke="{INK}" stroke-width="1.4"'
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" {ring}/>'
        known = point.is_free or point.money is not None
        fill = _colour(point) if known else "#ffffff"
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" fill="{fill}" stroke="{_colour(point)}" stroke-width="2">'
            f"<title>{html.escape(f'{point.label}: {point.note}')}</title></circle>"
        )


def _labels(points: Sequence[Point]) -> Iterator[str]:
    """A name and its figures beside each point, where nothing else stands; with a line where it had to move away."""
    taken = [box for point in points for box in (_around(point), *_reaches(point))]
    for point in sorted(points, key=lambda each: (-each.y, each.x)):
        x, y = _across(point.x), _up(point.y)
        box = _room(point, taken)
        taken.append(box)
        if max(box.y - y, y - box.y - box.height) > _LINE:
            yield line(x, y, box.x + (0 if box.x > x else box.width), box.y + _LINE, AXIS)
        anchor = "start" if box.x >= x else "end" if box.x + box.width <= x else "middle"
        at = {"start": box.x, "end": box.x + box.width, "middle": box.x + box.width / 2}[anchor]
        yield text(at, box.y + 12, point.label, weight=600, anchor=anchor, halo=True)
        yield text(at, box.y + 12 + _LINE, point.note, colour=FAINT, anchor=anchor, size=12, halo=True)


def _room(point: Point, taken: Sequence[Box]) -> Box:
    """The nearest free place for a label: right, left, above, below, then farther away."""
    x, y = _across(point.x), _up(point.y)
    width, height = max(len(point.label), len(point.note) * 0.92) * LETTER, 2 * _LINE
    gap = _RADIUS + 7
    places = [
        Box(side, y - height / 2 + away * sign, width, height)
        for away in range(0, 400, 12)
        for sign in ((1,) if away == 0 else (-1, 1))
        for side in (x + gap, x - gap - width, *((x - width / 2,) if away > height / 2 + gap else ()))
    ]
    free = (box for box in places if box.is_inside and not any(box.meets(other) for other in taken))
    return next(free, places[0])


def _around(point: Point) -> Box:
    reach = _RADIUS + 4
    return Box(_across(point.x) - reach, _up(point.y) - reach, 2 * reach, 2 * reach)


def _reaches(point: Point) -> list[Box]:
    """Where the interval of a time runs, beyond the point itself."""
    low, high = (_across(place) for place in point.x_reach)
    return [Box(low, _up(point.y) - 2, high - low, 4)]


def _footnote(chart: Chart) -> Iterator[str]:
    said = ["a ring: no other is as good in time, money and quality at once" if len(chart.points) > 1 else ""]
    said += [f"no answer: {', '.join(chart.absent)}" if chart.absent else ""]
    yield text(LEFT, HEIGHT - 16, " · ".join(part for part in said if part), colour=FAINT, size=12)


def _across(place: float) -> float:
    return LEFT + place * (WIDTH - LEFT - RIGHT)


def _up(place: float) -> float:
    return HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM)


def _colour(point: Point) -> str:
    if point.is_free:
        return _FREE
    if point.money is None:
        return _UNKNOWN
    mixed = tuple(round(low + (high - low) * point.money) for low, high in zip(_CHEAP, _DEAR, strict=True))
    return _rgb(mixed)


def _rgb(parts: Sequence[int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in parts)

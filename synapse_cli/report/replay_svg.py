"""Draw a replay: cost against quality at the left, and at the right what is gained for which share of strong calls."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synapse_cli.report.replay import Figure, Told, headline
from synapse_cli.report.svg import AXIS, FAINT, INK, LETTER, RULE, line, opening, text

WIDTH, HEIGHT = 1120, 560
_TOP, _BOTTOM = 92, 84
_COLOURS = {"policy": "#c2410c", "single": "#2b6cb0", "oracle": "#2f855a", "random": "#9aa1ac", "length": "#b7791f"}
_NAMES = {
    "policy": "the policy",
    "single": "single models",
    "oracle": "oracle",
    "random": "random",
    "length": "prompt length",
}
_HIGHEST = 1.4
"""PGR drawn at most; an oracle may gain more than the strong model."""


@dataclass(frozen=True, slots=True)
class _Panel:
    """A part of the picture, and what its sides measure."""

    left: float
    right: float
    x: tuple[float, float]
    y: tuple[float, float]
    is_log: bool = False

    def across(self, value: float) -> float:
        low, high = self.x
        value = min(max(value, low), high)
        share = math.log(value / low) / math.log(high / low) if self.is_log else (value - low) / (high - low)
        return self.left + share * (self.right - self.left)

    def up(self, value: float) -> float:
        low, high = self.y
        share = (min(max(value, low), high) - low) / (high - low)
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def svg(told: Told) -> str:
    """The whole file; the right part only where the policy ranks."""
    figures = [("policy", told.policy), ("oracle", told.oracle), *(("single", each) for each in told.singles)]
    spoken = "; ".join(f"{each.name}: score {each.score.estimate:.3f}" for _, each in figures)
    money = _money_panel(told, [each for _, each in figures], 640 if told.between else WIDTH - 40)
    parts = [
        *opening(WIDTH, HEIGHT, "What the policy would have done", spoken),
        text(84, 34, "What the policy would have done", size=19, weight=600),
        text(84, 55, headline(told), colour=FAINT),
        *_legend(told),
        *_axes(money, [f"${each * 1000:g}" for each in _powers(money)], _powers(money), _steps(*money.y)),
        text((money.left + money.right) / 2, HEIGHT - 38, "dollars per 1,000 prompts", anchor="middle"),
        text(24, HEIGHT / 2, "mean score", anchor="middle", turned=True),
        *_lines(told, money),
        *_dots(figures, money),
        *(_shares(told) if told.between else ()),
        text(84, HEIGHT - 12, f"{told.table} · {told.rows:,} prompts", colour=FAINT, size=12),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _money_panel(told: Told, figures: Sequence[Figure], right: float) -> _Panel:
    shown = [*figures, *told.by_chance, *told.by_length]
    costs = [each.cost for each in shown if each.cost > 0] or [1.0]
    scores = [each.score.estimate for each in shown]
    room = max(0.02, (max(scores) - min(scores)) * 0.08)
    return _Panel(
        84,
        right,
        (min(costs) / 1.3, max(costs) * 1.3),
        (max(0.0, min(scores) - room), min(1.0, max(scores) + room)),
        is_log=True,
    )


def _legend(told: Told) -> Iterator[str]:
    x = 84.0
    for kind, name in _NAMES.items():
        if kind in ("random", "length") and not told.by_chance:
            continue
        yield f'<circle cx="{x + 5:.1f}" cy="74" r="5" fill="{_COLOURS[kind]}"/>'
        yield text(x + 15, 78, name, size=12, colour=FAINT)
        x += 15 + len(name) * LETTER + 18


def _axes(panel: _Panel, said: Sequence[str], across: Sequence[float], up: Sequence[float]) -> Iterator[str]:
    bottom = HEIGHT - _BOTTOM
    for value, label in zip(across, said, strict=True):
        yield line(panel.across(value), _TOP, panel.across(value), bottom, RULE)
        yield text(panel.across(value), bottom + 20, label, colour=FAINT, anchor="middle")
    for value in up:
        yield line(panel.left, panel.up(value), panel.right, panel.up(value), RULE)
        yield text(panel.left - 8, panel.up(value) + 4, f"{value:.2f}", colour=FAINT, anchor="end", size=12)
    yield line(panel.left, bottom, panel.right, bottom, AXIS)
    yield line(panel.left, _TOP, panel.left, bottom, AXIS)


def _lines(told: Told, panel: _Panel) -> Iterator[str]:
    """What a share of prompts to the baseline gives, by chance and by length."""
    for kind, along in (("random", told.by_chance), ("length", told.by_length)):
        yield from _line(panel, [(each.cost, each.score.estimate) for each in along], _COLOURS[kind], dashed=True)


def _line(panel: _Panel, points: Sequence[tuple[float, float]], colour: str, *, dashed: bool = False) -> Iterator[str]:
    if len(points) > 1:
        drawn = " ".join(f"{panel.across(x):.1f},{panel.up(y):.1f}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        yield f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'


def _dots(figures: Sequence[tuple[str, Figure]], panel: _Panel) -> Iterator[str]:
    """Each with its interval; a name stands where no other does."""
    taken: list[tuple[float, float, float]] = []
    for kind, each in figures:
        x, y, colour = panel.across(each.cost), panel.up(each.score.estimate), _COLOURS[kind]
        yield line(x, panel.up(each.score.low), x, panel.up(each.score.high), colour, width=2, faded=True)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{8 if kind == "policy" else 5}" fill="{colour}"/>'
        width = len(each.name) * LETTER * 0.92
        is_right = x + 12 + width < panel.right
        start = x + 12 if is_right else x - 12 - width
        if not any(abs(y - other) < 14 and start < end and begin < start + width for begin, end, other in taken):
            taken.append((start, start + width, y))
            at, anchor = (x + 12, "start") if is_right else (x - 12, "end")
            weight = 600 if kind == "policy" else 400
            yield text(at, y + 4, each.name, size=12, colour=INK, weight=weight, anchor=anchor, halo=True)


def _shares(told: Told) -> Iterator[str]:
    """PGR over the share of strong calls."""
    panel = _Panel(730, WIDTH - 40, (0.0, 1.0), (0.0, _HIGHEST))
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    yield from _axes(panel, [f"{each:.0%}" for each in shares], shares, (0.0, 0.5, 0.8, 1.0))
    yield text((panel.left + panel.right) / 2, HEIGHT - 38, "share of prompts to the strong model", anchor="middle")
    yield text(680, HEIGHT / 2, "of its gain (PGR)", anchor="middle", turned=True)
    for each in reversed(told.sorts):
        colour = _COLOURS[each.name]
        yield from _line(panel, _thinned(each.line), colour, dashed=each.name in ("random", "length"))


def _thinned(along: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Some two hundred points are a smooth line; ten thousand are a large file."""
    step = max(1, len(along) // 200)
    return [*along[::step], along[-1]]


def _powers(panel: _Panel) -> list[float]:
    """One, two and five of each power of ten within the panel; fewer where that would be many."""
    low, high = panel.x
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(powers) <= 3 else (1,)
    return [mark for power in powers for step in steps if low <= (mark := float(f"{step}e{power}")) <= high]


def _steps(low: float, high: float) -> list[float]:
    """Round scores, some six of them."""
    step = next(each for each in (0.01, 0.02, 0.05, 0.1, 0.2) if (high - low) / each <= 8)
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]

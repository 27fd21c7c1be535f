"""Is a router as often right as it says? Its confidence against its accuracy, bin by bin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from synapse_cli.report.svg import AXIS, FAINT, RULE, line, text

Bin = tuple[float, float, int]
"""Mean confidence, accuracy, decisions."""
_BLUE = "#0072b2"
_WIDE = 20


def bars(bins: Sequence[Bin]) -> list[str]:
    """A line a bin: what it said, how often it was right, and that as a bar."""
    lines = []
    for confidence, accuracy, rows in bins:
        filled = round(accuracy * _WIDE)
        said = round(confidence * _WIDE)
        drawn = "".join("█" if at < filled else "·" for at in range(_WIDE))
        marked = drawn[: min(said, _WIDE - 1)] + "│" + drawn[min(said, _WIDE - 1) + 1 :]
        lines.append(f"{confidence:5.0%} sure  {marked}  {accuracy:5.0%} right  {rows:>6,}")
    return lines


def drawing(bins: Sequence[Bin], x: float, y: float, size: float) -> Iterator[str]:
    """The same within a square: on the diagonal a router says what is so; a larger dot is more decisions."""
    for mark in (0.0, 0.25, 0.5, 0.75, 1.0):
        at, up = x + mark * size, y + size - mark * size
        yield line(x, up, x + size, up, RULE if mark else AXIS)
        yield line(at, y, at, y + size, RULE if mark else AXIS)
        yield text(at, y + size + 18, f"{mark:.0%}", size=11, colour=FAINT, anchor="middle")
        yield text(x - 8, up + 4, f"{mark:.0%}", size=11, colour=FAINT, anchor="end")
    yield line(x, y + size, x + size, y, AXIS)
    most = max((rows for _, _, rows in bins), default=1)
    for (first, right, _), (then, later, _) in pairwise(bins):
        yield line(x + first * size, y + size * (1 - right), x + then * size, y + size * (1 - later), _BLUE, width=2)
    for confidence, accuracy, rows in bins:
        radius = 3 + 4 * (rows / most) ** 0.5
        yield (
            f'<circle cx="{x + confidence * size:.1f}" cy="{y + size * (1 - accuracy):.1f}" r="{radius:.1f}" '
            f'fill="{_BLUE}"><title>{confidence:.0%} sure, {accuracy:.0%} right, {rows} decisions</title></circle>'
        )
    yield text(x + size / 2, y + size + 40, "how sure it is", size=12, colour=FAINT, anchor="middle")
    yield text(x - 44, y + size / 2, "how often it is right", size=12, colour=FAINT, anchor="middle", turned=True)

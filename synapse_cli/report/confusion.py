"""Which routes were taken for which others? A table for a terminal, and a picture of the whole matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from synapse_cli.report.svg import FAINT, INK, LETTER, box, text

_MOST_COLUMNS = 12
_MOST_NAMED = 40
"""Beyond so many routes the picture's cells are too small to be named."""
_LONGEST = 18


def table(names: Sequence[str], matrix: Sequence[Sequence[int]]) -> list[str]:
    """The matrix as lines, for few routes; what belongs to a route stands in its line. Empty for many."""
    if not 1 < len(names) <= _MOST_COLUMNS:
        return []
    short = [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in names]
    left = max(map(len, short))
    widths = [max(len(name), *(len(str(row[column])) for row in matrix)) for column, name in enumerate(short)]
    head = " " * left + "  " + "  ".join(name.rjust(width) for name, width in zip(short, widths, strict=True))
    body = [
        f"{name.ljust(left)}  " + "  ".join(_count(n).rjust(width) for n, width in zip(row, widths, strict=True))
        for name, row in zip(short, matrix, strict=True)
    ]
    return [head.rstrip(), *(line.rstrip() for line in body)]


def _count(number: int) -> str:
    return str(number) if number else "·"


def drawing(names: Sequence[str], matrix: Sequence[Sequence[int]], x: float, y: float, size: float) -> Iterator[str]:
    """The matrix within a square: the darker, the larger the share of its line; what is wrong is drawn in red."""
    cell = size / max(1, len(names))
    named = len(names) <= _MOST_NAMED
    for down, (wanted, row) in enumerate(zip(names, matrix, strict=True)):
        total = sum(row)
        for across, (got, count) in enumerate(zip(names, row, strict=True)):
            if count:
                tip = (
                    f"{wanted} taken for {got}: {count} of {total}"
                    if down != across
                    else f"{wanted}: {count} of {total}"
                )
                colour = _shade(count / total, right=down == across)
                yield box(x + across * cell, y + down * cell, cell, cell, colour, tip=tip)
                if cell >= 4 * LETTER:
                    ink = "#ffffff" if count / total > 0.5 else INK
                    yield text(
                        x + (across + 0.5) * cell,
                        y + (down + 0.5) * cell + 4,
                        str(count),
                        size=11,
                        colour=ink,
                        anchor="middle",
                    )
        if named:
            yield text(x - 8, y + (down + 0.5) * cell + 4, _clipped(wanted), size=11, colour=FAINT, anchor="end")
    if named:
        for across, got in enumerate(names):
            yield text(
                x + (across + 0.5) * cell + 4,
                y + size + 8,
                _clipped(got),
                size=11,
                colour=FAINT,
                anchor="end",
                turned=True,
            )


def margin(names: Sequence[str]) -> float:
    """The room that names take beside the matrix and below it."""
    return min(_LONGEST, max(map(len, names), default=0)) * LETTER * 0.86 + 16 if len(names) <= _MOST_NAMED else 24.0


def _clipped(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _shade(share: float, *, right: bool) -> str:
    """From nearly white to blue for what is right, to orange for what is not: told apart by the colour-blind."""
    light, full = ((232, 241, 250), (0, 114, 178)) if right else ((253, 236, 226), (213, 94, 0))
    depth = share**0.5
    mixed = [round(pale + (deep - pale) * depth) for pale, deep in zip(light, full, strict=True)]
    return "#" + "".join(f"{each:02x}" for each in mixed)

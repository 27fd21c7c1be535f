"""How wide is a text at a terminal, and how is it cut, padded, coloured and drawn as a bar?"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Literal

Colour = Literal["bold", "dim", "red", "green", "yellow", "cyan"]
_CODES: dict[Colour, str] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_EIGHTHS = " ▏▎▍▌▋▊▉"
_STEPS = "▁▂▃▄▅▆▇█"


def cells(text: str) -> int:
    """The columns that a text takes; what East Asia writes takes two, a combining mark none."""
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def cut(text: str, room: int) -> str:
    """The text within so many columns, with an ellipsis where it is longer."""
    if cells(text) <= room:
        return text
    if room <= 0:
        return ""
    kept, taken = [], 0
    for character in text:
        taken += _cells_of(character)
        if taken > room - 1:
            break
        kept.append(character)
    return "".join(kept) + "…"


def left(text: str, room: int) -> str:
    """The text at the left of exactly so many columns."""
    text = cut(text, room)
    return text + " " * (room - cells(text))


def right(text: str, room: int) -> str:
    """The text at the right of exactly so many columns."""
    text = cut(text, room)
    return " " * (room - cells(text)) + text


def tidy(text: str) -> str:
    """A stored text in one line that cannot move the cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def bar(share: float, room: int) -> str:
    """Whole blocks and an eighth; something can be seen of what is not nothing."""
    eighths = min(round(share * room * 8), room * 8)
    if eighths <= 0 and share > 0:
        eighths = 1
    whole, part = divmod(max(0, eighths), 8)
    return "█" * whole + (_EIGHTHS[part] if part else "")


def sparkline(values: Sequence[float]) -> str:
    """A column for each value, from nothing to the largest; what is nothing is a space."""
    largest = max(values, default=0.0)
    if largest <= 0:
        return " " * len(values)
    return "".join(_STEPS[min(7, int(value / largest * 8))] if value > 0 else " " for value in values)


class Painter:
    """Colours where they are wanted, and leaves texts alone where they are not."""

    def __init__(self, *, has_colour: bool) -> None:
        self.has_colour = has_colour

    def __call__(self, text: str, *colours: Colour) -> str:
        """The text in these colours."""
        if not self.has_colour or not colours or not text.strip():
            return text
        return f"\x1b[{';'.join(_CODES[colour] for colour in colours)}m{text}\x1b[0m"


Line = Sequence[tuple[str, Colour | None]]
"""Pieces of a line, each with its colour."""


def painted(line: Line, width: int, paint: Painter) -> str:
    """A line within so many columns, in colour; cut before it is coloured, so that no code is cut."""
    room, drawn = width, []
    for text, colour in line:
        if room <= 0:
            break
        piece = cut(text, room)
        room -= cells(piece)
        drawn.append(paint(piece, colour) if colour else piece)
    return "".join(drawn).rstrip()


def _cells_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1

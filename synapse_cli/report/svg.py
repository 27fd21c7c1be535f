"""The strokes that pictures are made of: each a line of SVG, without a script or a font of its own."""

from __future__ import annotations

import html

INK, FAINT, RULE, AXIS = "#1f2430", "#5b6270", "#e4e7ec", "#9aa1ac"
LETTER = 7.0
"""Pixels of a letter of 13 px in the usual sans-serif fonts, rather too many than too few."""
FONTS = "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"


def opening(width: int, height: int, title: str, spoken: str) -> list[str]:
    """The head of the file, with what a screen reader says, on white."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="{FONTS}">'
    )
    return [
        head,
        f"<title>{html.escape(title)}</title>",
        f"<desc>{html.escape(spoken)}</desc>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]


def line(x1: float, y1: float, x2: float, y2: float, colour: str, *, width: float = 1, faded: bool = False) -> str:
    """A straight line."""
    opacity = ' stroke-opacity="0.55" stroke-linecap="round"' if faded else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width:g}"{opacity}/>'
    )


def box(x: float, y: float, width: float, height: float, colour: str, *, tip: str = "") -> str:
    """A filled rectangle, and what is said where a pointer rests on it."""
    shape = f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" fill="{colour}"'
    return f"{shape}><title>{html.escape(tip)}</title></rect>" if tip else f"{shape}/>"


def text(
    x: float,
    y: float,
    said: str,
    *,
    size: int = 13,
    colour: str = INK,
    weight: int = 400,
    anchor: str = "start",
    turned: bool = False,
    halo: bool = False,
) -> str:
    """A line of text; `halo` keeps it readable over lines."""
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    edge = ' stroke="#ffffff" stroke-width="3.5" stroke-linejoin="round" paint-order="stroke"' if halo else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{colour}" '
        f'text-anchor="{anchor}"{turn}{edge}>{html.escape(said)}</text>'
    )

"""Make a PNG of a picture that is drawn as SVG. Needs the extra `png`: resvg draws it, and a font comes along.

With a font of its own a picture is the same on every machine, also where no font is installed at all.
"""

from __future__ import annotations

import os

from synapse_cli.core.errors import EngineMissing

SCALE = 2.0
"""Pixels per unit: sharp on the displays and in the documents of today."""
_FAMILY = "Roboto"


def check() -> None:
    """Raise EngineMissing where the extra is not installed: before anything is paid for a picture."""
    from importlib.util import find_spec

    if find_spec("resvg_py") is None or find_spec("font_roboto") is None:
        raise EngineMissing("PNG pictures need the extra png", "pip install 'synapse-llm[png]', or name a FILE.svg")


def png(svg: str) -> bytes:
    """The bytes of the PNG. Raises EngineMissing where the extra is not installed."""
    check()
    import font_roboto
    import resvg_py

    folder = os.path.join(os.path.dirname(font_roboto.__file__), "files")
    fonts = [os.path.join(folder, f"Roboto-{weight}.ttf") for weight in ("Regular", "Medium", "Bold")]
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg.replace("system-ui, -apple-system, ", f"{_FAMILY}, "),
            zoom=SCALE,
            font_files=fonts,
            font_family=_FAMILY,
            sans_serif_family=_FAMILY,
            skip_system_fonts=svg.isascii() or not _needs_more(svg),
        )
    )


def _needs_more(svg: str) -> bool:
    """Whether a name is written in letters that the font does not have: then those of the machine are looked at."""
    return any(ord(letter) > 0x52F and not 0x2000 <= ord(letter) <= 0x22FF for letter in svg)

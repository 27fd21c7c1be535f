"""Money, seconds and sizes as people and scripts read them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from synapse_cli.core.prompt import Json


def money(amount: Decimal | None) -> str | None:
    """A decimal string for scripts: no exponent, no trailing zeros; None stays None."""
    if amount is None:
        return None
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def dollars(amount: Decimal | None) -> str:
    """Money for people: two significant digits below a cent."""
    if amount is None:
        return "$?"
    if amount == 0:
        return "$0"
    sign = "-" if amount < 0 else ""
    size = abs(amount)
    digits = 2 if size >= Decimal("0.1") else max(2, 1 - size.adjusted())
    return f"{sign}${size:.{digits}f}"


def seconds(duration: float) -> str:
    """A duration for people."""
    return f"{duration * 1000:.0f} ms" if duration < 0.1 else f"{duration:.1f} s"


def short(count: float) -> str:
    """A count for people: `950`, `12.3k`, `4.1M`."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if count >= size:
            return f"{count / (1e3 if unit == 'k' else size):.1f}{unit}"
    return f"{count:.0f}"


def tokens(told: Mapping[str, Json]) -> str:
    """A `tokens` object for people: what was read and written, `~` where nobody measured it."""
    read, written = told.get("input"), told.get("output")
    if not isinstance(read, int) or not isinstance(written, int):
        return "?"
    return f"{'~' if told.get('estimated') else ''}{short(read)}+{short(written)}"

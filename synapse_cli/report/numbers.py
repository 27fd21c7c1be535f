"""Money, seconds and sizes as people and scripts read them."""

from __future__ import annotations

from decimal import Decimal


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

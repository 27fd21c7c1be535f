"""Read durations (`90s`), sizes (`500MB`) and money (`0.05 USD`), as profiles and flags write them."""

from __future__ import annotations

import re
from decimal import Decimal

DURATION = "a duration such as 90s, 10m, 2h or 7d"
SIZE = "a size such as 500KB, 500MB or 2GB"
MONEY = 'money such as "0.05 USD"'

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_BYTES |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,9})?)"
_CENTURY_S = 100 * 365 * 86_400


def duration_s(text: str) -> float:
    """Seconds of `90s`, `10m`, `2h`, `7d` or `4w`; above zero. Raises ValueError."""
    found = re.fullmatch(_NUMBER + r" ?([smhdw])", text.strip())
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if not 0 < seconds <= _CENTURY_S:
        raise ValueError(DURATION)
    return seconds


def size_bytes(text: str) -> int:
    """Bytes of `500MB` or `2GiB`; above zero. Raises ValueError."""
    found = re.fullmatch(_NUMBER + r" ?([KMGT]?I?B)", text.strip().upper())
    size = int(Decimal(found[1]) * _BYTES[found[2]]) if found and found[2] in _BYTES else 0
    if not 0 < size <= 2**60:
        raise ValueError(SIZE)
    return size


def money_usd(text: str) -> Decimal:
    """Dollars of `0.05 USD`; zero is allowed and buys nothing. Raises ValueError."""
    found = re.fullmatch(_NUMBER + r" ?USD", text.strip())
    if not found:
        raise ValueError(MONEY)
    return Decimal(found[1])

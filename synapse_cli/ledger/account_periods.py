"""Which day and month is it? Of the user's own calendar: a budget of a day ends at midnight where the user is."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Literal

Period = Literal["day", "month"]
PERIODS: tuple[Period, ...] = ("day", "month")
_QUARTER_S = 900.0
"""Every time zone's midnight, and every change of its clocks, is at a whole quarter of an hour."""


def key(period: Period, now: float) -> str:
    """The name of the period that an instant is in, as the account keeps it; later ones sort behind it."""
    return keys(now)[PERIODS.index(period)]


def keys(now: float) -> tuple[str, str]:
    """Day and month of an instant."""
    return _keys(int(now // _QUARTER_S))


def after(key: str) -> str:
    """A text that sorts behind every period of the same kind.

    What is entered under a later date than today's counts too: a clock that was put back frees no money.
    """
    return chr(ord(key[0]) + 1)


def kind(key: str) -> Period:
    """Whether a name is of a day or a month."""
    return "day" if key.startswith("d") else "month"


def end(period: Period, now: float) -> float:
    """When the period ends that an instant is in."""
    local = time.localtime(now)
    following = (
        (local.tm_year, local.tm_mon, local.tm_mday + 1) if period == "day" else (local.tm_year, local.tm_mon + 1, 1)
    )
    return time.mktime((*following, 0, 0, 0, 0, 0, -1))  # which counts days beyond a month's last on


@lru_cache(maxsize=16)
def _keys(quarter: int) -> tuple[str, str]:
    local = time.localtime(quarter * _QUARTER_S)
    month = f"{local.tm_year:04}-{local.tm_mon:02}"
    return f"d{month}-{local.tm_mday:02}", f"m{month}"

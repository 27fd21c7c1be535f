"""Time and run ids, injectable so that goldens and replays are exact."""

from __future__ import annotations

import os
import time
from typing import Protocol

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


class Clock(Protocol):
    """Wall time, monotonic time, and sleep; all in seconds."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds since some instant, never running back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some instant."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class FixedClock:
    """A clock that moves only when told to, or by sleeping."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self.at = start
        self.slept: list[float] = []

    def now(self) -> float:
        """The fixed instant."""
        return self.at

    def monotonic(self) -> float:
        """The fixed instant."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Move on by `seconds` at once."""
        self.slept.append(seconds)
        self.at += seconds


def new_run_id(now: float, random: bytes | None = None) -> str:
    """A 20-character id: 9 of milliseconds, 11 of chance, so that ids sort by time (Crockford's base 32)."""
    chance = int.from_bytes(os.urandom(7) if random is None else random[:7], "big") >> 1
    return _base32(int(now * 1000), 9) + _base32(chance, 11)


def _base32(value: int, length: int) -> str:
    digits = []
    for _ in range(length):
        value, digit = divmod(value, 32)
        digits.append(_CROCKFORD[digit])
    return "".join(reversed(digits))

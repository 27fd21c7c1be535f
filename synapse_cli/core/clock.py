"""Time and run ids, injectable so that goldens and replays are exact."""

from __future__ import annotations

import time
from typing import Protocol

from synapse_cli.core.ids import new_run_id

__all__ = ["Clock", "FixedClock", "SystemClock", "new_run_id"]


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

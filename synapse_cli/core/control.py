"""How a call in flight is told to stop: a deadline, and a flag that a signal or another thread sets."""

from __future__ import annotations

import time
from collections.abc import Callable


class Control:
    """A stop signal that a backend asks often, at least once per token.

    `deadline` is an instant of `clock` (monotonic seconds), or None. Setting the flag is safe from a
    signal handler and from any thread.
    """

    __slots__ = ("_stopped", "clock", "deadline", "phase")

    def __init__(self, deadline: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.deadline = deadline
        self.clock = clock
        self._stopped = False
        self.phase = "starting"

    def doing(self, phase: str) -> None:
        """Say what comes next, in words that end "it died while …"; a host writes them down before a crash can come."""
        self.phase = phase

    def stop(self) -> None:
        """Ask the call to end."""
        self._stopped = True

    @property
    def stopped(self) -> bool:
        """Whether somebody asked the call to end (Ctrl-C, a closed pipe)."""
        return self._stopped

    @property
    def expired(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and self.clock() >= self.deadline

    def remaining_s(self, at_most: float) -> float:
        """Seconds left until the deadline, capped at `at_most`, never negative."""
        if self.deadline is None:
            return at_most
        return max(0.0, min(at_most, self.deadline - self.clock()))

"""How a call in flight is told to stop: a deadline, and a flag that a signal or another thread sets."""

from __future__ import annotations

import time
from collections.abc import Callable

FAMILY = "SYNAPSE_RUN"
"""Names the run that a program was started by, in that program's environment."""


class Control:
    """A stop signal that a backend asks often, at least once per token.

    `deadline` is an instant of `clock` (monotonic seconds), or None. Setting the flag is safe from a
    signal handler and from any thread.
    """

    __slots__ = ("_stopped", "clock", "deadline", "family", "phase")

    def __init__(self, deadline: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.deadline = deadline
        self.clock = clock
        self._stopped = False
        self.phase = "starting"
        self.family: str | None = None
        """The run whose budget a program draws from that is started now; None where it has none."""

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

    def within(self, seconds: float) -> Control:
        """The same signal with a nearer deadline: what stops this one stops that one too."""
        return _Within(self, seconds)

    def remaining_s(self, at_most: float) -> float:
        """Seconds left until the deadline, capped at `at_most`, never negative."""
        if self.deadline is None:
            return at_most
        return max(0.0, min(at_most, self.deadline - self.clock()))


class _Within(Control):
    """A control whose own deadline is nearer than that of the one it listens to."""

    __slots__ = ("_outer",)

    def __init__(self, outer: Control, seconds: float) -> None:
        super().__init__(outer.clock() + outer.remaining_s(seconds), outer.clock)
        self._outer = outer
        self.family = outer.family

    def doing(self, phase: str) -> None:
        self._outer.doing(phase)

    def stop(self) -> None:
        self._outer.stop()

    @property
    def stopped(self) -> bool:
        return self._outer.stopped

"""When did each thing of a run happen? Written down as it happens; spans are made of it after the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from synapse_cli.core.completion import Completion
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.events import Asking, Attempted, Event, Routed, Waiting
from synapse_cli.core.prompt import Request
from synapse_cli.profile.model import Model


class Window(NamedTuple):
    """From when to when, in seconds since 1970."""

    start: float
    end: float


class Call(NamedTuple):
    """One call that was really made."""

    model: Model
    window: Window
    request: Request
    streams: bool
    attempt: int | None
    """Which attempt it was made for; None where it was made to decide."""
    answer: Completion | SynapseError


class Wait(NamedTuple):
    """A pause before a call was made once more."""

    at: float
    tier: str
    seconds: float


class Timeline:
    """The instants of one run. `monotonic` is measured from the run's start, so that no change of the clock shows."""

    def __init__(self, started: float, monotonic: Callable[[], float]) -> None:
        self.started = started
        self._monotonic = monotonic
        self._offset = started - monotonic()
        self._asked: float | None = None
        self.decided: float | None = None
        self.attempts: list[Window] = []
        """In the order of the outcome's."""
        self.judged: dict[int, list[Window]] = {}
        """The checks of an attempt, in their order."""
        self.calls: list[Call] = []
        self.waits: list[Wait] = []

    def now(self) -> float:
        """Seconds since 1970."""
        return self._monotonic() + self._offset

    def hear(self, event: Event) -> None:
        """Note an event of the run."""
        if isinstance(event, Routed):
            self.decided = self.now()
        elif isinstance(event, Asking):
            self._asked = self.now()
        elif isinstance(event, Attempted):
            now = self.now()
            self.attempts.append(Window(now if self._asked is None else self._asked, now))
            self._asked = None
        elif isinstance(event, Waiting):
            self.waits.append(Wait(self.now(), event.tier, event.seconds))

    def checked(self, start: float) -> None:
        """Note that a check, which began at `start`, is over."""
        self.judged.setdefault(len(self.attempts), []).append(Window(start, self.now()))

    @property
    def attempt(self) -> int | None:
        """Which attempt is being made now."""
        return None if self._asked is None else len(self.attempts)

"""A breaker over a file of its own, with a clock that moves when told to."""

from __future__ import annotations

from pathlib import Path

from synapse_cli.cascade.breaker import Breaker, Leave, Place, read
from synapse_cli.cascade.circuit import Circuit
from synapse_cli.cascade.pace_file import PaceFile, Provider
from synapse_cli.core.clock import FixedClock
from synapse_cli.core.control import Control
from synapse_cli.core.errors import CircuitOpen, ServerFailed
from synapse_cli.profile.settings import BreakerSettings

PLACE = Place(Provider("openai", "http://127.0.0.1:1/v1"), "gpt")
DOWN = ServerFailed("it says 500")
LEASE_S = 70.0


class Watched:
    """A breaker, what it warned of, and what its file says."""

    def __init__(self, folder: Path, **settings: float) -> None:
        self.clock = FixedClock()
        self.warned: list[str] = []
        self.settings = BreakerSettings(**settings)  # type: ignore[arg-type]  # as the test says
        self.pace = PaceFile(folder, warn=self.warned.append, clock=self.clock)
        self.breaker = Breaker(self.pace, self.settings, self.clock)

    def admit(self, deadline_s: float | None = None) -> Leave:
        """Ask for leave to call."""
        at = None if deadline_s is None else self.clock.monotonic() + deadline_s
        return self.breaker.admit(PLACE, Control(at, self.clock.monotonic), LEASE_S)

    def fails(self, times: int = 1) -> None:
        """Call so often, one after the other, and fail each time."""
        for _ in range(times):
            self.breaker.failed(self.admit(), DOWN)

    def answers(self, times: int = 1) -> None:
        """Call so often and be answered."""
        for _ in range(times):
            self.breaker.succeeded(self.admit(), 1.0)

    def refuses(self) -> str:
        """What is said to a caller who is not admitted; empty where one is."""
        try:
            self.breaker.let_go(self.admit())
        except CircuitOpen as error:
            return error.message
        return ""

    @property
    def circuit(self) -> Circuit:
        """What the file says."""
        with self.pace.transaction() as file:
            return read(file, PLACE)

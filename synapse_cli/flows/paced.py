"""How is a hosted model asked in step with all other processes?

    which place and key (Spread) → does it work (Guarded) → is it our turn (Limited) → the record, the backend

The turn is taken last, so that nobody who waits for the outcome of others sends after a provider asked to wait.

Built on the first call that is really made; local models and answers from the cache know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from synapse_cli.cascade import retry_bucket
from synapse_cli.cascade.breaker import Breaker, Place
from synapse_cli.cascade.guarded import Gate, Guarded, GuardedEncoder
from synapse_cli.cascade.limited import Limited, LimitedEncoder, TakeTurn
from synapse_cli.cascade.limiter import Limiter, Tell, Turn
from synapse_cli.cascade.pace_file import PaceFile
from synapse_cli.core.clock import Clock
from synapse_cli.core.control import Control
from synapse_cli.core.errors import CircuitOpen
from synapse_cli.core.ports import Backend, Encoder
from synapse_cli.flows.parts import Part, parts_of
from synapse_cli.profile.model import Model
from synapse_cli.profile.settings import BreakerSettings

if TYPE_CHECKING:
    from synapse_cli.cascade.spread import Order

_QUEUED_S = 0.05
"""Who waited for longer looks again whether the provider still works: a crowd in the queue came before it failed."""


class Paced:
    """What one session and all others share."""

    def __init__(
        self,
        folder: str,
        settings: BreakerSettings,
        clock: Clock,
        warn: Callable[[str], None],
        *,
        stays: bool = False,
    ) -> None:
        """`stays` where this is one of many sessions of a process."""
        self.pace = PaceFile(folder, warn=warn, clock=clock, stays=stays)
        self.limiter = Limiter(self.pace, clock)
        self._settings = settings
        self._clock = clock
        self._warn = warn

    def in_step(self, model: Model, backend: Callable[[Part], Backend], tell: Tell) -> Backend:
        """A hosted model's backend, in step with all other processes; `backend` makes that of a part."""
        parts = parts_of(model)

        @cache
        def made(number: int) -> Backend:
            part = parts[number]
            gate = self._gate(part, tell)
            limited = Limited(backend(part), self._turn(part, tell, gate))
            return limited if gate is None else Guarded(limited, gate)

        if len(parts) == 1:
            return made(0)
        from synapse_cli.cascade.spread import Spread

        return Spread(self._order(model, parts), made)

    def encoder_in_step(self, model: Model, encoder: Callable[[Part], Encoder], tell: Tell) -> Encoder:
        """The same for a model that turns texts into vectors."""
        parts = parts_of(model)

        @cache
        def made(number: int) -> Encoder:
            part = parts[number]
            gate = self._gate(part, tell)
            limited = LimitedEncoder(encoder(part), self._turn(part, tell, gate))
            return limited if gate is None else GuardedEncoder(limited, gate)

        if len(parts) == 1:
            return made(0)
        from synapse_cli.cascade.spread import SpreadEncoder

        return SpreadEncoder(self._order(model, parts), made)

    def _turn(self, part: Part, tell: Tell, gate: Gate | None) -> TakeTurn:
        def take(tokens: int, control: Control) -> Turn:
            began = self._clock.monotonic()
            turn = self.limiter.take(part.access, tokens, part.limits, control, tell)
            if gate is not None and self._clock.monotonic() - began > _QUEUED_S:
                try:
                    gate.check()
                except CircuitOpen:
                    turn.unsent()
                    raise
            return turn

        return take

    def _order(self, model: Model, parts: Sequence[Part]) -> Order:
        from synapse_cli.cascade.spread import Deployed, Order

        deployed = [
            Deployed(access=part.access, place=_place(part), limits=part.limits, weight=part.weight, key=part.key)
            for part in parts
        ]
        return Order(model.name, deployed, model.spread, self.pace, warn=self._warn)

    def _gate(self, part: Part, tell: Tell) -> Gate | None:
        if not self._settings.enabled:
            return None
        breaker = Breaker(self.pace, self._settings, self._clock)
        timeout_s = part.model.timeout_s + part.limits.max_wait_s
        return Gate(breaker, _place(part), self._clock, timeout_s=timeout_s, tell=tell)

    def may_repeat(self, model: Model) -> bool:
        """Whether a failed call is worth repeating, seeing how many all processes have repeated."""
        return retry_bucket.take(self.pace, places_of(model)[0].provider)

    def close(self) -> None:
        """Let go of the file."""
        self.pace.close()


def places_of(model: Model) -> tuple[Place, ...]:
    """Where a hosted model is asked, each place once."""
    return tuple(dict.fromkeys(_place(part) for part in parts_of(model)))


def _place(part: Part) -> Place:
    """What has a circuit: the provider, its address, and the model as it is called there, whatever the key."""
    return Place(part.access.provider, part.access.model)

"""How is a hosted model asked in step with all other processes?

    which place and key (Spread) → does it work (Guarded) → is it our turn (Limited) → the record, the backend

The turn is taken last, so that nobody who waits for the outcome of others sends after a provider asked to wait.

Built on the first call that is really made; local models and answers from the cache know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from synapse_cli.cascade import retry_bucket
from synapse_cli.cascade.breaker import Breaker, Place
from synapse_cli.cascade.guarded import Guarded
from synapse_cli.cascade.limited import Limited
from synapse_cli.cascade.limiter import Limiter, Tell, Turn
from synapse_cli.cascade.pace_file import PaceFile, Provider
from synapse_cli.core.clock import Clock
from synapse_cli.core.control import Control
from synapse_cli.core.ports import Backend
from synapse_cli.core.providers import provider_of
from synapse_cli.flows.parts import Part, parts_of
from synapse_cli.profile.model import BreakerSettings, Model


class Paced:
    """What one session and all others share."""

    def __init__(self, folder: str, settings: BreakerSettings, clock: Clock, warn: Callable[[str], None]) -> None:
        self.pace = PaceFile(folder, warn=warn, clock=clock)
        self.limiter = Limiter(self.pace, clock)
        self._settings = settings
        self._clock = clock
        self._warn = warn

    def in_step(self, model: Model, backend: Callable[[Part], Backend], tell: Tell) -> Backend:
        """A hosted model's backend, in step with all other processes; `backend` makes that of a part."""
        parts = parts_of(model)
        if len(parts) == 1:
            return self._limited(parts[0], backend(parts[0]), tell)
        from synapse_cli.cascade.spread import Deployed, Order, Spread

        @cache
        def made(number: int) -> Backend:
            return self._limited(parts[number], backend(parts[number]), tell)

        deployed = [
            Deployed(
                access=part.access,
                place=Place(part.access.provider, part.access.model),
                limits=part.limits,
                weight=part.weight,
                key=part.key,
            )
            for part in parts
        ]
        return Spread(Order(model.name, deployed, model.spread, self.pace, warn=self._warn), made)

    def _limited(self, part: Part, backend: Backend, tell: Tell) -> Backend:
        def turn(tokens: int, control: Control) -> Turn:
            return self.limiter.take(part.access, tokens, part.limits, control, tell)

        return self._guarded(part.model, Limited(backend, turn), part.limits.max_wait_s)

    def _guarded(self, model: Model, backend: Backend, wait_s: float) -> Backend:
        """A deployment's backend behind its circuit."""
        if not self._settings.enabled:
            return backend
        breaker = Breaker(self.pace, self._settings, self._clock)
        return Guarded(backend, breaker, place_of(model, backend), self._clock, timeout_s=model.timeout_s + wait_s)

    def may_repeat(self, model: Model, backend: Backend) -> bool:
        """Whether a failed call is worth repeating, seeing how many all processes have repeated."""
        return retry_bucket.take(self.pace, place_of(model, backend).provider)

    def close(self) -> None:
        """Let go of the file."""
        self.pace.close()


def place_of(model: Model, backend: Backend) -> Place:
    """What has a circuit: the provider, its address, and the model as it is called there."""
    match model.backend:
        case "litellm":
            return Place(Provider.of(provider_of(model.model), model.base_url), model.model or model.name)
        case "scripted":
            return Place(Provider("scripted", model.file), model.name)
        case _:
            return Place(Provider.of(backend.facts().provider, model.base_url), model.model or model.name)

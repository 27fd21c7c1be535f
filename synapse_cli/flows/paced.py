"""How is a hosted model asked in step with all other processes? Its circuit, in the file that they share.

Built on the first call that is really made; local models and answers from the cache know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable

from synapse_cli.cascade import retry_bucket
from synapse_cli.cascade.breaker import Breaker, Place
from synapse_cli.cascade.guarded import Guarded
from synapse_cli.cascade.pace_file import PaceFile, Provider
from synapse_cli.core.clock import Clock
from synapse_cli.core.ports import Backend
from synapse_cli.core.providers import provider_of
from synapse_cli.profile.model import BreakerSettings, Model


class Paced:
    """What one session and all others share."""

    def __init__(self, folder: str, settings: BreakerSettings, clock: Clock, warn: Callable[[str], None]) -> None:
        self.pace = PaceFile(folder, warn=warn, clock=clock)
        self._settings = settings
        self._clock = clock

    def guarded(self, model: Model, backend: Backend) -> Backend:
        """A deployment's backend behind its circuit."""
        if not self._settings.enabled:
            return backend
        breaker = Breaker(self.pace, self._settings, self._clock)
        return Guarded(backend, breaker, place_of(model, backend), self._clock, timeout_s=model.timeout_s)

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

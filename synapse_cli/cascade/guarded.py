"""A backend behind a circuit breaker: not asked while its provider keeps failing."""

from __future__ import annotations

from collections.abc import Sequence

from synapse_cli.cascade.breaker import Breaker, Place
from synapse_cli.core.clock import Clock
from synapse_cli.core.completion import Completion, Count, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    BadAnswer,
    BadRequest,
    CutStream,
    KeyRejected,
    RateLimited,
    ServerFailed,
    SynapseError,
    TimedOut,
)
from synapse_cli.core.ports import Backend, Emit
from synapse_cli.core.prompt import Message, Request

FAILURES = (ServerFailed, TimedOut, CutStream, BadAnswer)
"""What says that the provider does not work."""
REFUSALS = (RateLimited, KeyRejected, BadRequest)
"""What says that it is there, and not whether it works."""
_GRACE_S = 10.0
"""Beyond the model's own timeout, for the start of a host."""


class Guarded:
    """Wraps a hosted backend; the wrapped call is made only while the circuit lets it through."""

    def __init__(self, backend: Backend, breaker: Breaker, place: Place, clock: Clock, *, timeout_s: float) -> None:
        self._backend = backend
        self._breaker = breaker
        self._place = place
        self._clock = clock
        self._timeout_s = timeout_s

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Call, and tell the breaker how it went. Raises CircuitOpen where the provider is not to be asked."""
        leave = self._breaker.admit(self._place, control, self._timeout_s + _GRACE_S)
        began = self._clock.monotonic()
        try:
            completion = self._backend.complete(request, control, emit)
        except FAILURES as error:
            if self._is_impatient(error, control):
                self._breaker.let_go(leave)
            else:
                self._breaker.failed(leave, error)
            raise
        except REFUSALS:
            self._breaker.refused(leave)
            raise
        except BaseException:
            self._breaker.let_go(leave)
            raise
        self._breaker.succeeded(leave, self._clock.monotonic() - began)
        return completion

    def facts(self) -> Facts:
        """The wrapped backend's."""
        return self._backend.facts()

    def count(self, messages: Sequence[Message]) -> Count:
        """The wrapped backend's."""
        return self._backend.count(messages)

    def _is_impatient(self, error: SynapseError, control: Control) -> bool:
        """Whether it was the run's own deadline that ended the call: a `--timeout 1` says nothing of the provider."""
        return isinstance(error, TimedOut) and control.expired

"""A backend, or an encoder, behind a circuit breaker: not asked while its provider keeps failing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import local
from typing import TypeVar

from synapse_cli.cascade.breaker import Breaker, Place, Tell
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
from synapse_cli.core.ports import Backend, Emit, Encoder
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.vectors import Vectors

FAILURES = (ServerFailed, TimedOut, CutStream, BadAnswer)
"""What says that the provider does not work."""
REFUSALS = (RateLimited, KeyRejected, BadRequest)
"""What says that it is there, and not whether it works."""
_GRACE_S = 10.0
"""Beyond the model's own timeout, for the start of a host."""

T = TypeVar("T", Completion, Vectors)


class Gate:
    """What calls of one model at one place go through; `tell` hears of a wait for how others fare."""

    def __init__(
        self,
        breaker: Breaker,
        place: Place,
        clock: Clock,
        *,
        timeout_s: float,
        tell: Tell = lambda _s, _why: None,
    ) -> None:
        self._breaker = breaker
        self._place = place
        self._clock = clock
        self._timeout_s = timeout_s
        self._tell = tell
        self._here = local()

    def through(self, call: Callable[[], T], control: Control) -> T:
        """Make a call, and tell the breaker how it went. Raises CircuitOpen where it is not to be made."""
        leave = self._breaker.admit(self._place, control, self._timeout_s + _GRACE_S, self._tell)
        self._here.leave = leave
        began = self._clock.monotonic()
        try:
            done = call()
        except FAILURES as error:
            if _is_impatient(error, control):
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
        return done

    def check(self) -> None:
        """Raise CircuitOpen where others' calls failed while this thread's waited for its turn."""
        self._breaker.check(self._here.leave)


class Guarded:
    """Wraps a hosted backend; it is called only while its circuit lets calls through."""

    def __init__(self, backend: Backend, gate: Gate) -> None:
        self._backend = backend
        self._gate = gate

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Answer. Raises CircuitOpen where the provider is not to be asked."""
        return self._gate.through(lambda: self._backend.complete(request, control, emit), control)

    def facts(self) -> Facts:
        """The wrapped backend's."""
        return self._backend.facts()

    def count(self, messages: Sequence[Message]) -> Count:
        """The wrapped backend's."""
        return self._backend.count(messages)


class GuardedEncoder:
    """The same for what turns texts into vectors."""

    def __init__(self, encoder: Encoder, gate: Gate) -> None:
        self._encoder = encoder
        self._gate = gate

    def encode(self, texts: Sequence[str], control: Control) -> Vectors:
        """Encode. Raises CircuitOpen where the provider is not to be asked."""
        return self._gate.through(lambda: self._encoder.encode(texts, control), control)

    def facts(self) -> Facts:
        """The wrapped encoder's."""
        return self._encoder.facts()


def _is_impatient(error: SynapseError, control: Control) -> bool:
    """Whether it was the run's own deadline that ended the call: a `--timeout 1` says nothing of the provider."""
    return isinstance(error, TimedOut) and control.expired

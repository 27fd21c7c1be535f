"""What happens during a run, told to whoever draws it. Adding an event must break every reader that forgot it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from synapse_cli.core.outcome import Attempt, Decision


@dataclass(frozen=True, slots=True)
class Routed:
    """The decision is made."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class Asking:
    """A tier is about to be asked."""

    tier: str
    is_local: bool


@dataclass(frozen=True, slots=True)
class Attempted:
    """A tier answered, failed or was skipped."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call waits before it is made: again after a failure, or for its turn."""

    tier: str
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Wrote:
    """A piece of the answer arrived and went to stdout."""

    tier: str
    text: str


@dataclass(frozen=True, slots=True)
class Learning:
    """Something is learned before the run goes on, once; a person is told how far it is."""

    what: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a person should know; one line."""

    message: str


Event: TypeAlias = Routed | Asking | Attempted | Waiting | Wrote | Learning | Warned
Listen: TypeAlias = Callable[[Event], None]

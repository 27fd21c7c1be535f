"""One rung of a cascade, wired and ready to be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from synapse_cli.core.errors import SynapseError
from synapse_cli.core.ports import Backend, Check
from synapse_cli.core.prompt import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One rung: who is asked, what it is asked, and what its answer must pass."""

    name: str
    model: str
    backend: Backend
    request: Request
    checks: tuple[Check, ...]
    is_local: bool
    obstacle: SynapseError | None = None
    """Why it may not be asked (no key, `--local-only`); it is skipped, and said."""
    max_attempts: int | None = None
    """Calls of the model within one run; None as `[retry]` says."""
    may_repeat: Callable[[], bool] | None = None
    """Asked before a call is repeated: all processes together may have repeated enough."""

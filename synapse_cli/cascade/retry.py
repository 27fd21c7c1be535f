"""Decide whether a failed call is made once more, and how long to wait before."""

from __future__ import annotations

from synapse_cli.core.control import Control
from synapse_cli.core.errors import SynapseError, TimedOut, Unavailable

LONGEST_RETRY_AFTER_S = 10.0
"""A provider that asks for more is left for the next tier: a person waits at the shell."""
PAUSE_S = 0.5
"""Where the provider names no delay: long enough for a dropped connection, short enough not to be noticed."""


def delay_before_retry(error: SynapseError, control: Control) -> float | None:
    """Seconds to wait before the one retry, or None where there is to be none.

    A call that used up its whole time is not repeated (the second would do the same), nor is one whose
    delay would outlast the run's deadline.
    """
    if not isinstance(error, Unavailable) or isinstance(error, TimedOut):
        return None
    delay = PAUSE_S if error.retry_after_s is None else error.retry_after_s
    if delay > LONGEST_RETRY_AFTER_S or control.remaining_s(delay + 1) < delay:
        return None
    return delay

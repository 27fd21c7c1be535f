"""Which error a climb without an accepted answer ends in: the precedence that scripts branch on."""

from __future__ import annotations

from collections.abc import Sequence

from synapse_cli.cascade.tier import Tier
from synapse_cli.core.errors import (
    BackendError,
    BudgetSpent,
    ClosedPipe,
    Exit,
    Interrupted,
    NotAllowed,
    Refused,
    SynapseError,
    Unaccepted,
    Unavailable,
    Unsuited,
)
from synapse_cli.core.outcome import Answered, Attempt


def ending(attempts: Sequence[Attempt], tiers: Sequence[Tier], best: Answered | None) -> SynapseError:
    """Say why there is no accepted answer.

    Interrupted and a closed pipe first; then an answer that passed nothing (65); then, without any answer: a
    spent budget (79), every hosted tier refused (77), anything that may work later (75), else 69 or, where
    a single tier was asked, that tier's own code.
    """
    errors = {a.tier: a.error for a in attempts if not isinstance(a, Answered)}
    telling = {tier: error for tier, error in errors.items() if not isinstance(error, Unsuited)}
    errors = telling if telling or best is not None else errors
    for error in errors.values():
        if isinstance(error, Interrupted | ClosedPipe):
            return error
    if best is not None:
        return _unaccepted(best, errors)
    if not errors:
        return NotAllowed("no tier was left to ask", "loosen --tier, --max-tier, --local-only or --hosted-only")
    if len(errors) == 1:
        return next(iter(errors.values()))
    for error in errors.values():
        if isinstance(error, BudgetSpent):
            return error
    hosted = [errors[t.name] for t in tiers if not t.is_local and t.name in errors]
    if hosted and all(isinstance(error, Refused) for error in hosted):
        return _joined(hosted[0], errors)
    for error in errors.values():
        if isinstance(error, Unavailable):
            return _joined(error, errors)
    last = list(errors.values())[-1]
    return BackendError(_all(errors), last.hint)


def cut_short(error: SynapseError) -> SynapseError:
    """The error of a run whose answer broke off after a part of it was shown: 75 where it may work later, else 69."""
    if isinstance(error, Unavailable | Interrupted | ClosedPipe) or error.exit_code == Exit.UNANSWERED:
        return error
    told = BackendError(error.message, error.hint)
    told.__cause__ = error
    return told


def _unaccepted(best: Answered, errors: dict[str, SynapseError]) -> Unaccepted:
    others = [f"{tier}: {error.message}" for tier, error in errors.items()]
    message = "; ".join([f"no tier passed its checks: {best.tier}: {best.reason}", *others])
    hint = next((error.hint for error in errors.values() if error.hint), "")
    return Unaccepted(message, hint)


def _joined(error: SynapseError, errors: dict[str, SynapseError]) -> SynapseError:
    """The same error, telling what every tier said."""
    told = type(error)(_all(errors), error.hint)
    told.__cause__ = error
    return told


def _all(errors: dict[str, SynapseError]) -> str:
    return "; ".join(f"{tier}: {error.message}" for tier, error in errors.items())

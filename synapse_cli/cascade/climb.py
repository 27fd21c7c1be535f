"""Ask tiers from cheap to dear until an answer passes its checks.

What does not pass is never returned as if it had: where no tier passes, the outcome holds the best of the
rejected answers together with the error that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from synapse_cli.cascade.ending import cut_short, ending
from synapse_cli.cascade.retry import Tries
from synapse_cli.cascade.tier import Tier
from synapse_cli.core.clock import Clock
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    UNBILLED,
    UNSENT,
    BackendError,
    BudgetSpent,
    ClosedPipe,
    Interrupted,
    KeyMissing,
    NotAllowed,
    Refused,
    Unsuited,
)
from synapse_cli.core.events import Asking, Attempted, Listen, Waiting, Wrote
from synapse_cli.core.outcome import Answered, Attempt, Failed, Outcome, Skipped
from synapse_cli.core.ports import Emit
from synapse_cli.core.verdict import Verdict

Judge = Callable[[Tier, Completion], tuple[Verdict, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """The settings of one climb."""

    control: Control
    clock: Clock
    judge: Judge
    listen: Listen
    tries: Tries
    """Of the whole run: a fallback goes on counting where the stage before it stopped."""
    emit: Emit | None = None
    """Takes the pieces of a tier without checks; a tier that can still be rejected is never shown before."""
    max_attempts: int | None = None
    skip_unaffordable: bool = False
    """Whether a tier that the budget cannot pay is passed over instead of ending the climb."""
    ahead: int = 0
    """Tiers of later stages: repetitions leave a call for each of them."""


def climb(tiers: Sequence[Tier], settings: Climb) -> Outcome:
    """Ask each tier in turn and stop at the first answer that passes.

    A retryable failure is repeated as the run's `tries` allow. Once a byte of a tier has been shown there is no
    other attempt, and its error is the outcome's. Ctrl-C and a closed pipe end the climb too: what was done is
    recorded.
    """
    attempts: list[Attempt] = []
    for place, tier in enumerate(tiers):
        obstacle = tier.obstacle or settings.tries.refusal(tier, settings.control)
        if obstacle is not None:
            _note(attempts, Skipped(tier.name, tier.model, obstacle), settings)
            continue
        ahead = len(tiers) - place - 1 + settings.ahead
        over = _ask_with_retry(tier, settings, attempts, ahead)
        if over or _spent(attempts, settings):
            break
    last = attempts[-1] if attempts else None
    if settings.tries.shown and not isinstance(last, Answered | None):
        return Outcome(attempts=tuple(attempts), best=None, error=cut_short(last.error))
    best = _best(attempts, tiers)
    if settings.control.stopped and not (best is not None and best.accepted) and not _was_told(attempts):
        return Outcome(attempts=tuple(attempts), best=None, error=Interrupted("interrupted"))
    error = None if best is not None and best.accepted else ending(attempts, tiers, best)
    return Outcome(attempts=tuple(attempts), best=best, error=error)


def _ask_with_retry(tier: Tier, settings: Climb, attempts: list[Attempt], ahead: int) -> bool:
    """Ask one tier, again where that makes sense; return whether the climb is over."""
    while True:
        settings.listen(Asking(tier.name, tier.is_local))
        attempt = _ask(tier, settings)
        _note(attempts, attempt, settings)
        if isinstance(attempt, Answered):
            return attempt.accepted
        error = attempt.error
        if settings.tries.shown or isinstance(error, Interrupted | ClosedPipe) or settings.control.expired:
            return True
        if isinstance(error, BudgetSpent):
            return not settings.skip_unaffordable
        if _spent(attempts, settings):
            return False
        delay = settings.tries.delay(tier, error, settings.control, ahead=ahead)
        if delay is None:
            return False
        settings.listen(Waiting(tier.name, delay, error.message))
        if not _wait(delay, settings):
            return True


def _ask(tier: Tier, settings: Climb) -> Answered | Failed | Skipped:
    tries = settings.tries

    def show(piece: str) -> None:
        tries.shown = True
        settings.listen(Wrote(tier.name, piece))
        assert settings.emit is not None
        settings.emit(piece)

    emit = show if settings.emit is not None and not tier.checks else None
    started = settings.clock.monotonic()
    control = tries.begin(tier, settings.control)
    try:
        completion = tier.backend.complete(tier.request, control, emit)
        verdicts = settings.judge(tier, completion)
        if not completion.cached:
            tries.count(tier, None)
    except (BudgetSpent, KeyMissing, NotAllowed, Unsuited, *UNSENT) as error:  # found out before anything was sent
        return Skipped(tier.name, tier.model, error)
    except (BackendError, Refused, Interrupted, ClosedPipe) as error:
        tries.count(tier, error)
        cost = Decimal(0) if tier.is_local or isinstance(error, UNBILLED) else None
        return Failed(tier.name, tier.model, error, settings.clock.monotonic() - started, cost=cost)
    return Answered(tier.name, tier.model, completion, verdicts)


def _was_told(attempts: Sequence[Attempt]) -> bool:
    """Whether what stopped the climb is among its attempts: Ctrl-C in a pause ends no call."""
    return any(isinstance(a, Failed) and isinstance(a.error, Interrupted | ClosedPipe) for a in attempts)


def _note(attempts: list[Attempt], attempt: Attempt, settings: Climb) -> None:
    attempts.append(attempt)
    settings.listen(Attempted(attempt))


def _spent(attempts: list[Attempt], settings: Climb) -> bool:
    made = sum(not isinstance(attempt, Skipped) for attempt in attempts)
    return settings.max_attempts is not None and made >= settings.max_attempts


def _wait(seconds: float, settings: Climb) -> bool:
    """Sleep in short steps so that Ctrl-C ends it; return whether the time was slept through."""
    until = settings.clock.monotonic() + seconds
    while (left := until - settings.clock.monotonic()) > 0:
        if settings.control.stopped or settings.control.expired:
            return False
        settings.clock.sleep(min(0.05, left))
    return True


def _best(attempts: Sequence[Attempt], tiers: Sequence[Tier]) -> Answered | None:
    """The accepted answer, else the rejected one that fails least: valid before invalid, dearer before cheaper."""
    if any(isinstance(attempt, Failed) and isinstance(attempt.error, Interrupted) for attempt in attempts):
        return None
    checks = {tier.name: tier.checks for tier in tiers}
    answered = [attempt for attempt in attempts if isinstance(attempt, Answered)]

    def rank(place: int) -> tuple[bool, bool, int]:
        attempt = answered[place]
        failing = [c for c, v in zip(checks[attempt.tier], attempt.verdicts, strict=True) if not v.passed]
        return (not failing, all(check.binds == "doubt" for check in failing), place)

    return answered[max(range(len(answered)), key=rank)] if answered else None

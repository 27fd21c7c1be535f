"""Decide whether a failed call is made once more, and how long to wait before."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

from synapse_cli.cascade.tier import Tier
from synapse_cli.core.control import Control
from synapse_cli.core.errors import UNSENT, BackendError, RateLimited, SynapseError, TimedOut, Unavailable
from synapse_cli.profile.settings import RetrySettings

BASE_S = 1.0
"""The longest pause before a first repetition where the provider names none; it doubles with each further one."""
RETRY_AFTER_SPREAD = 0.1
"""Processes that were told to come back at the same instant come back within a tenth of the time after it."""
_CEILING = "raise [retry] max_attempts_per_run"


def _chance() -> float:
    """A number in [0, 1); to import `random` costs a common run more than it is worth."""
    return int.from_bytes(os.urandom(6)) / (1 << 48)


class Tries:
    """What one run has tried, over all its stages, and what it may still try. For one thread at a time.

    `tiers` is how many there are in all its stages: as many calls as that it may make in any case, unless told else.
    """

    def __init__(
        self,
        settings: RetrySettings,
        *,
        tiers: int = 0,
        chance: Callable[[], float] = _chance,
    ) -> None:
        self._settings = settings
        self._most = settings.max_attempts_per_run
        if self._most == RetrySettings().max_attempts_per_run:
            self._most = max(self._most, tiers)  # nobody set it: a long cascade may reach its last tier
        self._chance = chance
        self._calls: Counter[str] = Counter()
        self._last: dict[str, SynapseError] = {}
        self._began: dict[str, float] = {}
        self.shown = False
        """Whether a byte of an answer was shown: from then on nobody else is asked."""

    def refusal(self, tier: Tier, control: Control) -> SynapseError | None:
        """Why a tier is not asked in this run (any more); None where it may be."""
        if self._made >= self._most:
            times = _times(self._made)
            return BackendError(f"not asked: this run has asked {times}, as often as it may", _CEILING)
        made, last = self._calls[tier.model], self._last.get(tier.model)
        if last is None or (made < self._most_of(tier) and not self._is_too_late(tier, 0.0, control)):
            return None
        return type(last)(f"not asked again: it was asked {_times(made)} in this run: {last.message}", last.hint)

    def begin(self, tier: Tier, control: Control) -> Control:
        """Note when a model was first asked; return the control for a call to it."""
        most = self._settings.max_seconds
        now = control.clock()
        began = self._began.setdefault(tier.model, now)
        return control if most is None else control.within(max(0.0, began + most - now))

    def count(self, tier: Tier, error: SynapseError | None) -> None:
        """Note that a call was made, and the error it ended in."""
        self._calls[tier.model] += 1
        if error is not None:
            self._last[tier.model] = error

    def delay(self, tier: Tier, error: SynapseError, control: Control, *, ahead: int) -> float | None:
        """Seconds to wait before the call is made again, or None where it is not.

        A call that used up its whole time is not repeated (the second would do the same). Each of the tiers `ahead`
        keeps one call of those that the run may make.
        """
        if not error.retryable or isinstance(error, (*UNSENT, TimedOut)):
            return None
        if self._made + 1 + ahead > self._most or self._calls[tier.model] >= self._most_of(tier):
            return None
        pause = self._pause(tier, error)
        if pause is None or self._is_too_late(tier, pause, control):
            return None
        # What asks for patience is a limit, which is the limiter's; the bucket is for what breaks under load.
        if isinstance(error, RateLimited) or tier.may_repeat is None or tier.may_repeat():
            return pause
        return None

    @property
    def _made(self) -> int:
        return sum(self._calls.values())

    def _pause(self, tier: Tier, error: SynapseError) -> float | None:
        """As the provider says, and never less; else exponential with full jitter (AWS, 2015: fewest calls in all)."""
        asked = error.retry_after_s if isinstance(error, Unavailable) else None
        if asked is None:
            longest = min(self._settings.max_wait_s, BASE_S * 2.0 ** (self._calls[tier.model] - 1))
            return longest * self._chance()
        return asked * (1 + RETRY_AFTER_SPREAD * self._chance()) if asked <= self._settings.max_wait_s else None

    def _is_too_late(self, tier: Tier, pause: float, control: Control) -> bool:
        most = self._settings.max_seconds
        if most is not None and control.clock() + pause >= self._began[tier.model] + most:
            return True
        return control.remaining_s(pause + 1) < pause

    def _most_of(self, tier: Tier) -> int:
        return self._settings.max_attempts if tier.max_attempts is None else tier.max_attempts


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"

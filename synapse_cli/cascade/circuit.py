"""May a provider's model be asked now? Decided from what all processes saw of it, without doing anything.

A circuit is *closed* while calls go through, *open* while none does, and *half-open* once it may be probed. A closed
one whose last call succeeded lately is *proven*: it is not slowed by anything here. Any other admits only as many
calls at once as may fail before it opens, so that a crowd that starts together finds a dead provider out at the
price of a few calls.
"""

from __future__ import annotations

import time
from typing import Literal, NamedTuple

from synapse_cli.profile.settings import BreakerSettings

PROVEN_S = 600.0
"""How long a success vouches for a provider: longer than people pause between two commands."""
PATIENCE_S = 2.0
"""After so long without an outcome of the first calls, as many again are let in; a probe is waited for no longer."""
FEWEST_CALLS = 10
"""A rate of failures says nothing before."""
LONGEST_GROWTH = 4
"""A circuit that keeps opening stays open for twice as long each time, up to so many cooldowns."""


class Circuit(NamedTuple):
    """What is known of one model at one provider, in the order of its columns; instants are seconds since 1970.

    Named tuples here and beside: a frozen dataclass of this size takes 1.5 ms of each run to define.
    """

    failures: int = 0
    """In a row."""
    opened_at: float | None = None
    """Since when it has been open, whatever probes there were; None is closed."""
    next_at: float | None = None
    openings: int = 0
    closed_at: float | None = None
    ok_at: float | None = None
    failed_at: float | None = None
    kind: str | None = None
    """What kind of error the last failure was."""
    error: str | None = None
    latency_s: float | None = None
    """Of answers, the recent ones weighing more."""
    window_at: float = 0.0
    calls: int = 0
    bad: int = 0
    """Calls and failures since `window_at`."""
    calls_before: int = 0
    bad_before: int = 0
    """The same in the window before."""

    def state(self, now: float) -> str:
        """`closed`, `open` or `half-open`."""
        if self.opened_at is None:
            return "closed"
        return "half-open" if self.is_due(now) else "open"

    def is_due(self, now: float) -> bool:
        """Whether an open circuit may be probed; also where the clock was set back since."""
        return self.next_at is None or self.opened_at is None or not self.opened_at <= now < self.next_at

    def is_proven(self, now: float) -> bool:
        """Whether its last call succeeded, and not long ago."""
        return self.failures == 0 and self.ok_at is not None and 0 <= now - self.ok_at <= PROVEN_S

    def rate(self, now: float, window_s: float) -> tuple[float, float]:
        """Calls and failures of the last `window_s`, the window before counting for the share that reaches into it."""
        elapsed = now - self.window_at
        if not 0 <= elapsed < 2 * window_s:
            return 0.0, 0.0
        if elapsed >= window_s:  # what is counted belongs to the window before
            share = 2 - elapsed / window_s
            return self.calls * share, self.bad * share
        share = 1 - elapsed / window_s
        return self.calls + self.calls_before * share, self.bad + self.bad_before * share


Way = Literal["free", "trial", "probe", "wait", "no"]
"""What a caller is told: go; go, and be waited for; go alone; another's outcome will tell; do not go."""


def way(circuit: Circuit, settings: BreakerSettings, now: float, *, trials: int, waited_s: float) -> Way:
    """Decide for one caller, where `trials` calls (or probes) are under way whose outcome is not known."""
    if circuit.opened_at is not None:
        if not circuit.is_due(now):
            return "no"
        if not trials:
            return "probe"
        return "wait" if waited_s < PATIENCE_S else "no"
    if circuit.is_proven(now):
        return "free"
    allowed = settings.failures if waited_s < PATIENCE_S else 2 * settings.failures
    return "trial" if trials < max(1, allowed - circuit.failures) else "wait"


def failed(
    circuit: Circuit, settings: BreakerSettings, now: float, *, is_probe: bool, kind: str, error: str
) -> Circuit:
    """The circuit after a failure, open where that was one too many."""
    counted = _counted(circuit, settings, now, bad=1)
    after = counted._replace(failures=circuit.failures + 1, failed_at=now, kind=kind, error=error)
    if circuit.opened_at is not None and not is_probe:
        return after  # a call that began before it opened
    calls, bad = after.rate(now, settings.window_s)
    too_often = calls >= FEWEST_CALLS and bad / calls >= settings.rate
    if not is_probe and after.failures < settings.failures and not too_often:
        return after
    growth = min(2**circuit.openings, LONGEST_GROWTH)
    opened_at = now if circuit.opened_at is None else circuit.opened_at
    next_at = now + settings.cooldown_s * growth
    return after._replace(opened_at=opened_at, next_at=next_at, openings=min(circuit.openings + 1, 16))


def succeeded(circuit: Circuit, settings: BreakerSettings, now: float, *, is_probe: bool, latency_s: float) -> Circuit:
    """The circuit after an answer; a probe's closes it."""
    counted = _counted(circuit, settings, now, bad=0)
    latency = latency_s if circuit.latency_s is None else 0.8 * circuit.latency_s + 0.2 * latency_s
    after = counted._replace(failures=0, ok_at=now, latency_s=latency)
    if is_probe:
        return _closed(after, now)
    if circuit.openings and circuit.closed_at is not None and now - circuit.closed_at > settings.window_s:
        return after._replace(openings=0)
    return after


def refused(circuit: Circuit, settings: BreakerSettings, now: float, *, is_probe: bool) -> Circuit:
    """The circuit after the provider said no (429, 401, 400): it lives, and whether it can answer is still open."""
    if not is_probe:
        return circuit
    return _closed(circuit, now)._replace(failures=settings.failures - 1)


def told(circuit: Circuit, who: str, now: float) -> tuple[str, str]:
    """Why a circuit is open, since when and until when: a message, and what to try."""
    if circuit.opened_at is None:
        why = "nobody has had an answer from it yet, and enough calls are waiting for one"
        return f"{who} was not asked: {why}", "try again later"
    at = time.strftime("%H:%M:%S", time.localtime(circuit.opened_at))
    row = f"{circuit.failures} times in a row" if circuit.failures > 1 else "too often"
    last = (circuit.error or circuit.kind or "it failed").partition(" failed: ")
    why = (last[2] if who.startswith(last[0]) and last[2] else "".join(last)).removesuffix(".")
    left = (circuit.next_at or now) - now
    when = f"it is tried again in {max(1.0, left):.0f} s" if left > 0 else "another call is trying it"
    return (
        f"{who} was not asked: it has been failing since {at} ({row}, last: {why}); {when}",
        "to ask it at once: synapse providers reset",
    )


def _counted(circuit: Circuit, settings: BreakerSettings, now: float, *, bad: int) -> Circuit:
    """With one call more, in a new window where the last one is over."""
    elapsed = now - circuit.window_at
    if 0 <= elapsed < settings.window_s:
        return circuit._replace(calls=circuit.calls + 1, bad=circuit.bad + bad)
    follows = settings.window_s <= elapsed < 2 * settings.window_s
    return circuit._replace(
        window_at=circuit.window_at + settings.window_s if follows else now,
        calls=1,
        bad=bad,
        calls_before=circuit.calls if follows else 0,
        bad_before=circuit.bad if follows else 0,
    )


def _closed(circuit: Circuit, now: float) -> Circuit:
    return circuit._replace(
        failures=0, opened_at=None, next_at=None, closed_at=now, calls=0, bad=0, calls_before=0, bad_before=0
    )

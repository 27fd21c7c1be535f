"""What may be sent now with one key to one provider, and when may the rest? Arithmetic only; `limiter` keeps it.

A **lane** is one key at one provider and address. Its bounds, the strictest of which decides:

- `rpm` and `tpm` are a *sliding window*: what was sent in each of the last 60 seconds is counted, and nothing is
  sent that would be more within any minute. A cell rate (GCRA, ITU-T I.371) is one number smaller, but lets a
  burst and a full minute's worth pass within one minute, or else never reaches the limit. Tokens are reserved as
  prompt and most output, and settled by what was used.
- What a provider told of its own limits slows down and never refuses: its headers are a claim, its 429 is a fact.
- Calls in flight: as TCP's initial window (RFC 6928), 8 at first, one more for each success but at most twice as many
  each second, and no bound once 64 went well. So eight at a time never wait, and a server is not met by hundreds.
- After a 429 nobody sends until the instant that was told. Then AIMD (RFC 5681, cut to 0.7 as RFC 9438 and the
  adaptive mode of AWS's clients): both of the calls in flight, for providers that count these, and of a *share*,
  the calls within one *beat* (as long as the provider made us wait), evenly spread, for those that count a rate.
"""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple, TypeVar

from synapse_cli.core.quota import Quota
from synapse_cli.profile.model import Limits

T = TypeVar("T")

MINUTE_S = 60
FIRST_WINDOW = 8.0
UNBOUNDED = 64.0
_CUT = 0.7
_CALM_BEATS = 60
"""So long without a 429, and a lane is as if there had been none: a minute, or ten where it was told to wait long."""
_LONGEST_HOLD_S = 60.0
"""Of pauses that we make up, where a provider says 429 and not for how long."""
_MOST_S = 86_400.0
"""Of pauses that are told: quotas of a day are the longest; a slip of a server must not lock a key up for years."""
_MOST_MODELS = 32
_SMOOTH = 0.3
"""Weight of the latest latency in the mean: the last half dozen calls count."""
_FORGET_S = 3600.0
_SET_BACK_S = 5.0
"""A clock that shows so much less than it did was set back."""


class Queue(NamedTuple):
    """Who else is there: calls in flight, and those that came before and still wait."""

    flying: int = 0
    flying_tokens: int = 0
    ahead: int = 0
    ahead_tokens: int = 0


class Wait(NamedTuple):
    """How long until it may be sent; `is_sure` where no answer can come that makes it shorter."""

    seconds: float
    reason: str = ""
    is_sure: bool = True


GO = Wait(0.0)


class Lane:
    """What is known of one lane. Instants are seconds since 1970.

    A plain class: to make a dataclass takes half a millisecond of every run.
    """

    seen: float = 0.0
    hold: float = 0.0
    """Nothing is sent before."""
    strikes: int = 0
    """Refusals since the last success."""
    cut_at: float = 0.0
    """When it was last slowed down; 0 where it never was, or was forgiven."""
    beat_s: float = 1.0
    share: float | None = None
    """Calls within a beat; None without bound."""
    knee: float | None = None
    """The share up to which it may grow by one a success; None where no rate is known to go well."""
    next_at: float = 0.0
    """When the share allows the next call."""
    window: float | None = FIRST_WINDOW
    """Calls in flight; None without bound."""
    grown_at: int = 0
    grown_from: float = FIRST_WINDOW
    reaped_at: float = 0.0
    slots: dict[str, list[int]]
    """By second: requests and tokens that were sent, and answers that came."""
    latency_s: dict[str, float]
    """By model: the mean of late, recent calls weighing most."""
    told: dict[str, list[list[Any]]]
    """By model: unit, limit, remaining, when all of it is there again, window, when it was told."""

    def __init__(self, **known: Any) -> None:
        self.slots, self.latency_s, self.told = {}, {}, {}
        if not known.keys() <= Lane.__annotations__.keys():
            raise TypeError("a lane has no such fields")
        vars(self).update(known)

    @classmethod
    def read(cls, text: str | None, now: float) -> Lane:
        """The lane as it was written down; a new one where it is old, of another version, or from the future."""
        try:
            lane = cls(**json.loads(text)) if text else cls()
        except (ValueError, TypeError):
            lane = cls()
        return lane if -_SET_BACK_S < now - lane.seen < _FORGET_S or lane.hold > now > lane.seen else cls()

    def written(self, now: float) -> str:
        """The lane as a text."""
        oldest = now - MINUTE_S - 1
        self.slots = {at: counts for at, counts in self.slots.items() if int(at) >= oldest}
        self.seen = now
        return json.dumps(vars(self), separators=(",", ":"))

    # --- when ---

    def wait(self, now: float, queue: Queue, tokens: int, limits: Limits, model: str) -> Wait:
        """How long this call waits, if all that wait before it are sent as soon as they may."""
        waits = (
            self._held(now, queue),
            self._requests(now, queue, limits.rpm),
            self._tokens(now, queue, tokens, limits.tpm),
            self._as_told(now, queue, tokens, limits, model),
            self._in_flight(queue, limits.parallel),
        )
        longest = max(waits, key=lambda wait: wait.seconds)
        return longest if longest.seconds > 0 else GO

    def _held(self, now: float, queue: Queue) -> Wait:
        start = max(now, self.hold)
        reason = "the provider asked to wait" if self.hold > now else "sending gently after a 429"
        if self.share is not None and not self._is_calm(now):
            start = max(start, self.next_at) + queue.ahead * self.beat_s / self.share
        return Wait(start - now, reason)

    def _requests(self, now: float, queue: Queue, rpm: int | None) -> Wait:
        if rpm is None:
            return GO
        return Wait(self._until_free(now, 0, queue.ahead + 1, rpm), f"{rpm} requests a minute are used")

    def _tokens(self, now: float, queue: Queue, tokens: int, tpm: int | None) -> Wait:
        if tpm is None:
            return GO
        wanted = queue.ahead_tokens + min(tokens, tpm)  # one that is larger than the limit goes alone
        return Wait(self._until_free(now, 1, wanted, tpm), f"{tpm} tokens a minute are used")

    def _until_free(self, now: float, which: int, wanted: int, limit: int) -> float:
        """Seconds, at least, until so many requests (0) or tokens (1) more are within the limit of any minute.

        What is used becomes free a minute after; whoever takes it then is in the way of the next a minute later.
        """
        used = [(int(at), counts[which]) for at, counts in sorted(self.slots.items()) if int(at) > now - MINUTE_S - 1]
        missing = sum(count for _, count in used) + wanted - limit
        if missing <= 0:
            return 0.0
        rounds, rest = divmod(missing - 1, limit)
        for at, count in used:
            rest -= count
            if rest < 0:
                return max(0.0, at + 1 + MINUTE_S - now) + rounds * MINUTE_S
        return float((rounds + 1) * MINUTE_S)

    def _as_told(self, now: float, queue: Queue, tokens: int, limits: Limits, model: str) -> Wait:
        """By the provider's own count of what is left, which a limit of the profile overrides."""
        longest = GO
        for unit, limit, remaining, reset_at, _window_s, told_at in self.told.get(model, ()):
            of_requests = unit == "requests"
            if (limits.rpm if of_requests else limits.tpm) is not None or not limit or remaining is None:
                continue
            before = queue.flying + queue.ahead if of_requests else queue.flying_tokens + queue.ahead_tokens
            missing = before + (1 if of_requests else min(tokens, limit)) - remaining
            if missing > 0 and reset_at > now and limit > remaining:
                # Most are buckets that fill evenly (OpenAI, Anthropic, Groq); of others a 429 tells it.
                full_s = reset_at - told_at
                seconds = min(told_at + full_s * missing / (limit - remaining), reset_at) - now
                if longest.seconds < seconds <= limits.max_wait_s:
                    longest = Wait(seconds, f"{limit} {unit} are used, says the provider")
        return longest

    def _in_flight(self, queue: Queue, parallel: int | None) -> Wait:
        bound = self._bound(parallel)
        over = queue.flying + queue.ahead + 1 - bound
        if over <= 0:
            return GO
        mean_s = max(self.latency_s.values(), default=0.0)
        calls = "call is" if bound == 1 else "calls are"
        return Wait(max(0.001, mean_s * over / bound), f"{int(bound)} {calls} in flight", is_sure=False)

    def _bound(self, parallel: int | None) -> float:
        learned = math.inf if self.window is None else max(1.0, math.floor(self.window))
        if parallel is None:
            return learned
        return min(float(parallel), learned) if self.cut_at else float(parallel)

    def _is_calm(self, now: float) -> bool:
        return now - max(self.cut_at, self.hold) > min(600.0, _CALM_BEATS * self.beat_s)

    def sent_lately(self, now: float) -> tuple[int, int]:
        """Requests and tokens of the last minute."""
        counts = [counts for at, counts in self.slots.items() if int(at) > now - MINUTE_S - 1]
        return sum(each[0] for each in counts), sum(each[1] for each in counts)

    def per_minute(self, now: float) -> float | None:
        """The rate to which a 429 slowed it down."""
        return None if self.share is None or self._is_calm(now) else self.share * MINUTE_S / self.beat_s

    # --- what happened ---

    def sent(self, now: float, tokens: int) -> None:
        """A call goes out."""
        self._forgive(now)
        slot = self.slots.setdefault(str(int(now)), [0, 0, 0])
        slot[0] += 1
        slot[1] += tokens
        if self.share is not None:
            self.next_at = max(self.next_at, self.hold, now) + self.beat_s / self.share

    def unsent(self, sent_at: float, tokens: int) -> None:
        """It did not go out after all."""
        self._settle(sent_at, -1, -tokens)

    def settled(self, sent_at: float, reserved: int, used: int | None) -> None:
        """The tokens that it took are known; where nobody counted them, the reservation stays."""
        if used is not None:
            self._settle(sent_at, 0, used - reserved)

    def answered(self, now: float, latency_s: float, model: str) -> None:
        """A call went well."""
        self.strikes = 0
        self.slots.setdefault(str(int(now)), [0, 0, 0])[2] += 1
        self.took(latency_s, model)
        self._widen(now)
        if self.share is not None:
            grows = self.knee is None or self.share < self.knee
            self.share += 1.0 if grows else max(1.0 / self.share, 0.1)

    def took(self, latency_s: float, model: str) -> None:
        """A call of this model took so long."""
        before = self.latency_s.get(model)
        mean_s = latency_s if before is None else before + _SMOOTH * (latency_s - before)
        _keep(self.latency_s, model, mean_s)

    def refused(self, now: float, sent_at: float, retry_after_s: float | None, flying: int) -> None:
        """A call was answered 429: hold, and slow down once for all that were sent before that was known."""
        pause_s = min(_LONGEST_HOLD_S, 2.0**self.strikes) if retry_after_s is None else min(retry_after_s, _MOST_S)
        self.hold = max(self.hold, now + pause_s)
        if sent_at <= self.cut_at:
            return
        self.beat_s = min(max(1.0, pause_s), float(MINUTE_S))
        went_well = self._went_well(now)
        self.share = max(1.0, _CUT * went_well)
        self.knee = self.share if went_well >= 1 else None
        self.next_at = self.hold
        self.window = max(1.0, _CUT * flying)
        self.cut_at = now
        self.strikes += 1

    def hears(self, now: float, quota: Quota, model: str) -> None:
        """The provider told what is left."""
        if quota:
            told = [
                [each.unit, each.limit, each.remaining, now + _lasts_s(each.reset_s, each.window_s), each.window_s, now]
                for each in quota
            ]
            _keep(self.told, model, told)

    def _settle(self, sent_at: float, requests: int, tokens: int) -> None:
        slot = self.slots.get(str(int(sent_at)))
        if slot is not None:
            slot[0] = max(0, slot[0] + requests)
            slot[1] = max(0, slot[1] + tokens)

    def _widen(self, now: float) -> None:
        if self.window is None:
            return
        if self.cut_at:
            self.window += 1.0 / self.window
            return
        if self.grown_at != int(now):
            self.grown_at, self.grown_from = int(now), self.window
        self.window = min(self.window + 1.0, 2 * self.grown_from)
        if self.window > UNBOUNDED:
            self.window = None

    def _forgive(self, now: float) -> None:
        """Forget a 429 after so long a calm; the calls in flight begin as on the first day."""
        if self.cut_at and self._is_calm(now):
            self.cut_at, self.share, self.knee, self.next_at, self.strikes = 0.0, None, None, 0.0, 0
            self.window = FIRST_WINDOW

    def _went_well(self, now: float) -> float:
        """Answers within a beat, by the last beat and what had begun of its first second."""
        since = int(now) - math.ceil(self.beat_s)
        count = sum(counts[2] for at, counts in self.slots.items() if int(at) >= since)
        measured = count * self.beat_s / (now - since)
        return measured if self.share is None else min(measured, self.share)


def _keep(known: dict[str, T], model: str, value: T) -> None:
    """Remember it of the models that were asked last: some keys lead to hundreds, and the lane is read at each call."""
    known.pop(model, None)
    known[model] = value
    while len(known) > _MOST_MODELS:
        del known[next(iter(known))]


def _lasts_s(reset_s: float | None, window_s: float | None) -> float:
    """How long what was told is worth something."""
    return reset_s if reset_s is not None else min(window_s or MINUTE_S, MINUTE_S)

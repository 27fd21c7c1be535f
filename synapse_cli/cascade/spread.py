"""Which of a model's deployments and keys is asked? The one that is able, by the profile's `spread`.

- "weighted": each as often as its weight says, in turn over all processes (nginx's smooth weighted round robin, so
  that 5 to 1 is a a b a a a and not a a a a a b);
- "ordered": the first one that is able;
- "least_busy": the one with the fewest calls in flight or queueing;
- "fastest": the lowest mean of recent latencies; one in twenty calls tries another, so that who became fast is found.

Able is who would have to wait no longer than the others, whose circuit is not open and whose key is not set aside.
Within one call a key that is rejected, a provider that has no turn, or one that just said 429 is followed by the next
one, as long as nothing of an answer was shown; other failures are the climb's.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, assert_never

from synapse_cli.cascade import aside, breaker
from synapse_cli.cascade.breaker import Place
from synapse_cli.cascade.limited import tokens_of, tokens_of_texts
from synapse_cli.cascade.limiter import Access, has_reaped, queue_of, read_lane
from synapse_cli.cascade.pace_file import PaceFile
from synapse_cli.core.completion import Completion, Count, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    UNSENT,
    KeyMissing,
    KeyRejected,
    RateLimited,
    SynapseError,
    Unavailable,
)
from synapse_cli.core.ports import Backend, Emit, Encoder
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.vectors import Vectors
from synapse_cli.profile.model import Limits
from synapse_cli.profile.model import Spread as Policy

T = TypeVar("T")

_SAME_S = 0.05
"""Waits that differ by less are the same."""
_EXPLORES = 0.05
_NEXT = (*UNSENT, KeyMissing, KeyRejected, RateLimited)
"""Failures after which another one is asked within the same call: nothing was answered, and nothing is billed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A model at one place with one key."""

    access: Access
    place: Place
    limits: Limits
    weight: float
    key: aside.Key


@dataclass(frozen=True, slots=True)
class Seen:
    """One deployment as it stands now, `number` in the profile's order."""

    number: int
    weight: float
    wait_s: float = 0.0
    busy: int = 0
    latency_s: float | None = None
    aside_since: float | None = None


class Order:
    """Decides whom a call asks, and whom after it."""

    def __init__(
        self,
        name: str,
        deployed: Sequence[Deployed],
        policy: Policy,
        pace: PaceFile,
        *,
        warn: Callable[[str], None],
        chance: Callable[[], float] = lambda: int.from_bytes(os.urandom(4), "big") / (1 << 32),
    ) -> None:
        self.name = name
        self.deployed = deployed
        self._policy = policy
        self._pace = pace
        self._warn = warn
        self._chance = chance

    def ask(self, tokens: int, call: Callable[[int], T], is_shown: Callable[[], bool] = lambda: False) -> T:
        """Make a call with the deployment that is best now, and with the next where that one is no use."""
        failures: list[tuple[Deployed, SynapseError]] = []
        for number, wait_s in self.numbers(tokens):
            if wait_s > _SAME_S and any(isinstance(error, RateLimited) for _, error in failures):
                break  # the climb waits as long as was asked, and then looks again who is free
            try:
                return call(number)
            except _NEXT as error:
                if is_shown():
                    raise
                failures.append((self.deployed[number], error))
                if isinstance(error, KeyRejected):
                    self._set_aside(self.deployed[number], error)
        raise _ending(self.name, failures)

    def numbers(self, tokens: int) -> list[tuple[int, float]]:
        """The deployments in the order in which to try them, and how long each would have to wait."""

        def decide(file: sqlite3.Connection) -> list[tuple[int, float]]:
            now = self._pace.now()
            seen = [self._look(file, number, tokens, now) for number in range(len(self.deployed))]
            usable = [each for each in seen if each.aside_since is None]
            if not usable:  # the one rejected longest ago may have been mended
                return [(min(seen, key=lambda each: each.aside_since or 0.0).number, 0.0)]
            soonest = min(each.wait_s for each in usable)
            able = [each for each in usable if each.wait_s <= soonest + _SAME_S]
            first = self._chosen(file, able, now)
            order = sorted(usable, key=lambda each: (each.number != first, each.wait_s))
            return [(each.number, each.wait_s) for each in order]

        turned = int(self._chance() * len(self.deployed))
        anyhow = [*range(turned, len(self.deployed)), *range(turned)]
        return self._pace.within(decide, [(number, 0.0) for number in anyhow])

    def _look(self, file: sqlite3.Connection, number: int, tokens: int, now: float) -> Seen:
        each = self.deployed[number]
        since = aside.is_aside(file, each.access, each.key, now)
        name = each.access.lane
        lane, queue = read_lane(file, name, now), queue_of(file, name)
        if has_reaped(file, name, lane, queue, now):
            queue = queue_of(file, name)
        wait = lane.wait(now, queue, tokens, each.limits, each.access.model)
        circuit = breaker.read(file, each.place)
        closed_s = max(0.0, (circuit.next_at or now) - now) if circuit.state(now) == "open" else 0.0
        return Seen(
            number,
            each.weight,
            max(wait.seconds, closed_s),
            queue.flying + queue.ahead,
            lane.latency_s.get(each.access.model),
            since,
        )

    def _chosen(self, file: sqlite3.Connection, able: Sequence[Seen], now: float) -> int:
        match self._policy:
            case "ordered":
                return min(able, key=lambda each: each.number).number
            case "least_busy":
                return min(able, key=lambda each: (each.busy, self._chance())).number
            case "fastest":
                if self._chance() < _EXPLORES:
                    return able[int(self._chance() * len(able))].number
                return min(able, key=lambda each: each.latency_s or 0.0).number
            case "weighted":
                return self._in_turn(file, able, now)
            case _:
                assert_never(self._policy)

    def _in_turn(self, file: sqlite3.Connection, able: Sequence[Seen], now: float) -> int:
        name = json.dumps([self.name, *((each.access.lane, each.access.model) for each in self.deployed)])
        row = file.execute("SELECT state FROM spreads WHERE name = ?", (name,)).fetchone()
        turns: list[float] = json.loads(row[0]) if row else [0.0] * len(self.deployed)
        chosen = smoothed(turns, able)
        file.execute("INSERT OR REPLACE INTO spreads VALUES (?, ?, ?)", (name, json.dumps(turns), now))
        return chosen

    def _set_aside(self, each: Deployed, error: KeyRejected) -> None:
        def write(file: sqlite3.Connection) -> None:
            aside.set_aside(file, each.access, each.key(), self._pace.now(), error.message)

        self._pace.within(write, None)
        source = each.access.key or f"the key of {each.access.provider}"
        self._warn(f"{source} was rejected and is set aside: {error.message}")


class Spread:
    """Wraps the backends of a model's deployments, each built when it is first asked."""

    def __init__(self, order: Order, backend: Callable[[int], Backend]) -> None:
        self._order = order
        self._backend = backend

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Answer with the deployment that is best now."""
        shown = False

        def show(piece: str) -> None:
            nonlocal shown
            shown = True
            assert emit is not None
            emit(piece)

        def call(number: int) -> Completion:
            return self._backend(number).complete(request, control, None if emit is None else show)

        return self._order.ask(tokens_of(request), call, lambda: shown)

    def facts(self) -> Facts:
        """The first deployment's."""
        return self._backend(0).facts()

    def count(self, messages: Sequence[Message]) -> Count:
        """The first deployment's."""
        return self._backend(0).count(messages)


class SpreadEncoder:
    """The same for texts that are turned into vectors: all places must serve the same model."""

    def __init__(self, order: Order, encoder: Callable[[int], Encoder]) -> None:
        self._order = order
        self._encoder = encoder

    def encode(self, texts: Sequence[str], control: Control) -> Vectors:
        """Encode with the deployment that is best now."""
        return self._order.ask(tokens_of_texts(texts), lambda number: self._encoder(number).encode(texts, control))

    def facts(self) -> Facts:
        """The first deployment's."""
        return self._encoder(0).facts()


def smoothed(turns: list[float], able: Sequence[Seen]) -> int:
    """Whose turn it is; `turns` holds how much each is owed, and is brought up to date.

    Who is not able is owed nothing meanwhile, so that nobody is flooded when it comes back.
    """
    for each in able:
        turns[each.number] += each.weight
    chosen = max(able, key=lambda each: (turns[each.number], -each.number)).number
    turns[chosen] -= sum(each.weight for each in able)
    return chosen


def _ending(name: str, failures: Sequence[tuple[Deployed, SynapseError]]) -> SynapseError:
    """The failure that tells most: what may work later, else that keys were rejected, else that none was found."""
    errors = [error for _, error in failures]
    later = [error for error in errors if isinstance(error, Unavailable)]
    if later:
        return min(later, key=lambda error: (isinstance(error, UNSENT), error.retry_after_s or 0.0))
    rejected = [(each, error) for each, error in failures if isinstance(error, KeyRejected)]
    if len(errors) == 1 and not rejected:
        return errors[0]
    if len(errors) == 1:
        return KeyRejected(f"{errors[0].message}; the other keys of {name} are set aside", errors[0].hint)
    kind = KeyRejected if rejected else KeyMissing
    whose: dict[str, list[str]] = {}
    for each, error in failures:
        whose.setdefault(error.message, []).append(str(each.access.key or each.access))
    told = "; ".join(f"{', '.join(keys)}: {message}" for message, keys in whose.items())
    return kind(f"no key of {name} is of use: {told}", (rejected[0][1] if rejected else errors[0]).hint)

"""Rungs to climb, made of the scripted backend and real checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from synapse_cli.backends.scripted import Scripted
from synapse_cli.cascade.climb import Climb, climb
from synapse_cli.cascade.retry import Tries
from synapse_cli.cascade.tier import Tier
from synapse_cli.checks.confidence import Confidence
from synapse_cli.checks.regex import Regex
from synapse_cli.core.clock import FixedClock
from synapse_cli.core.completion import Completion, Count, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.events import Event
from synapse_cli.core.options import Options
from synapse_cli.core.outcome import Outcome
from synapse_cli.core.ports import Backend, Check, Emit
from synapse_cli.core.prompt import Json, Message, Request
from synapse_cli.core.verdict import Verdict
from synapse_cli.profile.model import Model
from synapse_cli.profile.settings import RetrySettings

ASKED = Request(messages=(Message("user", "a question"),))


def scripted(name: str, **reply: Json) -> Scripted:
    """A backend with one reply for everything."""
    return Scripted(
        Model(name=name, backend="scripted", options={"replies": [{"match": ".", "text": "an answer", **reply}]})
    )


def tier(
    name: str,
    *checks: Check,
    backend: Backend | None = None,
    is_local: bool = True,
    obstacle: SynapseError | None = None,
    **reply: Json,
) -> Tier:
    """A rung that answers as scripted."""
    made = backend or scripted(name, **reply)
    return Tier(name=name, model=name, backend=made, request=ASKED, checks=checks, is_local=is_local, obstacle=obstacle)


def sure(least: float) -> Check:
    """The rule `confidence`."""
    return Confidence.parse(Options({"min": least}))


def matching(pattern: str) -> Check:
    """The rule `regex`."""
    return Regex.parse(Options({"pattern": pattern}))


def judge(rung: Tier, completion: Completion) -> tuple[Verdict, ...]:
    """Judge by the rung's own checks."""
    return tuple(check.judge(rung.request, completion, Control()) for check in rung.checks)


class Says:
    """A backend that fails in one way, after a first piece and some time if told so; remembers what it was given."""

    def __init__(
        self, error: SynapseError, *, first: str = "", takes_s: float = 0.0, clock: FixedClock | None = None
    ) -> None:
        self.error, self.first, self.takes_s, self.clock = error, first, takes_s, clock
        self.given: list[float] = []

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Fail."""
        self.given.append(control.remaining_s(1000.0))
        if self.clock is not None:
            self.clock.sleep(self.takes_s)
        if emit is not None and self.first:
            emit(self.first)
        raise self.error

    def facts(self) -> Facts:
        """A hosted model's."""
        return Facts(is_local=False, provider="says", price=None)

    def count(self, messages: Sequence[Message]) -> Count:
        """None."""
        return Count(0, estimated=True)


class Told(list[Event]):
    """Events that are told to somebody when they are noted."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        super().__init__()
        self._tell = tell

    def append(self, event: Event) -> None:
        """Note and tell."""
        super().append(event)
        self._tell(event)


class Climber:
    """Climbs rungs, and remembers what was heard, shown and slept. `chance` is what a pause is drawn by."""

    def __init__(self, control: Control | None = None, *, chance: float = 0.5, tiers: int = 0, **retry: float) -> None:
        self.clock = FixedClock()
        self.tries = Tries(RetrySettings(**retry), tiers=tiers, chance=lambda: chance)  # type: ignore[arg-type]  # as the test says
        self.control = control or Control(clock=self.clock.monotonic)
        self.heard: list[Event] = []
        self.shown: list[str] = []

    def climb(self, rungs: Sequence[Tier], *, streams: bool = False, **settings: int | bool) -> Outcome:
        """Climb."""
        how = Climb(
            control=self.control,
            clock=self.clock,
            judge=judge,
            listen=self.heard.append,
            tries=self.tries,
            emit=self.shown.append if streams else None,
            **settings,  # type: ignore[arg-type]  # max_attempts and skip_unaffordable, as the test says
        )
        return climb(rungs, how)

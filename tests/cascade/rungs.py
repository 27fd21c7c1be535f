"""Rungs to climb, made of the scripted backend and real checks."""

from __future__ import annotations

from collections.abc import Sequence

from synapse_cli.backends.scripted import Scripted
from synapse_cli.cascade.climb import Climb, climb
from synapse_cli.cascade.tier import Tier
from synapse_cli.checks.confidence import Confidence
from synapse_cli.checks.regex import Regex
from synapse_cli.core.clock import FixedClock
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.events import Event
from synapse_cli.core.options import Options
from synapse_cli.core.outcome import Outcome
from synapse_cli.core.ports import Backend, Check
from synapse_cli.core.prompt import Json, Message, Request
from synapse_cli.core.verdict import Verdict
from synapse_cli.profile.model import Model

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


class Climber:
    """Climbs rungs, and remembers what was heard, shown and slept."""

    def __init__(self, control: Control | None = None) -> None:
        self.clock = FixedClock()
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
            emit=self.shown.append if streams else None,
            **settings,  # type: ignore[arg-type]  # max_attempts and skip_unaffordable, as the test says
        )
        return climb(rungs, how)

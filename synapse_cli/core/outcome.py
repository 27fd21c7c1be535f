"""What became of a prompt: the decision, every attempt, and the answer that came out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from synapse_cli.core.completion import NO_USAGE, Completion, Usage
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.verdict import Verdict
from synapse_cli.core.way import PolicyMark, Way

DecisionSource = Literal["flag", "task", "rule", "lexical", "semantic", "judge", "model", "default"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Which route a prompt takes, and why."""

    route: str
    """Route name; "-" where a model was named and no route was needed."""
    why: str
    source: DecisionSource
    confidence: float | None = None
    runners_up: tuple[tuple[str, str], ...] = ()
    """(route, why not) for each route that was looked at and not taken."""
    usage: Usage = NO_USAGE
    """Tokens of the calls that deciding took; they count like any other."""
    cost: Decimal | None = Decimal(0)
    """Dollars of those calls; None where one of them is unknown."""
    way: Way | None = None
    """What the route's policy chose; it goes before the route's `use`."""
    policy: PolicyMark | None = None
    """The policy that chose the way."""
    score: float | None = None
    """What the policy expects of the way, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A tier answered; whether the answer was good enough is in the verdicts."""

    tier: str
    model: str
    completion: Completion
    verdicts: tuple[Verdict, ...]

    @property
    def accepted(self) -> bool:
        """Whether every rule that binds this tier passed."""
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def usage(self) -> Usage:
        """Tokens of its call and of those that judging took; what the cache gave counts as nothing."""
        total = NO_USAGE if self.completion.cached else self.completion.usage
        for verdict in self.verdicts:
            total = total + verdict.usage
        return total

    @property
    def cost(self) -> Decimal | None:
        """Dollars of the same calls; None where one of them is unknown."""
        parts = [verdict.cost for verdict in self.verdicts]
        parts += [] if self.completion.cached else [self.completion.cost]
        known = [part for part in parts if part is not None]
        return sum(known, Decimal(0)) if len(known) == len(parts) else None

    @property
    def text(self) -> str:
        """The answer as it is printed: in the canonical form of the check that has one, else verbatim."""
        canonical = [v.canonical for v in self.verdicts if v.passed and v.canonical is not None]
        return canonical[-1] if canonical else self.completion.text

    @property
    def reason(self) -> str:
        """Why it did not pass, one line; empty where it did."""
        return "; ".join(f"{v.rule}: {v.reason}" for v in self.verdicts if not v.passed)


@dataclass(frozen=True, slots=True)
class Failed:
    """A tier was asked and gave no answer."""

    tier: str
    model: str
    error: SynapseError
    latency_s: float = 0.0
    usage: Usage = NO_USAGE
    cost: Decimal | None = Decimal(0)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A tier was not asked: no key, not allowed, not affordable."""

    tier: str
    model: str
    error: SynapseError


Attempt: TypeAlias = Answered | Failed | Skipped


@dataclass(frozen=True, slots=True)
class Escalation:
    """A step up: from which tier to which, and why."""

    source: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a climb ended. `best` is the accepted answer, else the best of the rejected, else None."""

    attempts: tuple[Attempt, ...]
    best: Answered | None
    error: SynapseError | None = None
    """Why there is no accepted answer; None where there is one."""

    @property
    def accepted(self) -> bool:
        """Whether the answer passed its checks."""
        return self.best is not None and self.error is None

    @property
    def usage(self) -> Usage:
        """Tokens of every call made for this run, rejected tiers included; what the cache gave counts as nothing."""
        total = NO_USAGE
        for attempt in self.attempts:
            if not isinstance(attempt, Skipped):
                total = total + attempt.usage
        return total

    @property
    def cost(self) -> Decimal | None:
        """Dollars of every call made for this run; None where one of them is unknown."""
        total = Decimal(0)
        for attempt in self.attempts:
            spent = Decimal(0) if isinstance(attempt, Skipped) else attempt.cost
            if spent is None:
                return None
            total += spent
        return total

    @property
    def escalations(self) -> tuple[Escalation, ...]:
        """Each step from one tier to another, with its reason."""
        steps = []
        for here, there in zip(self.attempts, self.attempts[1:], strict=False):
            if here.tier != there.tier:
                reason = here.reason if isinstance(here, Answered) else here.error.message
                steps.append(Escalation(here.tier, there.tier, reason))
        return tuple(steps)

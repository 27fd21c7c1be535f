"""One finished run: what was asked, decided, tried and answered, and what it took."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from synapse_cli.core.completion import Usage
from synapse_cli.core.errors import Exit
from synapse_cli.core.outcome import Decision, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The whole story of one prompt, as it is printed and recorded."""

    run_id: str
    started: float
    """Seconds since 1970."""
    latency_s: float
    prompt: str
    system: str | None
    decision: Decision
    outcome: Outcome
    profile_hash: str
    saved: Decimal | None
    """Dollars less than the dearest tier of this way would have cost for the same tokens; None where unknown."""
    warnings: tuple[str, ...] = ()
    tenant: str | None = None
    """On whose behalf it was made."""
    local_tiers: frozenset[str] = frozenset()
    """Names of the tiers that run on this machine."""

    @property
    def exit_code(self) -> Exit:
        """What the process will exit with."""
        return Exit.OK if self.outcome.error is None else self.outcome.error.exit_code

    @property
    def answer(self) -> str | None:
        """The text for stdout: the accepted answer, or the best of the rejected."""
        return None if self.outcome.best is None else self.outcome.best.text

    @property
    def usage(self) -> Usage:
        """Tokens of every call of this run, those of routing included."""
        return self.outcome.usage + self.decision.usage

    @property
    def cost(self) -> Decimal | None:
        """Dollars of every call of this run, those of routing and judging included; None where one is unknown."""
        climbed, decided = self.outcome.cost, self.decision.cost
        return None if climbed is None or decided is None else climbed + decided

    @property
    def first_latency_s(self) -> float | None:
        """Seconds from asking the answering tier to its first piece."""
        return None if self.outcome.best is None else self.outcome.best.completion.first_latency_s

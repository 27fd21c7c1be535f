"""What a check said of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from synapse_cli.core.completion import NO_USAGE, Usage


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's judgement of one answer. `reason` is one line for people and for the record."""

    rule: str
    passed: bool
    reason: str = ""
    score: float | None = None
    evaluated: bool = True
    """False where the rule could not be applied (no confidence, a command that could not start)."""
    canonical: str | None = None
    """The text to print in place of the answer (a label in its declared spelling), or None."""
    usage: Usage = NO_USAGE
    """Tokens of the calls that judging took (a judge, samples); none where the verdict was kept."""
    cost: Decimal | None = Decimal(0)
    """Dollars of those calls; None where one of them is unknown."""

"""What a check said of an answer."""

from __future__ import annotations

from dataclasses import dataclass


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

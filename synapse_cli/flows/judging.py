"""What do a tier's checks say of its answer? What one rewrites the next ones judge; what costs calls comes last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from synapse_cli.core.completion import Completion, Usage
from synapse_cli.core.ports import Check
from synapse_cli.core.verdict import Verdict

if TYPE_CHECKING:
    from synapse_cli.cascade.tier import Tier
    from synapse_cli.flows.session import Session


FAILED_ALREADY = "not asked: the answer has failed already"
"""Why a check that would cost calls says nothing of an answer that another check rejected for nothing."""


def judged(session: Session, tier: Tier, completion: Completion) -> tuple[Verdict, ...]:
    """One verdict a check, in the order of the tier's checks.

    Checks that rewrite the answer go first, then those that ask nobody, then those that ask, and of these none that
    could change nothing any more. What asking took is added to the verdict.
    """
    found: dict[int, Verdict] = {}
    for at in sorted(range(len(tier.checks)), key=lambda at: _turn(tier.checks[at], tier)):
        check = tier.checks[at]
        has_failed = any(not verdict.passed for verdict in found.values())
        if has_failed and _turn(check, tier) == _ASKING:
            found[at] = Verdict(check.kind, passed=False, reason=FAILED_ALREADY, evaluated=False)
            continue
        found[at] = verdict = _one(session, check, tier, completion)
        if verdict.passed and verdict.canonical is not None and getattr(check, "revises", False):
            completion = _rewritten(completion, verdict.canonical)
    return tuple(found[at] for at in range(len(tier.checks)))


def is_whole(verdicts: Sequence[Verdict]) -> bool:
    """Whether the verdicts would be the same again: nothing was missing that may be there next time."""
    return all(verdict.evaluated or verdict.reason == FAILED_ALREADY for verdict in verdicts)


_REVISING, _FREE, _ASKING = range(3)


def _turn(check: Check, tier: Tier) -> int:
    if getattr(check, "revises", False):
        return _REVISING
    return _ASKING if hasattr(check, "foresees") and check.foresees(tier.model) else _FREE


def _one(session: Session, check: Check, tier: Tier, completion: Completion) -> Verdict:
    if not hasattr(check, "judge_with"):
        return session.telling.judge(check, tier.request, completion, session.control)
    from synapse_cli.flows.aid import Helping

    if check.kind == "judge" and tier.model in getattr(check, "models", ()):
        session.warn(f"{tier.model} judged an answer of its own, and models are lenient to themselves")
    aid = Helping(session, tier)
    verdict = session.telling.judge(check, tier.request, completion, session.control, aid)
    return replace(verdict, usage=verdict.usage + aid.usage, cost=aid.cost)


def _rewritten(completion: Completion, text: str) -> Completion:
    """Another text: of it neither tokens nor confidence are known."""
    return replace(completion, text=text, usage=Usage(None, None), confidence=None, finish="stop")

"""What do a tier's checks say of its answer? Each in turn; what one rewrites, the next ones judge."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from synapse_cli.core.completion import Completion, Usage
from synapse_cli.core.ports import Check
from synapse_cli.core.verdict import Verdict

if TYPE_CHECKING:
    from synapse_cli.cascade.tier import Tier
    from synapse_cli.flows.session import Session


def judged(session: Session, tier: Tier, completion: Completion) -> tuple[Verdict, ...]:
    """One verdict a check, in the order of the tier's checks, in which those that rewrite come first.

    A check that asks other models is helped, and what that took is added to its verdict.
    """
    verdicts = []
    for check in tier.checks:
        verdict = _one(session, check, tier, completion)
        verdicts.append(verdict)
        if verdict.passed and verdict.canonical is not None and getattr(check, "revises", False):
            completion = _rewritten(completion, verdict.canonical)
    return tuple(verdicts)


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

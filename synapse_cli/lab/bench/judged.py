"""What does a judge think of a measured answer? One more call, the way a user's command would make it, and blind.

The judge sees the prompt, what was expected where that is known, and the answer; not who gave it, how long that took or
what it cost. It is asked as the accept rule `judge` asks (`checks.judge`), so that both mean the same by a score.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from synapse_cli.checks.judge import RUBRIC, Judge
from synapse_cli.core.clock import Clock
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BudgetSpent, Interrupted, SynapseError
from synapse_cli.core.prompt import Json, Message, Request
from synapse_cli.core.run import Run
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.session import Session
from synapse_cli.flows.step import step
from synapse_cli.lab.bench.call import Call
from synapse_cli.lab.bench.grade import Grade
from synapse_cli.lab.bench.item import Item
from synapse_cli.lab.bench.schedule import Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What the judge said, and what that took."""

    score: float | None
    """None where it gave no score, or could not be asked: then `why` says so."""
    run: Run | None
    spent: Decimal
    why: str = ""
    limited: bool = False
    """Whether money kept it from being asked."""


def judged(rule: Grade, slot: Slot, base: Ask, call: Call, *, clock: Clock, hold: Callable[[Control], None]) -> Opinion:
    """Ask the judge for one score. Raises Interrupted; whatever else goes wrong is no score."""
    judge, answer = judge_of(rule, slot.item), call.answer or ""
    candidate = slot.candidate
    wish = ask(judge, slot.item, base, answer)
    session = Session(candidate.profile, wish, Witness(), clock=clock, warm=candidate.backends)
    hold(session.control)
    try:
        run = step(session, _nothing)
    except SynapseError as error:
        return Opinion(score=None, run=None, spent=session.meter.gone.dollars, why=error.message)
    failed = run.outcome.error
    if isinstance(failed, Interrupted):
        raise failed
    spent = session.meter.gone.dollars if run.cost is None else run.cost
    best = run.outcome.best
    if best is None or best.text not in judge.labels:
        why = "it gave no score" if failed is None else failed.message
        return Opinion(score=None, run=run, spent=spent, why=why, limited=isinstance(failed, BudgetSpent))
    score = (int(best.text) - 1) / (judge.scale - 1)
    why = (
        f"{judge.model} judged answers of its own, and models are lenient to themselves"
        if call.tier == judge.model
        else ""
    )
    return Opinion(score=score, run=run, spent=spent, why=why)


def judge_of(rule: Grade, item: Item) -> Judge:
    """The judge of an item: what is expected is its reference."""
    return Judge(model=rule.argument or "", rubric=rule.rubric or RUBRIC, reference=_as_text(item.expected))


def ask(judge: Judge, item: Item, base: Ask, answer: str) -> Ask:
    """What the judge is asked; of the flags only those hold for it that say where and how long."""
    asked = judge.asked(Request(messages=(Message("user", item.text),)), answer)
    system, user = (message.content for message in asked.messages)
    return replace(
        base,
        prompt=user,
        words=user,
        input="",
        system=system,
        model=judge.model,
        params=asked.params,
        schema=None,
        grammar=None,
        choices=asked.choices,
    )


def _as_text(expected: Json) -> str:
    if expected is None:
        return ""
    return expected if isinstance(expected, str) else json.dumps(expected, ensure_ascii=False)


def _nothing(event: object) -> None:
    del event

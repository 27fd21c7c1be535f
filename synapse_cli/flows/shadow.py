"""Which accepted answers are looked at again by a dearer tier, and how is that done?

Chosen by a hash of the run's id, queued with all that was asked, and sent only by `synapse shadow run`. What a user or
a tenant keeps on this machine is never queued.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING

from synapse_cli.core.completion import NO_USAGE, Completion, Usage
from synapse_cli.core.errors import BadAnswer, BudgetSpent, SynapseError, UsageError
from synapse_cli.core.outcome import Answered, Decision, Outcome
from synapse_cli.core.prompt import Json, Message, Request
from synapse_cli.core.run import Run
from synapse_cli.flows.comparing import comparison, result_of
from synapse_cli.flows.plan import Stage
from synapse_cli.flows.tenancy import forbidden
from synapse_cli.learned.normalised import same
from synapse_cli.ledger.shadowing import Entry, Queue, Queued, Result
from synapse_cli.profile.model import Model

if TYPE_CHECKING:
    from synapse_cli.flows.session import Session


def queued(session: Session, decision: Decision, outcome: Outcome) -> Queued | None:
    """What of a run that has ended is to be looked at again; None where nothing is, as of most runs. Never raises."""
    try:
        return _queued(session, decision, outcome)
    except SynapseError as error:  # what might be learned must not cost the answer
        session.warn(f"not put into the queue of shadow: {error.message}")
        return None


def _queued(session: Session, decision: Decision, outcome: Outcome) -> Queued | None:
    best, profile, ask = outcome.best, session.profile, session.ask
    if best is None or not outcome.accepted or best.completion.cached or ask.local_only or ask.grammar is not None:
        return None
    if not profile.ledger.text or not _is_chosen(session.run_id, profile.shadow.share):
        return None
    plan = session.plan(decision)
    stage = next((each for each in plan.stages if best.model in _names(each)), None)
    if stage is None:
        return None
    target = profile.shadow.model or _dearest(session, decision, stage)
    judge = profile.shadow.judge or target
    is_cheap = best.tier in session.local_tiers or best.model != _names(stage)[-1] or decision.policy is not None
    models = [session.model(name) for name in (target, judge)]
    if not is_cheap or target == best.model or any(model is None or _may_not(session, model) for model in models):
        return None
    request = stage.rungs[_names(stage).index(best.model)].request
    return Queued(
        run=session.run_id,
        profile=profile.path,
        model=best.model,
        target=target,
        judge=judge,
        request=_written(request, ask.params, keeps=plan.keeps),
        tenant=ask.tenant,
    )


def compare(session: Session, entry: Entry, queue: Queue) -> tuple[Result, Run]:
    """Ask the dearer tier what was asked, unless that is paid for, and compare the two answers, blind.

    What was paid for is kept before the next step. Raises SynapseError as the calls fail.
    """
    item = entry.queued
    if entry.answer is None or not item.request:
        raise UsageError("its texts are not kept any more", "")
    request, keeps = read(item.request)
    shadow = _Shadow(session, keeps=keeps)
    if entry.again is None:
        completion = shadow.ask(item.target, request, "shadow")
        if completion.finish == "length" and not completion.keepable:
            raise BudgetSpent("what is left of the budget cut the answer short", "give more with --max-cost")
        queue.answered(item.run, completion.text, completion.cost)
    else:
        completion = Completion(text=entry.again, finish="stop", usage=NO_USAGE, cost=entry.cost, cached=True)
    result: Result = "same"
    if not same(entry.answer, completion.text, "text"):
        asked = comparison(request, entry.answer, completion.text, by=item.run)
        said = shadow.ask(item.judge, asked, "judge").text
        found = result_of(said, by=item.run)
        if found is None:
            raise BadAnswer(f"{item.judge} said {said[:40]!r} instead of who is better", "name another judge")
        result = found
    return result, shadow.record(entry, completion, result)


def read(text: str) -> tuple[Request, bool]:
    """A request as it was written down, and whether answers to it may be kept. Raises UsageError for what is none."""
    try:
        told = json.loads(text)
        request = Request(
            messages=tuple(Message(role, content) for role, content in told["messages"]),
            params=told["params"],
            choices=tuple(told["choices"]),
            schema=told["schema"],
            template_version=told["template"],
        )
        return request, bool(told["keeps"])
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError("what was asked cannot be read", "synapse shadow clear drops it") from error


def _written(request: Request, params: Mapping[str, Json], *, keeps: bool) -> str:
    """What was asked, without what is only the answering model's, and whether the route lets answers be kept."""
    told = {
        "messages": [[message.role, message.content] for message in request.messages],
        "params": dict(params),
        "choices": list(request.choices),
        "schema": request.schema,
        "template": request.template_version,
        "keeps": keeps,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _is_chosen(run_id: str, share: float) -> bool:
    """The same for the same run, wherever it is asked."""
    number = int.from_bytes(sha256(f"shadow {run_id}".encode()).digest()[:6], "big")
    return number < share * 2**48


def _dearest(session: Session, decision: Decision, stage: Stage) -> str:
    """Whom a policy is measured against; else the last tier of the way."""
    if decision.policy is not None:
        return session.deciding.policy(decision.route).baseline
    return _names(stage)[-1]


def _names(stage: Stage) -> list[str]:
    return [rung.model.name for rung in stage.rungs]


def _may_not(session: Session, model: Model) -> bool:
    is_local = session.is_local(model)
    return forbidden(session.tenant, model, is_local=is_local, is_named=False) is not None


class _Shadow:
    """The calls of one comparison: a run of its own, with its own budget and record."""

    def __init__(self, session: Session, *, keeps: bool) -> None:
        self._session = session
        self._keeps = keeps
        self._usage: Usage = NO_USAGE
        self._cost: Decimal | None = Decimal(0)

    def ask(self, name: str, request: Request, kind: str) -> Completion:
        """Ask a model of the profile through everything that stands between a run and a model."""
        session = self._session
        model = session.model(name)
        if model is None:
            raise UsageError(f"the profile has no model named {name!r} any more", "synapse shadow clear drops it")
        obstacle: SynapseError | None = session.obstacle(model)
        if obstacle is not None:
            raise obstacle
        effort = {} if model.effort is None else {"effort": model.effort}
        params: dict[str, Json] = {**session.profile.defaults.params, **effort, **model.params, **request.params}
        chain = session.chain(model, keeps=self._keeps, kind=kind)
        answer = chain.complete(replace(request, params=params), session.control)
        if kind == "judge" and not answer.cached:
            self._usage += answer.usage
            self._cost = None if self._cost is None or answer.cost is None else self._cost + answer.cost
        return answer

    def record(self, entry: Entry, completion: Completion, result: Result) -> Run:
        """Write the comparison down as a run, so that its money counts like any other."""
        item = entry.queued
        why = f"looked at again: {item.model} in {item.run} is {result}"
        decision = Decision("-", why, "default", usage=self._usage, cost=self._cost)
        best = Answered(item.target, item.target, completion, ())
        return self._session.record(decision, Outcome(attempts=(best,), best=best), command="shadow")

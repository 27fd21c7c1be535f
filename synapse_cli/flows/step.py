"""One request's way: the choice, the climb, the record.

    what was typed → seen before? (memo) → the plan (profile) → the shape (flow) → the prompt fits (context)
      → the choice (route) → the climb (cascade) → cached? → the call (backend) → the verdict (checks)
      → the record (ledger) → the telling (report)

Typing, memo and telling are `cli`'s; everything between is the function below.
"""

from __future__ import annotations

from dataclasses import replace

from synapse_cli.cascade.climb import Climb, climb
from synapse_cli.cascade.ending import ending
from synapse_cli.cascade.retry import Tries
from synapse_cli.cascade.tier import Tier
from synapse_cli.core.errors import BudgetSpent, ClosedPipe, Interrupted, SynapseError
from synapse_cli.core.events import Listen, Routed
from synapse_cli.core.outcome import Attempt, Outcome
from synapse_cli.core.ports import Emit
from synapse_cli.core.run import Run
from synapse_cli.flows.plan import Plan
from synapse_cli.flows.session import Session


def step(session: Session, listen: Listen, emit: Emit | None = None) -> Run:
    """Answer the session's prompt and record how.

    Every ending comes back as a Run whose outcome says what happened. Raises SynapseError only for what is wrong
    before a route is known: a usage error or a refused profile. The run is recorded in any case.
    """
    listen = session.calls.listen = session.telling.heard(listen)
    session.begin()
    try:
        chosen = session.choose()
        decision = session.explored(chosen)
        listen(Routed(decision))
        outcome = _climb_stages(session, session.plan(decision), listen, emit)
    except SynapseError as error:
        session.record_failure(error)
        raise
    except Exception as bug:
        session.record_failure(SynapseError(f"bug: {type(bug).__name__}"))
        raise
    if decision is not chosen:
        from synapse_cli.flows.exploring import settled

        decision = settled(chosen, decision, outcome)
    return session.record(decision, outcome)


def _climb_stages(session: Session, plan: Plan, listen: Listen, emit: Emit | None) -> Outcome:
    """Climb the first stage, and a fallback only where the one before gave no answer.

    Each rung brings the request that was rendered for its own model; what goes before a provider change goes there.
    After a stage that was tried only to learn, the next one is asked unless its answer passed.
    """
    attempts: list[Attempt] = []
    climbed: list[Tier] = []
    ahead = sum(len(stage.rungs) for stage in plan.stages)
    tries = Tries(session.profile.retry, tiers=ahead)
    latest, is_final = Outcome(attempts=(), best=None), False
    rejected: Outcome | None = None
    for stage in plan.stages:
        session.budgets.explore(explores=stage.explores)
        ahead -= len(stage.rungs)
        tiers = [session.tier(rung, keeps=plan.keeps) for rung in stage.rungs]
        settings = Climb(
            control=session.control,
            clock=session.clock,
            judge=session.judge,
            listen=listen,
            tries=tries,
            emit=emit,
            max_attempts=stage.max_attempts,
            skip_unaffordable=stage.skip_unaffordable,
            ahead=ahead,
        )
        latest = climb(tiers, settings)
        attempts += latest.attempts
        climbed += tiers
        is_final = _is_final(latest.error, over_budget=not stage.skip_unaffordable)
        if latest.accepted or tries.shown or is_final or session.control.expired:
            break
        if latest.best is not None:
            if not stage.explores:
                break
            rejected = latest
    latest = rejected if rejected is not None and latest.best is None and not is_final else latest
    error = latest.error
    if latest.best is None and not tries.shown and not is_final:
        error = ending(attempts, climbed, None)
    return replace(latest, attempts=tuple(attempts), error=error)


def _is_final(error: SynapseError | None, *, over_budget: bool) -> bool:
    """Whether no fallback is asked; over budget one is where the cascade says "cheaper": it may cost nothing."""
    return isinstance(error, Interrupted | ClosedPipe) or (over_budget and isinstance(error, BudgetSpent))

"""Make one call the way a user's command would, with a stopwatch around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from synapse_cli.core.clock import Clock
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BudgetSpent, Interrupted, SynapseError
from synapse_cli.core.outcome import Answered, Outcome
from synapse_cli.core.run import Run
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.session import Session
from synapse_cli.flows.step import step
from synapse_cli.lab.bench.call import Call
from synapse_cli.lab.bench.memory import Memory
from synapse_cli.lab.bench.schedule import Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A call, its run for the ledger (None where it ended before a route was known), and what it spent at most."""

    call: Call
    run: Run | None
    spent: Decimal
    limited: bool
    """Whether the bench's own money limit kept it from being asked, or shortened its answer: then it is no figure."""
    interrupted: bool
    warnings: tuple[str, ...]


def measure(
    slot: Slot, ask: Ask, clock: Clock, memory: Memory, hold: Callable[[Control], None], *, cold: bool
) -> Measured:
    """Ask one item of one candidate; every ending is a measured one. `hold` is given what stops it."""
    memory.begin()
    session = Session(
        slot.candidate.profile, slot.candidate.wants(ask), Witness(), clock=clock, warm=slot.candidate.backends
    )
    hold(session.control)
    first_s: float | None = None
    began = clock.monotonic()

    def hear(piece: str) -> None:
        nonlocal first_s
        if first_s is None and piece:
            first_s = clock.monotonic() - began

    try:
        run: Run | None = step(session, _nothing, hear)
        error = None
    except SynapseError as raised:
        run, error = None, raised
    total_s = clock.monotonic() - began
    held = memory.peak()
    call = Call(
        candidate=slot.candidate.label,
        item=slot.item.key,
        repeat=slot.repeat,
        cold=cold,
        started=session.started,
        total_s=total_s,
        memory=held,
        run_id=session.run_id,
    )
    error = error or (None if run is None else run.outcome.error)
    return Measured(
        call=_with_error(call, error) if run is None else _with_run(call, run, first_s),
        run=run,
        spent=_spent(session, run),
        limited=run is not None and _is_ours(ask, session) and _is_limited(run.outcome),
        interrupted=isinstance(error, Interrupted),
        warnings=tuple(session.warnings),
    )


def _with_run(call: Call, run: Run, first_s: float | None) -> Call:
    outcome, best = run.outcome, run.outcome.best
    usage = run.usage
    told = replace(
        call,
        input=usage.input,
        output=usage.output,
        cached=usage.cached,
        reasoning=usage.reasoning,
        estimated=usage.estimated,
        cost=run.cost,
        accepted=outcome.accepted,
        exit_code=int(run.exit_code),
        escalations=len(outcome.escalations),
    )
    if best is None:
        return _with_error(told, outcome.error)
    completion = best.completion
    prompt_s = completion.first_latency_s
    return replace(
        told,
        tier=best.tier,
        first_s=call.total_s if first_s is None else first_s,
        prompt_s=prompt_s,
        write_s=None if prompt_s is None else max(0.0, completion.latency_s - prompt_s),
        read=None if completion.usage.input is None else completion.usage.input - completion.usage.cached,
        written=completion.usage.output,
        answer=best.text,
    )


def _with_error(call: Call, error: SynapseError | None) -> Call:
    if error is None:
        return replace(call, error="unknown", exit_code=1)
    return replace(call, error=error.kind, message=error.message, exit_code=int(error.exit_code))


def _spent(session: Session, run: Run | None) -> Decimal:
    """Dollars of this call; where a provider did not tell, the upper bound that was reserved for it."""
    cost = None if run is None else run.cost
    return session.meter.gone.dollars if cost is None else cost


def _is_ours(ask: Ask, session: Session) -> bool:
    """Whether the bench's limit is the one that binds, and not the profile's own for any run."""
    per_run = session.profile.budget.per_run
    return ask.max_cost is not None and (per_run is None or ask.max_cost < per_run)


def _is_limited(outcome: Outcome) -> bool:
    """Whether money ended or shortened it."""
    return any(
        not attempt.completion.keepable if isinstance(attempt, Answered) else isinstance(attempt.error, BudgetSpent)
        for attempt in outcome.attempts
    )


def _nothing(event: object) -> None:
    """The bench tells of whole calls, not of what happens within one."""
    del event

"""Foretell what a plan would ask and cost, without asking anybody."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from synapse_cli.core.completion import Count, Facts, Usage
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.ports import Foreseen
from synapse_cli.core.prompt import Json, Request
from synapse_cli.flows import foreseen
from synapse_cli.flows.plan import Plan, Rung
from synapse_cli.flows.session import Session
from synapse_cli.profile.model import Model

UNSAID_OUTPUT = 4096
"""Output tokens assumed for a model of which nobody says how much it may write."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """One tier of a plan: its input, what it can cost at most, and whether its answer is kept already."""

    tier: str
    is_local: bool
    input: Count | None
    at_most: Decimal | None
    cached: bool
    checks: tuple[str, ...]
    note: str
    asks: tuple[tuple[str, Foreseen], ...] = ()
    """(check, calls) that its checks may make; what they cost is part of `at_most`."""

    def as_json(self) -> dict[str, Json]:
        """The entry of `explain --json`."""
        cost = None if self.at_most is None else f"{self.at_most:f}"
        return {
            "tier": self.tier,
            "is_local": self.is_local,
            "input_tokens": None if self.input is None else self.input.tokens,
            "estimated": self.input is None or self.input.estimated,
            "cost_usd_at_most": cost.rstrip("0").rstrip(".") if cost and "." in cost else cost,
            "cached": self.cached,
            "checks": list(self.checks),
            "asks": [
                {"check": check, "model": call.model, "kind": call.kind, "calls": call.calls}
                for check, call in self.asks
            ],
            "note": self.note,
        }


def forecast(session: Session, plan: Plan) -> list[Forecast]:
    """One entry a tier, in the order in which they would be asked."""
    return [_one(session, rung, plan) for stage in plan.stages for rung in stage.rungs]


def _one(session: Session, rung: Rung, plan: Plan) -> Forecast:
    keeps = plan.keeps
    tier = session.tier(rung, keeps=keeps)
    note = "" if tier.obstacle is None else tier.obstacle.message
    count: Count | None = None
    facts: Facts | None = None
    try:
        facts = session.facts(rung.model)
        count = session.backend(rung.model).count(rung.request.messages)
        session.check_keys(rung.model)
    except SynapseError as error:
        note = note or error.message
    note = note or ("" if tier.is_local else _closed_off(session, rung.model)) or _unknown(session, rung.model, plan)
    asks = foreseen.foreseen(rung.checks, rung.model.name)
    at_most = None if facts is None else _at_most(facts, count, rung.request)
    if at_most is not None and facts is not None and asks:
        judged = foreseen.cost(session, asks, count, _output(facts, rung.request))
        at_most = None if judged is None else at_most + judged
    checks = tuple(check.kind for check in rung.checks)
    kept = keeps and session.is_kept(rung)
    note = note or foreseen.told(asks)
    return Forecast(tier.name, tier.is_local, count, at_most, kept, checks, note, tuple(asks))


def _unknown(session: Session, model: Model, plan: Plan) -> str:
    """Which limits of the run nobody can hold against a model."""
    decision = plan.decision
    quality = None if decision.policy is None else session.deciding.quality(decision, model.name)
    return session.limits(decision.route).unknown(model, quality)


def _closed_off(session: Session, model: Model) -> str:
    """Why a model would not be asked now: it has been failing wherever it is served."""
    if not session.profile.breaker.enabled:
        return ""
    from synapse_cli.cascade.standing import standings
    from synapse_cli.flows.paced import places_of

    now = session.clock.now()
    nexts = {each.place: each.circuit.next_at for each in standings(session.paced.pace) if each.state(now) == "open"}
    times = [nexts.get(place) for place in places_of(model)]
    soonest = min((time for time in times if time is not None), default=None)
    if None in times or soonest is None:
        return ""
    return f"not asked now, because it keeps failing; it is tried again in {soonest - now:.0f} s (synapse providers)"


def _at_most(facts: Facts, count: Count | None, request: Request) -> Decimal | None:
    """Dollars if the model wrote as much as it may; None where price or input is unknown."""
    if facts.price is None or count is None:
        return None
    return facts.price.cost(Usage(count.tokens, _output(facts, request)))


def _output(facts: Facts, request: Request) -> int:
    wanted = request.params.get("max_tokens")
    return wanted if isinstance(wanted, int) else facts.max_output_tokens or UNSAID_OUTPUT

"""What would a bench ask, and what could it cost at most? Told without asking any candidate."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from synapse_cli.core.witness import Witness
from synapse_cli.flows.forecast import forecast
from synapse_cli.flows.session import Session
from synapse_cli.lab.bench.candidate import Candidate
from synapse_cli.lab.bench.course import Plan
from synapse_cli.lab.bench.item import Item


@dataclass(frozen=True, slots=True)
class Foretold:
    """One candidate: its calls, warm-ups among them, and the dollars if every tier wrote as much as it may."""

    label: str
    calls: int
    at_most: Decimal | None


def foretell(plan: Plan) -> list[Foretold]:
    """One entry a candidate; the sum over all prompts, each as dear as its whole climb."""
    return [_one(plan, candidate) for candidate in plan.candidates]


def _one(plan: Plan, candidate: Candidate) -> Foretold:
    costs = [_at_most(plan, candidate, item) for item in plan.items]
    known = [cost for cost in costs if cost is not None]
    calls = len(plan.items) * plan.repeats + plan.warm_up
    if len(known) < len(costs):
        return Foretold(candidate.label, calls, None)
    return Foretold(candidate.label, calls, sum(known, Decimal(0)) * plan.repeats + max(known) * plan.warm_up)


def _at_most(plan: Plan, candidate: Candidate, item: Item) -> Decimal | None:
    ask = candidate.wants(item.ask(plan.base))
    session = Session(candidate.profile, ask, Witness(), warm=candidate.backends)
    total = Decimal(0)
    for tier in forecast(session, session.plan(session.choose())):
        if tier.at_most is None:
            return None
        total += tier.at_most
    return total

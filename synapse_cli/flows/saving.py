"""What did a run save? Told against what would have been asked without it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from synapse_cli.core.outcome import Decision, Outcome

if TYPE_CHECKING:
    from synapse_cli.flows.session import Session


def saved(session: Session, decision: Decision, outcome: Outcome) -> Decimal | None:
    """Dollars less than the same tokens at the dearest tier of this way, or at what its policy is measured against.

    None where a price is unknown, and where no answer was accepted: that spares nobody the dearest tier.
    """
    best = outcome.best
    if best is None or outcome.cost is None or decision.cost is None or not outcome.accepted:
        return None
    stages = session.plan(decision).stages
    dearest = stages[0].rungs[-1].model if stages and stages[0].rungs else None
    if decision.policy is not None:
        dearest = session.profile.models.get(session.deciding.policy(decision.route).baseline, dearest)
    if dearest is None:
        return None
    if dearest.name == best.model:
        baseline = best.completion.cost
    else:
        price = session.calls.price(dearest)
        baseline = None if price is None else price.cost(best.completion.usage)
    return None if baseline is None else baseline - outcome.cost - decision.cost

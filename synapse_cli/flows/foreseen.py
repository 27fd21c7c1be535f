"""Whom may the checks of a tier ask, how often, and for how much at most?"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from synapse_cli.core.completion import Count, Usage
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.ports import Check, Foreseen

if TYPE_CHECKING:
    from synapse_cli.flows.session import Session

_AROUND = 500
"""Tokens that a judge's own instructions and rubric take beside request and answer."""


def foreseen(checks: Sequence[Check], tier: str) -> list[tuple[str, Foreseen]]:
    """(check, call) for every call that the checks of a tier may make, most of all."""
    return [(check.kind, each) for check in checks if hasattr(check, "foresees") for each in check.foresees(tier)]


def cost(session: Session, calls: Sequence[tuple[str, Foreseen]], asked: Count | None, answer: int) -> Decimal | None:
    """Dollars of these calls at most, where an answer has at most so many tokens; None where a price is unknown."""
    total = Decimal(0)
    for _, call in calls:
        each = _each(session, call, asked, answer)
        if each is None:
            return None
        total += each * call.calls
    return total


def told(calls: Sequence[tuple[str, Foreseen]]) -> str:
    """One line for people."""
    if not calls:
        return ""
    listed = [f"{call.model}{f' {call.calls} times' if call.calls > 1 else ''} ({check})" for check, call in calls]
    return "its checks may ask " + ", ".join(listed)


def _each(session: Session, call: Foreseen, asked: Count | None, answer: int) -> Decimal | None:
    model = session.model(call.model)
    if model is None or asked is None:
        return None
    try:
        price = session.facts(model).price
    except SynapseError:
        return None
    is_sample = call.kind == "sample"
    read = asked.tokens + (0 if is_sample else answer + _AROUND)
    return None if price is None else price.cost(Usage(read, answer if call.writes is None else call.writes))

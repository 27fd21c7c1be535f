"""Why did a policy choose this way, and why no other? As JSON for scripts, and as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from synapse_cli.core.outcome import Decision
from synapse_cli.core.prompt import Json
from synapse_cli.learned.policy import Choice, Policy
from synapse_cli.report.answer import policy_json
from synapse_cli.report.numbers import dollars, money


def as_json(policy: Policy, path: str, choice: Choice, decision: Decision) -> dict[str, Json] | None:
    """The `policy` object of `explain --json`; null where no policy chose."""
    told = policy_json(decision.policy)
    if told is None:
        return None
    return told | {
        "file": path,
        "baseline": policy.baseline,
        "score": decision.score,
        "threshold": policy.threshold,
        "abstained": choice.abstained,
        "ways": [_way(policy, choice, decision, number) for number in range(len(policy.ways))],
    }


def lines(policy: Policy, path: str, choice: Choice, decision: Decision) -> Iterator[str]:
    """What stands under the route: the promise, and every way that was not taken."""
    if decision.policy is None:
        return
    promise = decision.policy.promise
    yield f"policy   {path}: {promise}"
    taken = decision.way or choice.way
    yield f"way      {taken.name}: {_why(policy, choice, policy.ways.index(taken))}"
    for number, way in enumerate(policy.ways):
        if way != taken:
            yield f"         not {way.name}: {_why(policy, choice, number)}"


def _way(policy: Policy, choice: Choice, decision: Decision, number: int) -> dict[str, Json]:
    way = policy.ways[number]
    return {
        "way": way.name,
        "tiers": list(way.tiers),
        "taken": way == decision.way,
        "score": choice.scores[number] if choice.scores else None,
        "mean_score": policy.scores[number],
        "mean_cost_usd": money(Decimal(repr(policy.costs[number]))),
        "why": _why(policy, choice, number),
    }


def _why(policy: Policy, choice: Choice, number: int) -> str:
    """What the policy says of a way; of one that it says nothing of, what was measured."""
    if number == choice.number:
        return choice.why
    said = dict(choice.against).get(policy.ways[number], "")
    if choice.scores:
        return said
    cost = dollars(Decimal(repr(policy.costs[number])))
    return f"{said} ({policy.scores[number]:.2f} good in the mean for about {cost})"

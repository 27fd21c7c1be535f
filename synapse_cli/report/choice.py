"""Why did a policy choose this way, and why no other? As JSON for scripts, and as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from synapse_cli.core.outcome import Decision
from synapse_cli.core.prompt import Json
from synapse_cli.learned.policy import Choice, Policy
from synapse_cli.report.answer import policy_json
from synapse_cli.report.numbers import dollars, money
from synapse_cli.report.summary import promise

_MOST_TOLD = 5
"""Ways that people are told of beside the one that is taken: those that may be taken and are likeliest good."""


def as_json(
    policy: Policy, path: str, choice: Choice, decision: Decision, closed: Mapping[int, str]
) -> dict[str, Json] | None:
    """The `policy` object of `explain --json`; null where none chose. `closed` says which ways may not be taken."""
    told = policy_json(decision.policy)
    if told is None:
        return None
    return told | {
        "file": path,
        "baseline": policy.baseline,
        "score": decision.score,
        "threshold": policy.threshold,
        "abstained": choice.abstained,
        "ways": [_way(policy, choice, decision, closed, number) for number in range(len(policy.ways))],
    }


def lines(policy: Policy, path: str, choice: Choice, decision: Decision, closed: Mapping[int, str]) -> Iterator[str]:
    """What stands under the route: the promise, and every way that was not taken."""
    if decision.policy is None:
        return
    yield f"policy   {path}: {promise(decision.policy)}"
    taken = decision.way or choice.way
    yield f"way      {taken.name}: {_why(policy, choice, closed, policy.ways.index(taken))}"
    others = [number for number, way in enumerate(policy.ways) if way != taken]
    scores = choice.scores or policy.scores
    told = sorted(others, key=lambda number: (number in closed, -scores[number]))[:_MOST_TOLD]
    for number in sorted(told):
        yield f"         not {policy.ways[number].name}: {_why(policy, choice, closed, number)}"
    if len(others) > len(told):
        yield f"         and {len(others) - len(told)} more, which --json tells"


def _way(policy: Policy, choice: Choice, decision: Decision, closed: Mapping[int, str], number: int) -> dict[str, Json]:
    way = policy.ways[number]
    return {
        "way": way.name,
        "tiers": list(way.tiers),
        "taken": way == decision.way,
        "score": choice.scores[number] if choice.scores else None,
        "mean_score": policy.scores[number],
        "mean_cost_usd": money(Decimal(f"{policy.costs[number]:.12g}")),
        "why": _why(policy, choice, closed, number),
    }


def _why(policy: Policy, choice: Choice, closed: Mapping[int, str], number: int) -> str:
    """What the policy says of a way; of one that it says nothing of, what was measured."""
    is_chosen = number == choice.number
    said = choice.why if is_chosen else dict(choice.against).get(policy.ways[number], "")
    if not choice.scores:
        cost = dollars(Decimal(repr(policy.costs[number])))
        measured = f"{policy.scores[number]:.2f} good in the mean for about {cost}"
        said = f"{choice.why}; {measured}" if is_chosen else measured
    return f"{said}; it may not be taken: {closed[number]}" if number in closed else said

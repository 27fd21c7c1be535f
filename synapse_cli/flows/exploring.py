"""Is another way tried this time, to learn what it is worth?

A policy sees only what its own choices lead to: a way that is never taken is never measured again. So a share of
decisions (`[routing] explore`, off by default) takes the way beside the chosen one: epsilon-greedy over neighbours
(Sutton and Barto, Reinforcement Learning, 2.2), with three bounds.

- **Quality.** What was certified holds of the policy's own choices. Under a certified policy only a dearer way is
  tried that is measured to be at least as good; under an uncertified one also a cheaper one where none is dearer.
  Either is marked `explored`, and never as certified, so that a promise is counted without it.
- **Money.** Every paid call of the way that is tried is reserved beforehand from `explore_budget`, which all processes
  share and which is per day. Where it is spent, or none is set, paid ways are not tried, and the run is none that
  explored.
- **The answer.** Where the way that is tried gives no accepted answer, the chosen one is asked as if nothing had been.

Who explores is drawn from the run's id, so that a run can be understood afterwards. What the memo or `--cache-only`
answers is not explored, and an explored answer is kept by no memo.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from synapse_cli.core.outcome import Decision, Outcome, Skipped
from synapse_cli.routing.arbitrage import neighbour

if TYPE_CHECKING:
    from synapse_cli.flows.session import Session


def explored(session: Session, decision: Decision) -> Decision:
    """The decision for another way, or the same."""
    mark, way, settings = decision.policy, decision.way, session.profile.routing
    if mark is None or way is None or session.ask.cache == "only" or chance(session.run_id) >= settings.explore:
        return decision
    policy = session.deciding.policy(decision.route)
    ways = list(policy.ways)
    if way not in ways:
        return decision
    closed = session.deciding.closed(decision.route)
    tried = neighbour(ways.index(way), closed, policy.costs, policy.scores, downwards=not policy.certified)
    if tried is None:
        return decision
    taken = ways[tried]
    return replace(
        decision,
        way=taken,
        why=f"{decision.why}; {taken.name} is tried instead, to learn",
        policy=replace(mark, way=taken.name, certified=False, explored=True),
    )


def settled(chosen: Decision, tried: Decision, outcome: Outcome) -> Decision:
    """What is recorded of a run that explored: the policy's own choice, where nobody was asked but for that.

    So a day whose budget is spent costs no run its promise, or its place in the memo.
    """
    if tried.way is None:
        return tried
    skipped = all(isinstance(each, Skipped) for each in outcome.attempts[: len(tried.way.tiers)])
    return chosen if skipped and outcome.best is not None else tried


def chance(run_id: str) -> float:
    """A number in [0, 1) that belongs to the run."""
    return int.from_bytes(hashlib.sha256(f"explore {run_id}".encode()).digest()[:7], "big") / 2**56

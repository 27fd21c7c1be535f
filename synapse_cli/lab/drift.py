"""Does what a policy was made for still hold: are prompts like those it learned from, and outcomes as it promised?

Looked at in the ledger, at the decisions that were made under this very policy file.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from synapse_cli.core.prompt import Json
from synapse_cli.lab.recorded import recorded_outcomes
from synapse_cli.learned.bound import t_quantile
from synapse_cli.learned.drift import Shift, evidence_above, shift, spread
from synapse_cli.learned.policy import Policy
from synapse_cli.ledger import blobs
from synapse_cli.ledger.totals import opened, unreadable

NEWEST = 5_000
"""Decisions that are looked at: the latest."""
_ENOUGH = 30
"""Costs below which their mean is not tested."""
_BROKEN = 40.0
"""What one of two tests reaches by chance in 5 of 100 policies that keep their promise."""
_DECISIONS = (
    "SELECT d.run, d.way, d.score, r.prompt, r.model, r.cost, s.result,"
    " (SELECT f.good FROM feedback f WHERE f.run = d.run ORDER BY f.id DESC LIMIT 1) AS good,"
    " EXISTS (SELECT 1 FROM attempts a WHERE a.run = d.run AND a.model = ? AND a.outcome <> 'skipped') AS reached"
    " FROM decisions d JOIN runs r ON r.id = d.run LEFT JOIN shadows s ON s.run = d.run"
    " WHERE d.policy = ? AND NOT coalesce(d.explored, 0) AND r.exit_code IS NOT NULL ORDER BY d.run DESC LIMIT ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """How one thing about prompts is spread, against the data of the policy."""

    what: str
    """`length` in characters, `score` that is expected, `doubt`, or the `ways` taken."""
    shift: Shift | None
    why_not: str = ""
    """Where it was not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of decisions, against what was promised or measured."""

    what: str
    n: int
    found: float | None
    """The mean; None where there is nothing to take one of."""
    allowed: float
    evidence: float
    """Against the promise: 40 is broken."""

    @property
    def is_broken(self) -> bool:
        """Whether this speaks against the promise, beyond chance."""
        return self.evidence >= _BROKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """All that is to be said of one policy."""

    policy: Policy
    decisions: int
    inputs: tuple[Input, ...]
    outcomes: tuple[Outcome, ...]
    new_labels: int
    """Prompts that were judged since the policy was made."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is time to tune again; empty where nothing speaks for it."""
        moved = [each.what for each in self.inputs if each.shift is not None and each.shift.is_shift]
        worse = [each.what for each in self.outcomes if each.is_broken]
        return (
            *((f"prompts are not what they were: {', '.join(moved)}",) if moved else ()),
            *((f"outcomes are worse than was promised: {', '.join(worse)}",) if worse else ()),
        )

    @property
    def may_gain(self) -> bool:
        """Whether there are as many new labels as the policy was made from."""
        return self.new_labels >= max(1, self.policy.data.rows)


def drift(path: str, policy: Policy, route: str | None, *, tenant: str | None = None) -> Drift:
    """Look at what was decided under a policy. Raises InputError where the ledger cannot be read."""
    with closing(opened(path)) as book:
        try:
            query = _DECISIONS.replace("WHERE", "WHERE r.tenant = ? AND", 1) if tenant is not None else _DECISIONS
            values = [policy.baseline, *([] if tenant is None else [tenant]), policy.sha256, NEWEST]
            rows = book.execute(query, values).fetchall()
            prompts = [text for row in rows if (text := blobs.get(book, row["prompt"])) is not None]
        except sqlite3.Error as error:
            raise unreadable(path, error) from error
    rows.reverse()  # a running test reads them as they came
    return Drift(
        policy=policy,
        decisions=len(rows),
        inputs=tuple(_inputs(policy, rows, prompts)),
        outcomes=tuple(_outcomes(policy, rows)),
        new_labels=_new_labels(path, policy, route, tenant),
    )


def as_json(found: Drift) -> dict[str, Json]:
    """As scripts read it."""
    policy = found.policy
    return {
        "policy": policy.sha256,
        "promise": policy.promise.line,
        "certified": policy.certified,
        "made": policy.data.made or None,
        "rows": policy.data.rows,
        "decisions": found.decisions,
        "new_labels": found.new_labels,
        "inputs": [
            {
                "what": each.what,
                "n": 0 if each.shift is None else each.shift.n,
                "psi": None if each.shift is None else round(each.shift.psi, 6),
                "limit": None if each.shift is None else round(each.shift.limit, 6),
                "drifted": each.shift is not None and each.shift.is_shift,
                "why_not": each.why_not or None,
            }
            for each in found.inputs
        ],
        "outcomes": [
            {
                "what": each.what,
                "n": each.n,
                "found": each.found,
                "allowed": each.allowed,
                "evidence": round(each.evidence, 4),
                "broken": each.is_broken,
            }
            for each in found.outcomes
        ],
        "reasons": list(found.reasons),
        "may_gain": found.may_gain,
    }


def _inputs(policy: Policy, rows: Sequence[sqlite3.Row], prompts: Sequence[str]) -> Iterator[Input]:
    known = {
        "length": [float(len(prompt)) for prompt in prompts],
        "score": [row["score"] for row in rows if row["score"] is not None],
    }
    for what, histogram in policy.summary.items():
        if what in known:
            counts = spread(known[what], histogram.edges)
            yield Input(what=what, shift=shift(histogram.shares, counts, policy.data.rows))
        elif what == "doubt" and policy.predictor is not None:
            if policy.encoder is not None:
                yield Input(what=what, shift=None, why_not="it takes embeddings")
                continue
            doubts = [policy.predictor.doubt(prompt) for prompt in prompts]
            yield Input(what=what, shift=shift(histogram.shares, spread(doubts, histogram.edges), policy.data.rows))
    taken = Counter(row["way"] for row in rows)
    counts = [taken[way.name] for way in policy.ways]
    if len(counts) > 1:
        tested = policy.data.tested or policy.data.rows
        yield Input(what="ways", shift=shift(policy.measured.shares, counts, tested))


def _outcomes(policy: Policy, rows: Sequence[sqlite3.Row]) -> Iterator[Outcome]:
    promise = policy.promise
    compared = [row["result"] for row in rows if row["result"] is not None]
    cheap = sum(row["model"] != policy.baseline for row in rows)
    if promise.target == "max_loss" and rows:
        yield _lost(compared, cheap / len(rows), promise.limit)
    said = [float(row["good"]) for row in rows if row["good"] is not None]
    wanted = promise.limit if promise.target == "min_quality" else policy.measured.score
    yield Outcome(
        what="good by people",
        n=len(said),
        found=_mean(said),
        allowed=wanted,
        evidence=evidence_above([1 - each for each in said], 1 - wanted),
    )
    if promise.target == "budget_share":
        reached = [float(row["reached"]) for row in rows]
        evidence = evidence_above(reached, promise.limit)
        what = f"share that reached {policy.baseline}"
        yield Outcome(what=what, n=len(reached), found=_mean(reached), allowed=promise.limit, evidence=evidence)
    if promise.target == "max_cost":
        yield _cost([float(row["cost"]) for row in rows if row["cost"] is not None], promise.limit)


def _lost(compared: Sequence[str], cheap: float, limit: float) -> Outcome:
    """Points lost to the dearer tier: of all requests, though only cheap answers were compared."""
    worse = [{"worse": 1.0, "better": -1.0}.get(result, 0.0) for result in compared]
    allowed = min(1.0, limit / cheap) if cheap else 1.0
    evidence = evidence_above([(each + 1) / 2 for each in worse], (allowed + 1) / 2)
    mean = _mean(worse)
    found = None if mean is None else mean * cheap
    return Outcome(what="lost in shadow", n=len(worse), found=found, allowed=limit, evidence=evidence)


def _cost(costs: Sequence[float], limit: float) -> Outcome:
    """Dollars a request: they have no highest, so the test is Student's, and read once in a while."""
    mean = _mean(costs)
    evidence = 1.0
    if mean is not None and len(costs) >= _ENOUGH:
        deviation = math.sqrt(math.fsum((cost - mean) ** 2 for cost in costs) / (len(costs) - 1))
        low = mean - t_quantile(0.975, len(costs) - 1) * deviation / math.sqrt(len(costs))
        evidence = _BROKEN if low > limit else 1.0
    return Outcome(what="dollars a request", n=len(costs), found=mean, allowed=limit, evidence=evidence)


def _mean(numbers: Sequence[float]) -> float | None:
    return math.fsum(numbers) / len(numbers) if numbers else None


def _new_labels(path: str, policy: Policy, route: str | None, tenant: str | None) -> int:
    try:
        since = datetime.fromisoformat(policy.data.made).timestamp() if policy.data.made else None
    except ValueError:
        since = None
    return len(recorded_outcomes(path, since=since, route=route, tenant=tenant).rows)

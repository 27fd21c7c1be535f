"""How would a policy have done on these prompts? From recorded outcomes, so that nothing is asked of any model.

Cascades are followed call by call: who was asked and rejected is paid, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.core.errors import InputError
from synapse_cli.core.interval import Interval
from synapse_cli.lab import curve
from synapse_cli.lab.curve import Ranked
from synapse_cli.lab.tune.grid import Grid, grid
from synapse_cli.lab.tune.judged import Judged
from synapse_cli.lab.tune.setting import Known, Looks, Setting, along, looked, taken
from synapse_cli.learned.bound import t_quantile
from synapse_cli.learned.policy import Policy

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.outcomes import Table

    Floats = npt.NDArray[np.float64]
    Vectors = npt.NDArray[np.float32]

_SHARES = tuple(step / 20 for step in range(21))


@dataclass(frozen=True, slots=True)
class Done:
    """How someone did: means over all rows."""

    name: str
    score: Interval
    cost: float
    """Dollars a prompt."""
    saved: float | None
    """Share of the baseline's cost; None where that cost nothing."""
    loss: Interval
    """Of the mean score against the baseline, row by row; below 0 is a gain."""


@dataclass(frozen=True, slots=True)
class Part:
    """What part of the prompts took a way, and how it went there."""

    name: str
    share: float
    score: float | None
    cost: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """How well the policy's score, and others, sort prompts for the strong way of two."""

    weak: str
    strong: str
    policy: Ranked
    length: Ranked
    oracle: Ranked


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Everything that the rows tell."""

    rows: int
    baseline: str
    policy: Done
    parts: tuple[Part, ...]
    asked: tuple[tuple[str, float], ...]
    """Each model, and the share of prompts that it was asked: in a cascade more than one."""
    abstained: float
    """Share of prompts for which the policy did not know."""
    singles: tuple[Done, ...]
    best_single: Done
    """The single model of the greatest mean score, of equal ones the cheaper."""
    oracle: Done
    """Knows the answers before it asks: the best for each prompt, and of equal ones the cheapest."""
    random: Done | None
    """By chance to the baseline or to the best cheaper model, for the policy's money; None where nothing is cheaper."""
    length: Done | None
    """The longest prompts to the baseline, for the same money."""
    ranking: Ranking | None
    why_unranked: str
    by_chance: tuple[Done, ...]
    """At other money, for a picture."""
    by_length: tuple[Done, ...]


def replay(
    table: Table,
    policy: Policy,
    vectors: Vectors | None,
    *,
    best: str | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> Replay:
    """Follow the policy row by row; `vectors` are the prompts', where it wants some, and `best` another baseline.

    Raises InputError for a model that the policy asks, or is measured against, and the table lacks.
    """
    import numpy as np

    baseline = best or policy.baseline
    _refuse_lacking(table, policy, baseline)
    found = grid(table, policy.ways, Judged(table))
    looks = _looks(table, policy, vectors, tell)
    setting = Setting(policy.always, policy.price, policy.threshold)
    known = Known(np.asarray(policy.costs), policy.fallback, policy.doubt_limit)
    numbers = taken(setting, looks if policy.always is None else None, known, len(table.rows))
    scores, costs, _ = along(found, numbers)
    measure = _Measure.of(table, baseline)
    singles = tuple(
        measure.done(model, table.scores()[:, at], table.costs()[:, at]) for at, model in enumerate(table.models)
    )
    own = measure.done("the policy", scores, costs)
    by_chance, by_length = measure.mixed()
    ranking, why = _ranking(table, policy, found, looks)
    return Replay(
        rows=len(table.rows),
        baseline=baseline,
        policy=own,
        parts=_parts(policy, numbers, scores, costs),
        asked=_asked(table, found, numbers),
        abstained=0.0
        if looks is None or policy.always is not None
        else float((looks.doubts > policy.doubt_limit).mean()),
        singles=singles,
        best_single=max(singles, key=lambda each: (each.score.estimate, -each.cost)),
        oracle=measure.oracle(),
        random=_for_the_money(by_chance, own.cost, "random"),
        length=_for_the_money(by_length, own.cost, "prompt length"),
        ranking=ranking,
        why_unranked=why,
        by_chance=by_chance,
        by_length=by_length,
    )


def _refuse_lacking(table: Table, policy: Policy, baseline: str) -> None:
    import json

    asked = {tier for way in policy.ways for tier in way.tiers}
    partners = {json.loads(rule).get("with") for way in policy.ways for rule in way.accept}
    for model in (*sorted(asked), *sorted(each for each in partners if isinstance(each, str)), baseline):
        if model not in table.models:
            why = "the policy asks it" if model != baseline or model in asked else "it is compared with it"
            raise InputError(
                f"{table.name}, line {table.rows[0].line}: outcomes: found none of {model!r}, and {why}",
                f"the table's models are: {', '.join(table.models)}; --best names another to compare with",
            )


def _looks(table: Table, policy: Policy, vectors: Vectors | None, tell: Callable[[int], None]) -> Looks | None:
    if policy.predictor is None:
        return None
    wanted = vectors if policy.predictor.encoder is not None else None
    return looked(policy.predictor, [row.prompt for row in table.rows], wanted, tell)


def _parts(policy: Policy, numbers: npt.NDArray[np.int64], scores: Floats, costs: Floats) -> tuple[Part, ...]:
    found = []
    for number, way in enumerate(policy.ways):
        own = numbers == number
        some = bool(own.any())
        score, cost = (float(scores[own].mean()), float(costs[own].mean())) if some else (None, None)
        found.append(Part(way.name, float(own.mean()), score, cost))
    return tuple(found)


def _asked(table: Table, found: Grid, numbers: npt.NDArray[np.int64]) -> tuple[tuple[str, float], ...]:
    """Which models were asked: a tier is, where those before it did not pass."""
    import json

    import numpy as np

    seen, many = Judged(table), len(numbers)
    asked = {model: np.zeros(many, dtype=bool) for model in table.models}
    for number, way in enumerate(found.ways):
        still = numbers == number
        for place, tier in enumerate(way.tiers):
            asked[tier] |= still
            if place + 1 == len(way.tiers):
                break
            passed = still.copy()
            for rule in way.accept:
                partner = json.loads(rule).get("with")
                if isinstance(partner, str):
                    asked[partner] |= still
                passed &= seen.passed(tier, rule)
            still &= ~passed
    return tuple((model, float(each.mean())) for model, each in asked.items() if each.any())


def _ranking(table: Table, policy: Policy, found: Grid, looks: Looks | None) -> tuple[Ranking | None, str]:
    """Between the cheapest way and the fallback: by how much better the fallback is said to be."""
    import numpy as np

    if looks is None or len(policy.ways) < 2:
        return None, "the policy always takes one way, and ranks nothing"
    strong = policy.fallback
    weak = min((number for number in range(len(policy.ways)) if number != strong), key=policy.costs.__getitem__)
    names = policy.ways[weak].name, policy.ways[strong].name
    below, above = found.scores[:, weak], found.scores[:, strong]
    lengths = np.asarray([float(len(row.prompt)) for row in table.rows])
    sorts = (looks.chances[:, strong] - looks.chances[:, weak], lengths, above - below)
    own, by_length, oracle = (curve.ranked(score, below, above) for score in sorts)
    if own is None or by_length is None or oracle is None:
        return None, f"{names[1]} is no better than {names[0]} here: there is nothing to gain by sorting"
    return Ranking(weak=names[0], strong=names[1], policy=own, length=by_length, oracle=oracle), ""


@dataclass(frozen=True, slots=True)
class _Measure:
    """How anyone is measured against the baseline, on the same rows."""

    table: Table
    base_scores: Floats
    base_costs: Floats
    baseline: int

    @classmethod
    def of(cls, table: Table, baseline: str) -> _Measure:
        at = table.models.index(baseline)
        return cls(table, table.scores()[:, at], table.costs()[:, at], at)

    def done(self, name: str, scores: Floats, costs: Floats) -> Done:
        cost, base = float(costs.mean()), float(self.base_costs.mean())
        saved = 1 - cost / base if base > 0 else None
        return Done(name, _mean(scores), cost, saved, _mean(self.base_scores - scores))

    def oracle(self) -> Done:
        import numpy as np

        scores, costs = self.table.scores(), self.table.costs()
        best = np.lexsort((costs, -scores), axis=1)[:, 0]
        each = np.arange(len(scores))
        return self.done("oracle", scores[each, best], costs[each, best])

    def mixed(self) -> tuple[tuple[Done, ...], tuple[Done, ...]]:
        """A share of prompts to the baseline, the rest to the best cheaper model: by chance, and the longest."""
        import numpy as np

        scores, costs = self.table.scores(), self.table.costs()
        cheaper = [at for at in range(scores.shape[1]) if costs[:, at].mean() < self.base_costs.mean()]
        if not cheaper:
            return (), ()
        cheap = max(cheaper, key=lambda at: float(scores[:, at].mean()))
        order = np.argsort([-len(row.prompt) for row in self.table.rows], kind="stable")
        chance: list[Done] = []
        length: list[Done] = []
        for share in _SHARES:
            sent = np.zeros(len(order))
            sent[order[: round(share * len(order))]] = 1.0
            for into, part in ((chance, np.full(len(order), share)), (length, sent)):
                into.append(
                    self.done(
                        f"{share:.0%} to {self.table.models[self.baseline]}",
                        part * self.base_scores + (1 - part) * scores[:, cheap],
                        part * self.base_costs + (1 - part) * costs[:, cheap],
                    )
                )
        return tuple(chance), tuple(length)


def _for_the_money(line: Sequence[Done], cost: float, name: str) -> Done | None:
    """What a line of mixtures gives for this cost: between the two nearest, or its nearer end."""
    if not line:
        return None
    ordered = sorted(line, key=lambda each: each.cost)
    right = next((at for at, each in enumerate(ordered) if each.cost >= cost), len(ordered) - 1)
    left = max(0, right - 1)
    low, high = ordered[left], ordered[right]
    share = (cost - low.cost) / (high.cost - low.cost) if high.cost > low.cost else 1.0
    share = min(1.0, max(0.0, share))
    return Done(
        name,
        _between(low.score, high.score, share),
        low.cost + share * (high.cost - low.cost),
        None if low.saved is None or high.saved is None else low.saved + share * (high.saved - low.saved),
        _between(low.loss, high.loss, share),
    )


def _between(low: Interval, high: Interval, share: float) -> Interval:
    pairs = ((low.estimate, high.estimate), (low.low, high.low), (low.high, high.high))
    return Interval(*(one + share * (other - one) for one, other in pairs))


def _mean(values: Floats) -> Interval:
    """A mean and Student's 95 % interval around it."""
    import math

    mean, many = float(values.mean()), len(values)
    if many < 2:
        return Interval(mean, -math.inf, math.inf)
    reach = t_quantile(0.975, many - 1) * float(values.std(ddof=1)) / math.sqrt(many)
    return Interval(mean, mean - reach, mean + reach)

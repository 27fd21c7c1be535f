"""What does quality cost? The policy beside every single model, random choice, prompt length and an oracle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from synapse_cli.core.interval import Interval
from synapse_cli.lab.tune.compose import PRICES
from synapse_cli.lab.tune.setting import Known, Looks, Setting, along, taken
from synapse_cli.learned.bound import t_quantile

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.outcomes import Table
    from synapse_cli.lab.tune.grid import Grid
    from synapse_cli.lab.tune.making import Tuned

    Floats = npt.NDArray[np.float64]

Kind = Literal["policy", "way", "single", "oracle", "random", "length", "curve"]
_SHARES = tuple(step / 10 for step in range(11))


@dataclass(frozen=True, slots=True)
class Spot:
    """One way to answer these prompts."""

    kind: Kind
    name: str
    cost: float
    """Mean dollars a request."""
    score: Interval
    saved: float
    """Share of the baseline's cost; negative where it costs more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """Spots of the same rows, none of which the predictor had seen."""

    rows: int
    baseline: str
    spots: tuple[Spot, ...]
    """The policy first, then ways, singles and the oracle."""
    curve: tuple[Spot, ...]
    """What the policy would do at other prices; empty where it always takes one way."""
    random: tuple[Spot, ...]
    """A share of requests to the baseline, the rest to the best cheaper model, by chance."""
    length: tuple[Spot, ...]
    """The same, the longest prompts to the baseline."""


def frontier(table: Table, tuned: Tuned) -> Frontier:
    """Measure all of them on the rows that the policy's figures are taken from."""
    import numpy as np

    numbers = np.asarray(tuned.rows)
    part, rows = tuned.grid.rows(numbers), table.only(tuned.rows)
    policy = tuned.policy
    base = float(part.costs[:, policy.fallback].mean())
    looks = tuned.looks if policy.predictor is not None else None
    setting = Setting(policy.always, policy.price, policy.threshold)
    scores, costs = rows.scores(), rows.costs()
    best = np.lexsort((costs, -scores), axis=1)[:, 0]
    each = np.arange(len(numbers))
    spots = [
        _spot("policy", "the policy", *_chosen(setting, looks, tuned.known, part), base),
        *(
            _spot("way", way.name, part.scores[:, n], part.costs[:, n], base)
            for n, way in enumerate(part.ways)
            if len(way.tiers) > 1
        ),
        *(_spot("single", model, scores[:, n], costs[:, n], base) for n, model in enumerate(table.models)),
        _spot("oracle", "oracle", scores[each, best], costs[each, best], base),
    ]
    mixed = _mixed(rows, policy.baseline, base)
    return Frontier(
        rows=len(numbers),
        baseline=policy.baseline,
        spots=tuple(spots),
        curve=tuple(_curve(looks, tuned.known, part, base, threshold=policy.threshold)) if looks is not None else (),
        random=mixed[0],
        length=mixed[1],
    )


def _chosen(setting: Setting, looks: Looks | None, known: Known, part: Grid) -> tuple[Floats, Floats]:
    scores, costs, _ = along(part, taken(setting, looks, known, len(part.scores)))
    return scores, costs


def _curve(looks: Looks, known: Known, part: Grid, base: float, *, threshold: float) -> list[Spot]:
    found = [
        _spot("curve", f"price {price:.3g}", *_chosen(Setting(None, price, threshold), looks, known, part), base)
        for price in PRICES
    ]
    kept = {round(spot.saved, 2): spot for spot in found}
    return sorted(kept.values(), key=lambda spot: spot.cost)


def _mixed(rows: Table, baseline: str, base: float) -> tuple[tuple[Spot, ...], tuple[Spot, ...]]:
    """Sending a share of requests to the baseline: by chance, and the longest prompts."""
    import numpy as np

    scores, costs = rows.scores(), rows.costs()
    dear = rows.models.index(baseline)
    cheaper = [n for n in range(len(rows.models)) if costs[:, n].mean() < costs[:, dear].mean()]
    if not cheaper:
        return (), ()
    cheap = max(cheaper, key=lambda n: float(scores[:, n].mean()))
    lengths = np.argsort([-len(row.prompt) for row in rows.rows], kind="stable")
    by_chance, by_length = [], []
    for share in _SHARES:
        blended = share * scores[:, dear] + (1 - share) * scores[:, cheap]
        paid = share * costs[:, dear] + (1 - share) * costs[:, cheap]
        by_chance.append(_spot("random", f"{share:.0%} by chance", blended, paid, base))
        sent = np.zeros(len(lengths), dtype=bool)
        sent[lengths[: round(share * len(lengths))]] = True
        taken_scores = np.where(sent, scores[:, dear], scores[:, cheap])
        taken_costs = np.where(sent, costs[:, dear], costs[:, cheap])
        by_length.append(_spot("length", f"{share:.0%} longest", taken_scores, taken_costs, base))
    return tuple(by_chance), tuple(by_length)


def _spot(kind: Kind, name: str, scores: Floats, costs: Floats, base: float) -> Spot:
    cost = float(costs.mean())
    return Spot(kind, name, cost, _interval(scores), 1 - cost / base if base > 0 else 0.0)


def _interval(values: Floats) -> Interval:
    """A mean and Student's interval around it, within [0, 1]."""
    import numpy as np

    mean, many = float(values.mean()), len(values)
    if many < 2:
        return Interval(mean, 0.0, 1.0)
    reach = t_quantile(0.975, many - 1) * float(values.std(ddof=1)) / float(np.sqrt(many))
    return Interval(mean, max(0.0, mean - reach), min(1.0, mean + reach))

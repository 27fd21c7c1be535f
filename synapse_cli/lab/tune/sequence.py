"""What is tested, and in which order? Settings from the surest to the cheapest, fixed before the test rows are seen.

Two kinds of policy are laid out on the fitted rows: one way for all, and the ways that a predictor chooses by price and
threshold. The kind that promises to save most, weighed by its chance to pass, is tested; where its best candidate is a
gamble and a surer one stands beside it, both are, and share the chance to be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from synapse_cli.lab.tune.compose import PRICES
from synapse_cli.lab.tune.setting import Known, Looks, Setting, along, taken

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.tune.goal import Goal
    from synapse_cli.lab.tune.grid import Grid

    Floats = npt.NDArray[np.float64]
    Whole = npt.NDArray[np.int64]

_THRESHOLDS, _FINE = 16, 100
"""Of a price that is looked at, and of the price that is taken: a chain of small steps comes nearer to its limit."""
_BETWEEN = tuple(step / 100 for step in range(-50, 80))
"""Prices between those that are looked at, where ways that differ by some points change places."""
_MOST_STEPS = 100
_LEAST_STEP = 0.004
"""Of the cost: settings that differ by less are one step."""
_SURE = 0.8
"""A candidate that passes with less than this chance is a gamble."""
_SURER = 0.15
_LIKELY = 0.64
"""Chance that as many other rows keep the goal by their mean: half a standard error of caution, as the best-looking of
hundreds of settings was lucky."""
_FOLDS = 5
_WORTHWHILE = 0.01
"""Less saved than this share of the bill is not worth a policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A setting, and how it does on the fitted rows."""

    setting: Setting
    cost: float
    score: float
    gain: float
    """What the goal wants: the share of the baseline's cost that is saved, or the mean score."""
    chance: float
    """To pass the test."""

    @property
    def worth(self) -> float:
        """The gain that may be expected."""
        return self.gain * self.chance


Chain = tuple[Setting, ...]
"""Tested in order until one fails."""


@dataclass(frozen=True, slots=True)
class Field:
    """The fitted rows, as settings are tried on them."""

    grid: Grid
    looks: Looks | None
    known: Known
    baseline: int
    goal: Goal
    test_rows: int
    """How many rows the test will have."""

    @property
    def allowed(self) -> float:
        """The chance to be wrong."""
        return 1 - self.goal.confidence

    def rows(self, numbers: Whole) -> Field:
        """The same with these rows alone."""
        looks = self.looks and Looks(self.looks.chances[numbers], self.looks.doubts[numbers])
        return replace(self, grid=self.grid.rows(numbers), looks=looks)

    def taken(self, setting: Setting) -> Whole:
        """The number of the way that each row takes."""
        return taken(setting, self.looks, self.known, len(self.grid.scores))

    def tried(self, setting: Setting) -> Tried:
        """How a setting does."""
        return self.judged(setting, self.taken(setting))

    def judged(self, setting: Setting, numbers: Whole) -> Tried:
        """How ways do that were chosen row by row."""
        scores, costs, reached = along(self.grid, numbers)
        base_scores, base_costs = self.grid.scores[:, self.baseline], self.grid.costs[:, self.baseline]
        spent = self.goal.spent(scores, costs, reached, base_scores)
        cost, score = float(costs.mean()), float(scores.mean())
        saved = 1 - cost / float(base_costs.mean()) if base_costs.any() else 0.0
        return Tried(
            setting=setting,
            cost=cost,
            score=score,
            gain=saved if self.goal.saves else score,
            chance=self.goal.chance_to_show(spent, self.test_rows, self.allowed),
        )


def worth(field: Field) -> float:
    """What a kind of policy may be expected to gain, honestly: each fold's setting is chosen on the other folds.

    A predictor can be set in hundreds of ways, one of which suits any few rows by chance.
    """
    import numpy as np

    rows = len(field.grid.scores)
    fold = np.arange(rows) % _FOLDS
    numbers = np.empty(rows, dtype=np.int64)
    for part in range(_FOLDS):
        best = _most_promising(field.rows(np.flatnonzero(fold != part)))
        inside = np.flatnonzero(fold == part)
        chosen = Setting(always=field.baseline) if best is None else best.setting
        numbers[inside] = field.rows(inside).taken(chosen)
    return field.judged(Setting(), numbers).worth


def _most_promising(field: Field) -> Tried | None:
    return max(_worthwhile(field), key=lambda each: (each.worth, -each.cost), default=None)


def _worthwhile(field: Field) -> list[Tried]:
    """Every setting that could be meant, as it does on the field's rows."""
    tried = [field.tried(setting) for setting in _settings(field)]
    return [each for each in tried if not field.goal.saves or each.gain >= _WORTHWHILE]


def _settings(field: Field) -> list[Setting]:
    if field.looks is None:
        return [Setting(always=way) for way in range(len(field.grid.ways))]
    if not field.goal.saves:
        return [Setting(price=price) for price in (*PRICES, *(-price for price in PRICES if price), *_turning(field))]
    return [Setting(price=price, threshold=each) for price in PRICES for each in _thresholds(field, price)]


def chains(field: Field, fixed: Field) -> list[Chain]:
    """What is tested: the most promising settings of a kind of policy, in order from the surest to the cheapest.

    Where even the surest of them is a gamble and one way for all is surer, that is tested beside them.
    """
    laid = _fixed_chain(field) if field.looks is None else _predicted_chain(field)
    surest = max(_worthwhile(fixed), key=lambda each: (each.chance, each.gain), default=None)
    if not laid:
        return [] if surest is None else [(surest.setting,)]
    chain = tuple(each.setting for each in laid)
    if surest is None or laid[0].chance >= _SURE or surest.chance < laid[0].chance + _SURER:
        return [chain]
    return [chain, (surest.setting,)]


def _fixed_chain(field: Field) -> list[Tried]:
    """The most promising way, and on to those that promise still more, the surest first."""
    found = _worthwhile(field)
    first = max(found, key=lambda each: (each.worth, -each.cost), default=None)
    if first is None:
        return []
    more = [each for each in found if each.gain > first.gain]
    return [first, *sorted(more, key=lambda each: -each.chance)]


def _predicted_chain(field: Field) -> list[Tried]:
    """At the best price from the threshold that is surest down to none, then on to higher prices.

    For a limit of money, or of requests: from the cheapest setting to the dearest.
    """
    if not field.goal.saves:
        prices = {*(price for each in PRICES for price in (each, -each)), *_BETWEEN, *_turning(field)}
        return _apart(sorted((field.tried(Setting(price=each)) for each in prices), key=lambda each: each.cost))
    tried = _worthwhile(field)
    best = max(tried, key=lambda each: (each.worth, -each.cost), default=None)
    if best is None:
        return []
    price = best.setting.price
    fine = [field.tried(Setting(price=price, threshold=each)) for each in _thresholds(field, price, _FINE)]
    same = [each for each in fine if each.gain >= _WORTHWHILE] or [best]
    surest = max(same, key=lambda each: (round(each.chance, 3), each.gain))
    cheapest = max(each.gain for each in same)
    dearer = [each for each in tried if each.setting.price > price and each.setting.threshold == 0]
    onwards = [each for each in same if each.gain > surest.gain] + [each for each in dearer if each.gain > cheapest]
    return _apart([surest, *sorted(onwards, key=lambda each: each.gain)])


def estimated(field: Field) -> list[Tried]:
    """Every setting that these rows make likely to keep the goal: an estimate, not a proof."""
    even = replace(field, goal=replace(field.goal, confidence=0.5))
    return [each for each in _worthwhile(even) if each.chance >= _LIKELY]


def _turning(field: Field) -> list[float]:
    """Prices at which rows leave the fallback, spread evenly over the rows.

    Where nearly all leave at once, the prices between the first and the last spend what is allowed.
    """
    import numpy as np

    assert field.looks is not None  # who has a predictor has asked it
    costs, fallback = field.known.costs, field.known.fallback
    cheaper = np.flatnonzero(costs < costs[fallback])
    if not len(cheaper):
        return []
    chances = field.looks.chances
    lost = chances[:, [fallback]] - chances[:, cheaper]
    leaves = (lost * costs.max() / (costs[fallback] - costs[cheaper])).min(axis=1)
    found: list[float] = np.unique(np.quantile(leaves, np.linspace(0, 1, _FINE))).tolist()
    return found


def _thresholds(field: Field, price: float, many: int = _THRESHOLDS) -> list[float]:
    """From what only the surest rows exceed down to nothing."""
    import numpy as np

    assert field.looks is not None  # who has a predictor has asked it
    values = field.looks.chances - price * field.known.costs / (field.known.costs.max() or 1.0)
    gains = values.max(axis=1) - values[:, field.known.fallback]
    gains = gains[gains > 0]
    if not len(gains):
        return [0.0]
    shares = 1 - np.linspace(0.02, 1, many) ** 1.3
    return [*dict.fromkeys(np.quantile(gains, shares).tolist()), 0.0]


def _apart(steps: Sequence[Tried]) -> list[Tried]:
    """Steps that differ by something; evenly thinned where they are many."""
    kept: list[Tried] = []
    for step in steps:
        if not kept or abs(step.cost - kept[-1].cost) > _LEAST_STEP * max(step.cost, kept[-1].cost):
            kept.append(step)
    stride = -(-len(kept) // _MOST_STEPS)
    return kept[::stride] if kept else []

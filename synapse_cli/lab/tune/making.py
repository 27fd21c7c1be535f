"""How is a policy made of a setting, and tested before it is?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from synapse_cli.lab.tune import certify
from synapse_cli.lab.tune.goal import METHODS, Goal
from synapse_cli.lab.tune.grid import Grid
from synapse_cli.lab.tune.sequence import Chain
from synapse_cli.lab.tune.setting import Known, Looks, Setting, along, looked, taken
from synapse_cli.lab.tune.summary import summary
from synapse_cli.learned.policy import Policy
from synapse_cli.learned.predictor import Predictor
from synapse_cli.learned.promise import Data, Histogram, Measured, Promise

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.outcomes import Table

    Floats = npt.NDArray[np.float64]
    Vectors = npt.NDArray[np.float32]

AS_GOOD = 0.9
"""Of the greatest saving: who saves nearly as much and is better, or simpler, is preferred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A policy, and what it was chosen from."""

    policy: Policy
    found: bool
    """Whether anything but the baseline keeps the goal."""
    labels_needed: int | None
    """About how many rows would prove the most promising candidate; None where it is proved, or none would."""
    candidate: Measured | None
    """What that candidate did, where it could not be certified."""
    grid: Grid
    """Every row, the ways of the policy."""
    looks: Looks | None
    """What the predictor says of the rows that figures are taken from, none of which it had seen."""
    rows: tuple[int, ...]
    """The numbers of those rows."""
    known: Known


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to choose: one for all (no predictor), or by a predictor."""

    predictor: Predictor | None
    looks: Looks | None
    """Of the fitted rows, held out."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What everything after the fit is done with."""

    table: Table
    goal: Goal
    grid: Grid
    known: Known
    baseline: int
    vectors: Vectors | None


def looks_at(setup: Setup, kind: Kind, rows: Sequence[int]) -> Looks | None:
    """What the kind's predictor says of these rows."""
    import numpy as np

    if kind.predictor is None:
        return None
    vectors = None if setup.vectors is None or kind.predictor.encoder is None else setup.vectors[np.asarray(rows)]
    return looked(kind.predictor, [setup.table.rows[row].prompt for row in rows], vectors)


def certified(
    setup: Setup, kind: Kind, chains: Sequence[Chain], *, fitted: Sequence[int], tested: Sequence[int], made: str
) -> Tuned:
    """Test the chains, and make the policy of the best setting that passed; of the baseline where none did."""
    import numpy as np

    numbers, looks = np.asarray(tested), looks_at(setup, kind, tested)
    part, allowed = setup.grid.rows(numbers), 1 - setup.goal.confidence
    passed = certify.certified(
        chains, lambda s, share: setup.goal.is_shown(_spent(setup, part, s, looks), share), allowed
    )
    best = best_of(
        [_pooled(setup, kind, setting, fitted=fitted, part=part, looks=looks) for setting in passed], setup.goal
    )
    found = best is not None
    chosen = passed[best] if best is not None else Setting(always=setup.baseline)
    shown = setup.goal.bound(_spent(setup, part, chosen, looks), allowed) if found else None
    policy = policy_of(setup, kind if found else Kind(None, None), chosen, part, looks)
    policy = replace(
        policy,
        summary=summary_of(setup, tested, chosen, looks),
        promise=promise_of(setup, certified=found, shown=shown, steps=sum(map(len, chains))),
        data=data_of(setup.table, len(fitted), len(tested), made),
    )
    first = chains[0][0] if chains and not found else None
    return Tuned(
        policy=policy,
        found=found,
        labels_needed=None if first is None else _needed(setup, first, part, looks),
        candidate=None if first is None else measured(setup, part, first, looks),
        grid=setup.grid,
        looks=looks,
        rows=tuple(tested),
        known=setup.known,
    )


def best_of(found: Sequence[Measured], goal: Goal) -> int | None:
    """Which one is taken of those that keep the goal: who saves most, or a better one that saves nearly as much."""
    if not found:
        return None
    if not goal.saves:
        return max(range(len(found)), key=lambda at: (found[at].score, -found[at].cost))
    most = max(each.saved for each in found)
    if most <= 0 and goal.target == "max_loss":
        return None
    near = [at for at, each in enumerate(found) if each.saved >= most * (AS_GOOD if most > 0 else 1)]
    return max(near, key=lambda at: (found[at].score, found[at].saved))


def _pooled(
    setup: Setup, kind: Kind, setting: Setting, *, fitted: Sequence[int], part: Grid, looks: Looks | None
) -> Measured:
    """What a setting did on all rows: whom to take of those that passed may be decided by any rows."""
    import numpy as np

    two = measured(setup, part, setting, looks)
    if not len(fitted):
        return two
    early, late = setup.grid.rows(np.asarray(fitted)), len(part.scores)
    one = measured(setup, early, setting, kind.looks)
    share = late / (late + len(fitted))
    return Measured(
        score=one.score + share * (two.score - one.score),
        cost=one.cost + share * (two.cost - one.cost),
        baseline_score=one.baseline_score + share * (two.baseline_score - one.baseline_score),
        baseline_cost=one.baseline_cost + share * (two.baseline_cost - one.baseline_cost),
        shares=two.shares,
    )


def _spent(setup: Setup, part: Grid, setting: Setting, looks: Looks | None) -> Floats:
    scores, costs, reached = along(part, taken(setting, looks, setup.known, len(part.scores)))
    return setup.goal.spent(scores, costs, reached, part.scores[:, setup.baseline])


def measured(setup: Setup, part: Grid, setting: Setting, looks: Looks | None) -> Measured:
    """How a setting does on these rows of the grid."""
    import numpy as np

    numbers = taken(setting, looks, setup.known, len(part.scores))
    scores, costs, _ = along(part, numbers)
    return Measured(
        score=float(scores.mean()),
        cost=float(costs.mean()),
        baseline_score=float(part.scores[:, setup.baseline].mean()),
        baseline_cost=float(part.costs[:, setup.baseline].mean()),
        shares=tuple((np.bincount(numbers, minlength=len(part.ways)) / len(numbers)).tolist()),
    )


def policy_of(setup: Setup, kind: Kind, setting: Setting, part: Grid, looks: Looks | None) -> Policy:
    """All of the policy but its promise and its data."""
    fixed = setting.always is not None
    return Policy(
        ways=setup.grid.ways,
        baseline=setup.grid.ways[setup.baseline].tiers[0],
        fallback=setup.baseline,
        always=setting.always,
        costs=tuple(setup.known.costs.tolist()),
        scores=tuple(setup.grid.scores.mean(axis=0).tolist()),
        predictor=None if fixed else kind.predictor,
        threshold=setting.threshold,
        price=setting.price,
        doubt_limit=setup.known.doubt_limit,
        promise=promise_of(setup, certified=False, shown=None, steps=0),
        data=data_of(setup.table, 0, 0, ""),
        measured=measured(setup, part, setting, looks),
    )


def summary_of(setup: Setup, rows: Sequence[int], chosen: Setting, looks: Looks | None) -> dict[str, Histogram]:
    """What the prompts were like."""
    prompts = [setup.table.rows[row].prompt for row in rows]
    kept = None if chosen.always is not None else looks
    return summary(prompts, kept, taken(chosen, looks, setup.known, len(rows)))


def promise_of(setup: Setup, *, certified: bool, shown: float | None, steps: int) -> Promise:
    """What is promised, and how it was shown."""
    method = f"{METHODS[setup.goal.target]}, fixed sequence of {steps}" if steps else "estimated, not tested"
    is_budget = setup.goal.target == "budget_share"
    return Promise(
        target=setup.goal.target,
        limit=setup.goal.limit,
        confidence=setup.goal.confidence,
        certified=certified,
        bound=shown,
        method=method,
        baseline=setup.table.models[-1] if is_budget else setup.grid.ways[setup.baseline].tiers[0],
    )


def data_of(table: Table, fitted: int, tested: int, made: str) -> Data:
    """What the policy was made from."""
    from importlib.metadata import version

    return Data(
        sha256=table.sha256,
        rows=len(table.rows),
        fitted=fitted,
        tested=tested,
        made=made,
        version=version("synapse-llm"),
    )


def _needed(setup: Setup, setting: Setting, part: Grid, looks: Looks | None) -> int | None:
    """Rows of a whole table, as about the same share of them would be tested."""
    rows = setup.goal.rows_needed(_spent(setup, part, setting, looks))
    return None if rows is None else round(rows * len(setup.table.rows) / max(1, len(part.scores)))

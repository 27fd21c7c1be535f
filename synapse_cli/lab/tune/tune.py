"""Which policy saves the most within a promise that these outcomes prove?

Some rows are fitted: ways are composed on them, predictors learn from them, and settings are laid out on them in the
order in which they shall be tested. The other rows test these settings. Where none passes, the policy sends everything
to the baseline. Without certification all rows are fitted, and settings are judged by what predictors say of rows that
they had not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from synapse_cli.core.errors import InputError
from synapse_cli.core.way import Way
from synapse_cli.lab.tune import certify, compose, sequence
from synapse_cli.lab.tune.goal import METHODS, Goal
from synapse_cli.lab.tune.grid import Grid, grid
from synapse_cli.lab.tune.judged import Judged
from synapse_cli.lab.tune.sequence import Chain, Field
from synapse_cli.lab.tune.setting import Known, Looks, Setting, along, from_looks, looked, taken
from synapse_cli.lab.tune.split import split
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
    Whole = npt.NDArray[np.int64]

LEAST_ROWS = 30
"""Of a table: fewer prove nothing, whatever they say."""
_LEAST_LEARNED = 200
"""Rows that a predictor is learned from."""
_AS_GOOD = 0.9
"""Of the greatest saving: who saves nearly as much and is better, or simpler, is preferred."""
_AS_RIGHT = 0.995
"""Of the greatest mean score, likewise: simple is preferred at a third of a point or so."""
_DOUBTFUL = 0.99
"""Share of the fitted prompts that is taken for ordinary: the policy abstains from midway between their doubts and
certainty on, as prompts that come later look stranger than those that were held out."""


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
class _Kind:
    """A way to choose: one for all (no predictor), or by a predictor."""

    predictor: Predictor | None
    looks: Looks | None
    """Of the fitted rows, held out."""


@dataclass(frozen=True, slots=True)
class _Setup:
    """What everything after the fit is done with."""

    table: Table
    goal: Goal
    grid: Grid
    known: Known
    baseline: int
    vectors: Vectors | None


def tune(
    table: Table,
    goal: Goal,
    *,
    baseline: str | None = None,
    vectors: Vectors | None = None,
    encoder: str | None = None,
    certifies: bool = True,
    seed: int = 0,
    parts: tuple[Sequence[int], Sequence[int]] | None = None,
    judged: Judged | None = None,
    made: str = "",
    tell: Callable[[str], None] = lambda _: None,
) -> Tuned:
    """Make the policy. `vectors` are the prompts', by `encoder`; `parts` are the rows to fit and to test.

    Raises InputError for a table that is too small or lacks the baseline, EngineMissing without the extra `tune`.
    """
    if len(table.rows) < LEAST_ROWS:
        raise InputError(f"{table.name} holds {len(table.rows)} rows", f"at least {LEAST_ROWS} are needed")
    name = best_single(table) if baseline is None else baseline
    if name not in table.models:
        raise InputError(f"{table.name} has no outcomes of {name!r}", f"its models are: {', '.join(table.models)}")
    fitted, tested = parts or split(table, seed)
    if not certifies:
        fitted, tested = range(len(table.rows)), ()
    seen = judged or Judged(table)
    tell("composing")
    ways = compose.composed(table, seen, fitted, name)
    setup = _setup(table, goal, grid(table, ways, seen), fitted=fitted, baseline=name, vectors=vectors)
    tell("fitting")
    kinds = _kinds(setup, fitted, encoder)
    setup = replace(setup, known=replace(setup.known, doubt_limit=_doubt_limit(kinds)))
    if not certifies:
        return _estimated(setup, kinds, fitted, made)
    tell("testing")
    return _certified(setup, kinds, fitted, tested, made)


def best_single(table: Table) -> str:
    """The model of the greatest mean score; of equal ones the cheaper."""
    means = table.scores().mean(axis=0)
    return max(zip(table.models, means.tolist(), strict=True), key=lambda each: each[1])[0]


def _setup(
    table: Table, goal: Goal, found: Grid, *, fitted: Sequence[int], baseline: str, vectors: Vectors | None
) -> _Setup:
    import numpy as np

    number = found.ways.index(Way((baseline,)))
    costs = found.costs[np.asarray(fitted)].mean(axis=0)
    order = np.argsort(costs, kind="stable")
    found = found.only(order.tolist())
    number = found.ways.index(Way((baseline,)))
    return _Setup(table, goal, found, Known(costs[order], number, 1.0), number, vectors)


def _kinds(setup: _Setup, fitted: Sequence[int], encoder: str | None) -> list[_Kind]:
    """One way for all; and where there are rows enough, what a predictor says, by words and with embeddings."""
    kinds = [_Kind(None, None)]
    if len(fitted) < _LEAST_LEARNED or len(setup.grid.ways) < 2:
        return kinds
    import numpy as np

    from synapse_cli.lab.predict.fit import fit

    numbers = np.asarray(fitted)
    rows = [setup.table.rows[number] for number in fitted]
    tasks = [row.task for row in rows]
    vectors = None if setup.vectors is None else np.asarray(setup.vectors[numbers], dtype=np.float64)
    learned = fit(
        [row.prompt for row in rows],
        setup.grid.scores[numbers].tolist(),
        tasks if len(set(tasks)) > 1 else None,
        vectors=vectors,
        encoder=encoder,
    )
    kinds.append(_Kind(learned.predictor.without_vectors(), from_looks(learned.held_out_lexical)))
    if vectors is not None:
        kinds.append(_Kind(learned.predictor, from_looks(learned.held_out)))
    return kinds


def _doubt_limit(kinds: Sequence[_Kind]) -> float:
    import numpy as np

    doubts = [kind.looks.doubts for kind in kinds if kind.looks is not None]
    return (1 + max(float(np.quantile(each, _DOUBTFUL)) for each in doubts)) / 2 if doubts else 1.0


def _certified(setup: _Setup, kinds: Sequence[_Kind], fitted: Sequence[int], tested: Sequence[int], made: str) -> Tuned:
    import numpy as np

    kind, chains = _chains(setup, kinds, fitted, len(tested))
    numbers = np.asarray(tested)
    looks = None
    if kind.predictor is not None:
        vectors = None if setup.vectors is None or kind.predictor.encoder is None else setup.vectors[numbers]
        looks = looked(kind.predictor, [setup.table.rows[row].prompt for row in tested], vectors)
    part, allowed = setup.grid.rows(numbers), 1 - setup.goal.confidence
    passed = certify.certified(
        chains, lambda s, share: setup.goal.is_shown(_spent(setup, part, s, looks), share), allowed
    )
    best = _best(
        [_pooled(setup, kind, setting, fitted=fitted, part=part, looks=looks) for setting in passed], setup.goal
    )
    found = best is not None
    chosen = passed[best] if best is not None else Setting(always=setup.baseline)
    shown = setup.goal.bound(_spent(setup, part, chosen, looks), allowed) if found else None
    policy = _policy(setup, kind if found else _Kind(None, None), chosen, part, looks)
    policy = replace(
        policy,
        summary=_summary(setup, tested, chosen, looks),
        promise=_promise(setup, certified=found, shown=shown, steps=sum(map(len, chains))),
        data=_data(setup.table, len(fitted), len(tested), made),
    )
    first = chains[0][0] if chains and not found else None
    return Tuned(
        policy=policy,
        found=found,
        labels_needed=None if first is None else _needed(setup, first, part, looks),
        candidate=None if first is None else _measured(setup, part, first, looks),
        grid=setup.grid,
        looks=looks,
        rows=tuple(tested),
        known=setup.known,
    )


def _chains(setup: _Setup, kinds: Sequence[_Kind], fitted: Sequence[int], test_rows: int) -> tuple[_Kind, list[Chain]]:
    """The kind of policy that promises most, and what of it is tested."""
    import numpy as np

    part = setup.grid.rows(np.asarray(fitted))
    fields = [Field(part, kind.looks, setup.known, setup.baseline, setup.goal, test_rows) for kind in kinds]
    best = _simplest([sequence.worth(field) for field in fields], setup.goal)
    return kinds[best], sequence.chains(fields[best], fields[0])


def _simplest(gains: Sequence[float], goal: Goal) -> int:
    """The first that gains nearly as much as the best: kinds are told from the simplest on."""
    enough = max(gains) * (_AS_GOOD if goal.saves else _AS_RIGHT)
    return next(at for at, gain in enumerate(gains) if gain >= enough)


def _estimated(setup: _Setup, kinds: Sequence[_Kind], fitted: Sequence[int], made: str) -> Tuned:
    """The best estimate of all kinds of policies, on rows that their predictors had not seen."""
    import numpy as np

    part = setup.grid.rows(np.asarray(fitted))
    options: list[tuple[float, _Kind, Setting]] = []
    for kind in kinds:
        field = Field(part, kind.looks, setup.known, setup.baseline, setup.goal, len(fitted))
        tried = sequence.estimated(field)
        best = _best([_measured(setup, part, each.setting, kind.looks) for each in tried], setup.goal)
        if best is not None:
            options.append((tried[best].gain, kind, tried[best].setting))
    found = bool(options)
    kind, chosen = kinds[0], Setting(always=setup.baseline)
    if options:
        _, kind, chosen = options[_simplest([gain for gain, _, _ in options], setup.goal)]
    policy = replace(
        _policy(setup, kind, chosen, part, kind.looks),
        summary=_summary(setup, fitted, chosen, kind.looks),
        promise=_promise(setup, certified=False, shown=None, steps=0),
        data=_data(setup.table, len(fitted), 0, made),
    )
    return Tuned(
        policy=policy,
        found=found,
        labels_needed=None,
        candidate=None,
        grid=setup.grid,
        looks=kind.looks,
        rows=tuple(fitted),
        known=setup.known,
    )


def _best(measured: Sequence[Measured], goal: Goal) -> int | None:
    """Which one is taken of those that keep the goal: who saves most, or a better one that saves nearly as much."""
    if not measured:
        return None
    if not goal.saves:
        return max(range(len(measured)), key=lambda at: (measured[at].score, -measured[at].cost))
    most = max(each.saved for each in measured)
    if most <= 0 and goal.target == "max_loss":
        return None
    near = [at for at, each in enumerate(measured) if each.saved >= most * (_AS_GOOD if most > 0 else 1)]
    return max(near, key=lambda at: (measured[at].score, measured[at].saved))


def _spent(setup: _Setup, part: Grid, setting: Setting, looks: Looks | None) -> Floats:
    scores, costs, reached = along(part, taken(setting, looks, setup.known, len(part.scores)))
    return setup.goal.spent(scores, costs, reached, part.scores[:, setup.baseline])


def _measured(setup: _Setup, part: Grid, setting: Setting, looks: Looks | None) -> Measured:
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


def _pooled(
    setup: _Setup, kind: _Kind, setting: Setting, *, fitted: Sequence[int], part: Grid, looks: Looks | None
) -> Measured:
    """What a setting did on all rows: whom to take of those that passed may be decided by any rows."""
    import numpy as np

    early, late = setup.grid.rows(np.asarray(fitted)), len(part.scores)
    one, two = _measured(setup, early, setting, kind.looks), _measured(setup, part, setting, looks)
    share = late / (late + len(fitted))
    return Measured(
        score=one.score + share * (two.score - one.score),
        cost=one.cost + share * (two.cost - one.cost),
        baseline_score=one.baseline_score + share * (two.baseline_score - one.baseline_score),
        baseline_cost=one.baseline_cost + share * (two.baseline_cost - one.baseline_cost),
        shares=two.shares,
    )


def _policy(setup: _Setup, kind: _Kind, setting: Setting, part: Grid, looks: Looks | None) -> Policy:
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
        promise=_promise(setup, certified=False, shown=None, steps=0),
        data=_data(setup.table, 0, 0, ""),
        measured=_measured(setup, part, setting, looks),
    )


def _summary(setup: _Setup, rows: Sequence[int], chosen: Setting, looks: Looks | None) -> dict[str, Histogram]:
    prompts = [setup.table.rows[row].prompt for row in rows]
    kept = None if chosen.always is not None else looks
    return summary(prompts, kept, taken(chosen, looks, setup.known, len(rows)))


def _promise(setup: _Setup, *, certified: bool, shown: float | None, steps: int) -> Promise:
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


def _data(table: Table, fitted: int, tested: int, made: str) -> Data:
    from importlib.metadata import version

    return Data(
        sha256=table.sha256,
        rows=len(table.rows),
        fitted=fitted,
        tested=tested,
        made=made,
        version=version("synapse-llm"),
    )


def _needed(setup: _Setup, setting: Setting, part: Grid, looks: Looks | None) -> int | None:
    """Rows of a whole table, as about the same share of them would be tested."""
    rows = setup.goal.rows_needed(_spent(setup, part, setting, looks))
    return None if rows is None else round(rows * len(setup.table.rows) / max(1, len(part.scores)))

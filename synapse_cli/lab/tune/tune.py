"""Which policy saves the most within a promise that these outcomes prove?

Some rows are fitted: ways are composed on them, predictors learn from them, and settings are laid out on them in the
order in which they shall be tested. The other rows test these settings. Where none passes, the policy sends everything
to the baseline. Without certification all rows are fitted, and settings are judged by what predictors say of rows that
they had not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from synapse_cli.core.errors import InputError
from synapse_cli.core.way import Way
from synapse_cli.lab.tune import compose, sequence
from synapse_cli.lab.tune.goal import Goal
from synapse_cli.lab.tune.grid import Grid, grid
from synapse_cli.lab.tune.judged import Judged
from synapse_cli.lab.tune.making import (
    AS_GOOD,
    Kind,
    Setup,
    Tuned,
    best_of,
    certified,
    data_of,
    measured,
    policy_of,
    promise_of,
    summary_of,
)
from synapse_cli.lab.tune.sequence import Chain, Field
from synapse_cli.lab.tune.setting import Known, Setting, from_looks
from synapse_cli.lab.tune.split import split

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.outcomes import Table

    Vectors = npt.NDArray[np.float32]

LEAST_ROWS = 30
"""Of a table: fewer prove nothing, whatever they say."""
_LEAST_LEARNED = 200
"""Rows that a predictor is learned from."""
_AS_RIGHT = 0.995
"""Of the greatest mean score, likewise: simple is preferred at a third of a point or so."""
_DOUBTFUL = 0.99
"""Share of the fitted prompts that is taken for ordinary: the policy abstains from midway between their doubts and
certainty on, as prompts that come later look stranger than those that were held out."""


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
        held = "1 row" if len(table.rows) == 1 else f"{len(table.rows)} rows"
        raise InputError(f"{table.name} holds {held}", f"at least {LEAST_ROWS} are needed")
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
    kind, chains = _chains(setup, kinds, fitted, len(tested))
    return certified(setup, kind, chains, fitted=fitted, tested=tested, made=made)


def best_single(table: Table) -> str:
    """The model of the greatest mean score; of equal ones the cheaper."""
    means = table.scores().mean(axis=0)
    return max(zip(table.models, means.tolist(), strict=True), key=lambda each: each[1])[0]


def _setup(
    table: Table, goal: Goal, found: Grid, *, fitted: Sequence[int], baseline: str, vectors: Vectors | None
) -> Setup:
    import numpy as np

    number = found.ways.index(Way((baseline,)))
    costs = found.costs[np.asarray(fitted)].mean(axis=0)
    order = np.argsort(costs, kind="stable")
    found = found.only(order.tolist())
    number = found.ways.index(Way((baseline,)))
    return Setup(table, goal, found, Known(costs[order], number, 1.0), number, vectors)


def _kinds(setup: Setup, fitted: Sequence[int], encoder: str | None) -> list[Kind]:
    """One way for all; and where there are rows enough, what a predictor says, by words and with embeddings."""
    kinds = [Kind(None, None)]
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
    kinds.append(Kind(learned.predictor.without_vectors(), from_looks(learned.held_out_lexical)))
    if vectors is not None:
        kinds.append(Kind(learned.predictor, from_looks(learned.held_out)))
    return kinds


def _doubt_limit(kinds: Sequence[Kind]) -> float:
    import numpy as np

    doubts = [kind.looks.doubts for kind in kinds if kind.looks is not None]
    return (1 + max(float(np.quantile(each, _DOUBTFUL)) for each in doubts)) / 2 if doubts else 1.0


def _chains(setup: Setup, kinds: Sequence[Kind], fitted: Sequence[int], test_rows: int) -> tuple[Kind, list[Chain]]:
    """The kind of policy that promises most, and what of it is tested."""
    import numpy as np

    part = setup.grid.rows(np.asarray(fitted))
    fields = [Field(part, kind.looks, setup.known, setup.baseline, setup.goal, test_rows) for kind in kinds]
    best = _simplest([sequence.worth(field) for field in fields], setup.goal)
    return kinds[best], sequence.chains(fields[best], fields[0])


def _simplest(gains: Sequence[float], goal: Goal) -> int:
    """The first that gains nearly as much as the best: kinds are told from the simplest on."""
    enough = max(gains) * (AS_GOOD if goal.saves else _AS_RIGHT)
    return next(at for at, gain in enumerate(gains) if gain >= enough)


def _estimated(setup: Setup, kinds: Sequence[Kind], fitted: Sequence[int], made: str) -> Tuned:
    """The best estimate of all kinds of policies, on rows that their predictors had not seen."""
    import numpy as np

    part = setup.grid.rows(np.asarray(fitted))
    options: list[tuple[float, Kind, Setting]] = []
    for kind in kinds:
        field = Field(part, kind.looks, setup.known, setup.baseline, setup.goal, len(fitted))
        tried = sequence.estimated(field)
        best = best_of([measured(setup, part, each.setting, kind.looks) for each in tried], setup.goal)
        if best is not None:
            options.append((tried[best].gain, kind, tried[best].setting))
    found = bool(options)
    kind, chosen = kinds[0], Setting(always=setup.baseline)
    if options:
        _, kind, chosen = options[_simplest([gain for gain, _, _ in options], setup.goal)]
    policy = replace(
        policy_of(setup, kind, chosen, part, kind.looks),
        summary=summary_of(setup, fitted, chosen, kind.looks),
        promise=promise_of(setup, certified=False, shown=None, steps=0),
        data=data_of(setup.table, len(fitted), 0, made),
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

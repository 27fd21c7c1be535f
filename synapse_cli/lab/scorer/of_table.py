"""What can a scorer learn from one model's answers in a table of outcomes, and what would it then let through?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from synapse_cli.core.errors import InputError
from synapse_cli.lab.outcomes import Row, Table
from synapse_cli.lab.scorer.fit import LEAST_ROWS, auc, fit
from synapse_cli.learned.bound import share_lower
from synapse_cli.learned.scorer import Scorer

_GOOD = 0.5
_CONFIDENCE = 0.95
_PASSING = (1.0, 0.9, 0.75, 0.5, 0.25, 0.1)
"""Shares of the answers that a level shall let through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What a `min` would do, by what the scorer said of answers that it had not seen."""

    least: float
    passes: float
    """Share of the answers."""
    right: float
    """Share of those that are good."""
    right_at_least: float
    """With 95 % confidence (Clopper and Pearson); of one level that was chosen before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A scorer, and what it is worth on the answers that it was learned from, held out."""

    scorer: Scorer
    model: str
    rows: int
    right: float
    """Share of all answers that are good."""
    length_auc: float | None
    """Of the answer's length alone, the shorter the better: what any scorer has to beat."""
    levels: tuple[Level, ...]


def learn(table: Table, model: str | None, tell: Callable[[int, int], None] | None = None) -> Learned:
    """Learn from a model's answers; None is the cheapest that has texts.

    Raises InputError for a model that has none, or too few, EngineMissing without the extra `tune`.
    """
    name = model or _cheapest(table)
    if name not in table.models:
        raise InputError(f"{table.name} has no outcomes of {name!r}", f"its models are: {', '.join(table.models)}")
    rows = [row for row in table.rows if _said(row, name)]
    if len(rows) < LEAST_ROWS:
        what = f"{table.name} holds {len(rows)} answers of {name!r}"
        raise InputError(what, f"at least {LEAST_ROWS} rows need its `text`, or its `answer`")
    scores = [row.outcomes[name].score for row in rows]
    try:
        fitted = fit([row.prompt for row in rows], [_said(row, name) for row in rows], scores, [name], tell=tell)
    except ValueError as error:
        raise InputError(f"{table.name}: {name}: {error}", "a scorer needs good answers and bad ones") from error
    lengths = [-float(len(_said(row, name))) for row in rows]
    return Learned(
        scorer=fitted.scorer,
        model=name,
        rows=len(rows),
        right=sum(score >= _GOOD for score in scores) / len(scores),
        length_auc=auc(lengths, scores),
        levels=tuple(_levels(fitted.held_out, scores)),
    )


def _cheapest(table: Table) -> str:
    texts = {model: sum(row.outcomes[model].text is not None for row in table.rows) for model in table.models}
    return next((model for model in table.models if texts[model] >= LEAST_ROWS), table.models[0])


def _said(row: Row, model: str) -> str:
    result = row.outcomes[model]
    return (result.text if result.text is not None else result.answer) or ""


def _levels(said: Sequence[float], scores: Sequence[float]) -> list[Level]:
    order = sorted(said, reverse=True)
    found: dict[float, Level] = {}
    for share in _PASSING:
        least = 0.0 if share == 1 else round(order[max(0, round(share * len(order)) - 1)], 3)
        passing = [score >= _GOOD for one, score in zip(said, scores, strict=True) if one >= least]
        if passing:
            found[least] = Level(
                least=least,
                passes=len(passing) / len(said),
                right=sum(passing) / len(passing),
                right_at_least=share_lower(sum(passing), len(passing), _CONFIDENCE),
            )
    return list(found.values())

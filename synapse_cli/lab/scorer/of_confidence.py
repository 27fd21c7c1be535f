"""What is a model's confidence worth? A calibration from a table of outcomes, and how far off the raw number was."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from synapse_cli.core.errors import InputError
from synapse_cli.lab.outcomes import Table
from synapse_cli.lab.scorer.fit import auc
from synapse_cli.learned.calibration import Calibration, isotonic

LEAST_ROWS = 60
_FOLDS = 5
_BINS = 10
_DIGITS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """The map, and what it is worth on rows that it had not seen."""

    calibration: Calibration
    model: str
    rows: int
    right: float
    auc: float | None
    """Of the confidence; a calibration changes no order, so of the calibrated one too."""
    off_before: float
    """How far the confidence is from the share of good answers, on average (expected calibration error, 10 bins)."""
    off_after: float


def calibrate(table: Table, model: str | None) -> Calibrated:
    """Calibrate a model's confidence; None is the cheapest that tells one. Raises InputError where none does."""
    name = model or _cheapest(table)
    if name not in table.models:
        raise InputError(f"{table.name} has no outcomes of {name!r}", f"its models are: {', '.join(table.models)}")
    pairs = sorted(
        (hashlib.sha256(row.id.encode()).hexdigest(), found.confidence, found.score)
        for row in table.rows
        if (found := row.outcomes[name]).confidence is not None
    )
    if len(pairs) < LEAST_ROWS:
        what = f"{table.name} holds {len(pairs)} confidences of {name!r}"
        raise InputError(what, f"at least {LEAST_ROWS} rows need its `confidence`")
    said = [float(confidence) for _, confidence, _ in pairs if confidence is not None]
    scores = [score for _, _, score in pairs]
    held_out = _held_out(said, scores)
    return Calibrated(
        calibration=_rounded(isotonic(said, scores)),
        model=name,
        rows=len(pairs),
        right=sum(scores) / len(scores),
        auc=auc(said, scores),
        off_before=off(said, scores),
        off_after=off(held_out, scores),
    )


def off(said: Sequence[float], scores: Sequence[float]) -> float:
    """The expected calibration error: |mean said - mean score| of each tenth of [0, 1], weighted by its rows."""
    bins: list[list[tuple[float, float]]] = [[] for _ in range(_BINS)]
    for each, score in zip(said, scores, strict=True):
        bins[min(_BINS - 1, int(each * _BINS))].append((each, score))
    return sum(abs(sum(each - score for each, score in found)) for found in bins) / len(said)


def _held_out(said: Sequence[float], scores: Sequence[float]) -> list[float]:
    """What maps learned from the other folds say of each row; rows come in the order of a hash."""
    found = [0.0] * len(said)
    for fold in range(_FOLDS):
        seen = [row for row in range(len(said)) if row % _FOLDS != fold]
        learned = isotonic([said[row] for row in seen], [scores[row] for row in seen])
        for row in range(fold, len(said), _FOLDS):
            found[row] = learned.chance(said[row])
    return found


def _rounded(found: Calibration) -> Calibration:
    """Few digits, as a profile holds them; points that then lie on one place become one."""
    points: dict[float, float] = {}
    for score, chance in found.points:
        points[round(score, _DIGITS)] = round(chance, _DIGITS)
    return Calibration(tuple(points.items()))


def _cheapest(table: Table) -> str:
    told = {model: sum(row.outcomes[model].confidence is not None for row in table.rows) for model in table.models}
    return next((model for model in table.models if told[model] >= LEAST_ROWS), table.models[0])

"""What would change if a new policy took the place of an old one?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.core.errors import InputError
from synapse_cli.lab.tune.grid import grid
from synapse_cli.lab.tune.judged import Judged
from synapse_cli.lab.tune.setting import Known, Setting, along, looked, taken

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.outcomes import Table
    from synapse_cli.lab.tune.making import Tuned
    from synapse_cli.learned.policy import Policy

    Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The old policy beside the new one, on the same rows."""

    sha256: str
    promise: str
    certified: bool
    score: float | None
    """Of the old one; None where these rows cannot tell."""
    cost: float | None
    score_change: float | None
    """New less old: negative where the new one is worse."""
    cost_change: float | None
    why_not: str = ""
    """Why the rows cannot tell."""


def changes(table: Table, tuned: Tuned, old: Policy, vectors: Vectors | None, encoder: str | None) -> Changes:
    """Measure the old policy on the rows that the new one's figures are taken from."""
    try:
        score, cost = _replayed(table, tuned, old, vectors, encoder)
    except InputError as error:
        return _told(old, None, None, tuned, error.message)
    return _told(old, score, cost, tuned, "")


def _replayed(
    table: Table, tuned: Tuned, old: Policy, vectors: Vectors | None, encoder: str | None
) -> tuple[float, float]:
    import numpy as np

    if old.encoder is not None and (vectors is None or old.encoder != encoder):
        raise InputError(f"it wants embeddings of {old.encoder}", "")
    rows = np.asarray(tuned.rows)
    part = table.only(tuned.rows)
    found = grid(part, old.ways, Judged(part))
    looks = None
    if old.always is None and old.predictor is not None:
        own = None if old.encoder is None or vectors is None else vectors[rows]
        looks = looked(old.predictor, [row.prompt for row in part.rows], own)
    known = Known(np.array(old.costs), old.fallback, old.doubt_limit)
    numbers = taken(Setting(old.always, old.price, old.threshold), looks, known, len(rows))
    scores, costs, _ = along(found, numbers)
    return float(scores.mean()), float(costs.mean())


def _told(old: Policy, score: float | None, cost: float | None, tuned: Tuned, why_not: str) -> Changes:
    new = tuned.policy.measured
    return Changes(
        sha256=old.sha256,
        promise=old.promise.line,
        certified=old.certified,
        score=score,
        cost=cost,
        score_change=None if score is None else new.score - score,
        cost_change=None if cost is None else new.cost - cost,
        why_not=why_not,
    )

"""Which way does a policy of this price and threshold take, row by row? `Policy.choose`, all rows at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.learned.predictor import Look, Predictor

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.tune.grid import Grid

    Floats = npt.NDArray[np.float64]
    Whole = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Setting:
    """What of a policy is chosen last: one way for all, or a price and a threshold."""

    always: int | None = None
    price: float = 0.0
    threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class Looks:
    """What a predictor says of rows."""

    chances: Floats
    """Rows x ways."""
    doubts: Floats


@dataclass(frozen=True, slots=True)
class Known:
    """What choosing takes beside the looks."""

    costs: Floats
    """Mean dollars of each way, from cheap to dear."""
    fallback: int
    doubt_limit: float


def looked(
    predictor: Predictor,
    prompts: Sequence[str],
    vectors: npt.NDArray[np.float32] | None,
    tell: Callable[[int], None] = lambda _: None,
) -> Looks:
    """Ask a predictor about every row; `tell` hears how many are done."""
    found = []
    for row, prompt in enumerate(prompts):
        found.append(predictor.look(prompt, None if vectors is None else vectors[row].tolist()))
        tell(row + 1)
    return from_looks(found)


def from_looks(looks: Sequence[Look]) -> Looks:
    """Looks side by side."""
    import numpy as np

    return Looks(np.array([look.chances for look in looks]), np.array([look.doubt for look in looks]))


def taken(setting: Setting, looks: Looks | None, known: Known, rows: int) -> Whole:
    """The number of the way that each row takes."""
    import numpy as np

    if setting.always is not None or looks is None:
        return np.full(rows, known.fallback if setting.always is None else setting.always)
    values = looks.chances - setting.price * known.costs / (known.costs.max() or 1.0)
    best = values.argmax(axis=1)
    each = np.arange(rows)
    gains = values[each, best] - values[:, known.fallback]
    is_sure = (gains >= setting.threshold) & (looks.doubts <= known.doubt_limit)
    return np.where(is_sure, best, known.fallback)


def along(grid: Grid, numbers: Whole) -> tuple[Floats, Floats, Bools]:
    """Scores, dollars, and whether the dearest model was reached, of the ways that rows take."""
    import numpy as np

    each = np.arange(len(numbers))
    return grid.scores[each, numbers], grid.costs[each, numbers], grid.dearest[each, numbers]

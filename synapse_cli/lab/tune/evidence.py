"""How well does each check tell good answers from bad ones? Its AUC, model by model and task by task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

from synapse_cli.core.prompt import Json
from synapse_cli.lab.tune.judged import Judged

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_LEAST = 20
"""Answers of which a check must have said something; and five each must be good and bad."""
_LEAST_EACH = 5
_MOST_PARTNERS = 4
_GOOD = 0.5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one check is worth on the answers of one model."""

    check: str
    """`agree with mini`, `confidence`, `length`, `refusal`."""
    model: str
    task: str
    """Empty where all tasks are meant."""
    rows: int
    auc: float
    """Chance that it thinks better of a good answer than of a bad one; 0.5 tells nothing."""


def evidence(judged: Judged) -> list[Evidence]:
    """Every check that the table can tell of, over all tasks and over each, the most telling first."""
    import numpy as np

    table = judged.table
    scores = table.scores()
    tasks = np.array([row.task for row in table.rows])
    names = sorted(set(tasks.tolist()))
    found = []
    for check, model, options in _checks(judged):
        says = judged.signal(model, options)
        good = scores[:, table.models.index(model)] > _GOOD
        for task in ("", *(names if len(names) > 1 else ())):
            inside = ~np.isnan(says) & ((tasks == task) if task else True)
            told = auc(says[inside], good[inside])
            if told is not None:
                found.append(Evidence(check, model, task, int(inside.sum()), told))
    return sorted(found, key=lambda each: (each.task, -abs(each.auc - 0.5), each.model, each.check))


def auc(says: Floats, good: npt.NDArray[np.bool_]) -> float | None:
    """Mann and Whitney's statistic, ties by halves; None where too few answers are good, or bad."""
    import numpy as np

    many, right = len(good), int(good.sum())
    if many < _LEAST or not _LEAST_EACH <= right <= many - _LEAST_EACH:
        return None
    _, place, times = np.unique(says, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(times) - (times - 1) / 2)[place]
    return float((ranks[good].sum() - right * (right + 1) / 2) / (right * (many - right)))


def _checks(judged: Judged) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
    """Each check, the model it judges, and its options; partners are the best of the models that say something."""
    table = judged.table
    means = table.scores().mean(axis=0)
    order = sorted(range(len(table.models)), key=lambda number: -means[number])
    speaking = [table.models[number] for number in order if judged.has_answers(table.models[number])]
    for model, partner in permutations(speaking[:_MOST_PARTNERS], 2):
        yield f"agree with {partner}", model, {"kind": "agree", "with": partner}
    for model in table.models:
        for kind in ("confidence", "length", "refusal"):
            yield kind, model, {"kind": kind}

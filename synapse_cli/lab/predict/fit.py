"""Learn a predictor from prompts and how well each way did on them; nothing of it depends on the order of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.lab.predict import blend, folds, heads, sight
from synapse_cli.learned import words
from synapse_cli.learned.predictor import FULL, LEXICAL, Look, Predictor

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.int64]

LEAST_ROWS = 20
"""Fewer say nothing that could be held out."""
_STEPS = 4


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was learned, and what it would have said of each row had it not seen it."""

    predictor: Predictor
    held_out: tuple[Look, ...]
    """Row by row, from heads that were fitted without the row; with vectors where there are some."""
    held_out_lexical: tuple[Look, ...]
    """The same, as the prompt's text alone would have it."""


def fit(
    prompts: Sequence[str],
    scores: Sequence[Sequence[float]],
    tasks: Sequence[str] | None = None,
    *,
    vectors: Floats | None = None,
    encoder: str | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> Fitted:
    """Learn P(good) of each way: `scores` is rows x ways, from 0 to 1; `vectors` is rows x dimension.

    `tasks` tell which rows are of one subject. `tell` hears how many steps of how many are done. Raises ValueError for
    fewer than 20 rows, and EngineMissing where scikit-learn is not there.
    """
    import numpy as np

    if len(prompts) < LEAST_ROWS:
        raise ValueError(f"{len(prompts)} rows are too few to learn from: at least {LEAST_ROWS}")
    told = _Told(tell)
    order = folds.canonical(prompts, np.asarray(scores, dtype=np.float64))
    table = np.asarray(scores, dtype=np.float64)[order]
    ordered = None if vectors is None else np.asarray(vectors, dtype=np.float64)[order]
    seen = sight.see([prompts[row] for row in order], ordered, words.Grams())
    told.step()
    groups = folds.groups(seen, None if tasks is None else [tasks[row] for row in order])
    known = heads.held_out(seen, table, folds.by_row(len(order)))
    told.step()
    strange = heads.held_out(seen, table, folds.by_group(groups))
    told.step()
    forms = (LEXICAL,) if vectors is None else (LEXICAL, FULL)
    blends = [blend.learn(known, strange, table, *form) for form in forms]
    held = [_in_first_order(order, *blend.mixed(each, known, *form)) for each, form in zip(blends, forms, strict=True)]
    fitted = heads.whole(seen, table)
    told.step()
    predictor = Predictor(
        ways=table.shape[1],
        grams=seen.grams,
        rarities=[int(each) for each in seen.rarities(np.arange(len(seen)))],
        edges=(tuple(seen.outside.min(axis=0).tolist()), tuple(seen.outside.max(axis=0).tolist())),
        lexical=fitted.lexical,
        surface=fitted.surface,
        blend=blends[0],
        encoder=encoder if fitted.nearby is not None else None,
        neighbours=fitted.nearby,
        full_blend=blends[1] if fitted.nearby is not None else None,
    )
    return Fitted(predictor, held[-1], held[0])


class _Told:
    """How many steps are done, for whoever listens."""

    def __init__(self, tell: Callable[[int, int], None] | None) -> None:
        self._tell, self._done = tell, 0

    def step(self) -> None:
        self._done += 1
        if self._tell is not None:
            self._tell(self._done, _STEPS)


def _in_first_order(order: Rows, chances: Floats, doubts: Floats) -> tuple[Look, ...]:
    found = {
        row: Look(tuple(said), doubt)
        for row, said, doubt in zip(order.tolist(), chances.tolist(), doubts.tolist(), strict=True)
    }
    return tuple(found[row] for row in range(len(order)))

"""Learn a predictor from prompts and how well each way did on them; nothing of it depends on the order of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.lab.predict import blend, folds, heads
from synapse_cli.learned import words
from synapse_cli.learned.predictor import Blend, Look, Predictor

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.int64]

LEAST_ROWS = 20
"""Fewer say nothing that a blend could learn from."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was learned, and what it would have said of each row had it not seen it."""

    predictor: Predictor
    held_out: tuple[Look, ...]
    """Row by row, from heads that were fitted without the row; with vectors where there are some."""
    held_out_lexical: tuple[Look, ...]
    """The same, as the prompt's words alone would have it."""


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

    `tell` hears how many fits of how many are done. Raises ValueError for fewer than 20 rows, and EngineMissing
    where scikit-learn is not there.
    """
    import numpy as np

    if len(prompts) < LEAST_ROWS:
        raise ValueError(f"{len(prompts)} rows are too few to learn from: at least {LEAST_ROWS}")
    table = np.asarray(scores, dtype=np.float64)
    order = folds.canonical(prompts, table)
    seen = heads.see(
        [prompts[row] for row in order],
        table[order],
        None if vectors is None else np.asarray(vectors, dtype=np.float64)[order],
        words.Grams(),
    )
    known = folds.by_row(len(order))
    groups = folds.groups(seen, None if tasks is None else [tasks[row] for row in order])
    strange = folds.by_group(groups)
    steps = 1 + len(set(known)) + len(set(strange))
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if tell is not None:
            tell(done, steps)

    heard_known = heads.held_out(seen, known, step)
    heard_strange = heads.held_out(seen, strange, step)
    whole = heads.whole(seen, encoder)
    blends = [blend.learn(heard_known, heard_strange, seen.scores, form) for form in heads.forms(seen)]
    step()
    predictor = whole(*blends)
    held = [
        _in_first_order(order, each, heard_known, form) for each, form in zip(blends, heads.forms(seen), strict=True)
    ]
    return Fitted(predictor, held[-1], held[0])


def _in_first_order(order: Rows, learned: Blend, heard: heads.Heard, form: heads.Form) -> tuple[Look, ...]:
    looks: list[Look | None] = [None] * len(order)
    for at, row in enumerate(order):
        looks[row] = learned.mix(heard.said[: form.heads, at].tolist(), heard.signs[at, : form.signs].tolist())
    return tuple(look for look in looks if look is not None)

"""What were the prompts of the data like? Small histograms, which drift is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from synapse_cli.learned.promise import Histogram

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.tune.setting import Looks

    Floats = npt.NDArray[np.float64]
    Whole = npt.NDArray[np.int64]

_BINS = 10


def summary(prompts: Sequence[str], looks: Looks | None, numbers: Whole) -> dict[str, Histogram]:
    """`length` of the prompts in characters, and of what a predictor says `doubt`, and `score` of the way taken."""
    import numpy as np

    found = {"length": _histogram(np.array([len(prompt) for prompt in prompts], dtype=np.float64))}
    if looks is not None:
        found["doubt"] = _histogram(looks.doubts)
        found["score"] = _histogram(looks.chances[np.arange(len(numbers)), numbers])
    return found


def _histogram(values: Floats) -> Histogram:
    """Edges at tenths of the rows, so that each bin is worth the same."""
    import numpy as np

    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
    shares = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1) / len(values)
    return Histogram(tuple(edges.tolist()), tuple(shares.tolist()))

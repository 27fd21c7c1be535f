"""What does each head say of rows that it has not seen? Ridge regressions over words and surface, and the nearby.

Least squares on the scores themselves, which may be any number from 0 to 1. The length is its own head, and the
others learn what it leaves; the blend makes probabilities of what they say. Penalties were chosen on one half of the
MMLU table's rows, where 1,500 were learned from; the blend makes good much of what another would do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synapse_cli.learned import linear, neighbours
from synapse_cli.learned.linear import Linear
from synapse_cli.learned.neighbours import Neighbours

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.predict.sight import Sight

    Floats = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.int64]

_LENGTHS = 1
"""The first feature of the surface is the length."""
_LENGTH_PENALTY, _WORDS_PENALTY, _SURFACE_PENALTY = 1.0, 30.0, 1000.0
_NOISE = 10.0
"""Of a score, against what the nearby tell: the penalty of the kernel."""
_SHARPNESS = 3.0
_MOST_NEIGHBOURS = 4000
"""Prompts kept, of 384 bytes each; more make the file large and the answer little better."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the heads said: heads x rows x ways, and the signs of strangeness: rows x signs."""

    said: Floats
    signs: Floats


@dataclass(frozen=True, slots=True)
class Heads:
    """The heads as they are kept."""

    lexical: Linear
    surface: Linear
    nearby: Neighbours | None


def held_out(seen: Sight, scores: Floats, fold: Rows) -> Heard:
    """What heads that were fitted on the other folds say of each fold."""
    import numpy as np

    said = np.zeros((3 if seen.vectors is None else 4, *scores.shape))
    for each in np.unique(fold):
        train, test = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        said[:, test] = _ask(seen, scores, train, test)
    return Heard(said, seen.strangeness(fold))


def _ask(seen: Sight, scores: Floats, train: Rows, test: Rows) -> Floats:
    import numpy as np

    length = seen.outside[:, :_LENGTHS]
    first = _ridge(length[train], scores[train], _LENGTH_PENALTY)
    left = scores[train] - _told(first, length[train])
    weighed = seen.weighed(train)
    said = [
        np.repeat(length[test], scores.shape[1], axis=1),
        _told(_ridge(weighed[train], left, _WORDS_PENALTY), weighed[test]),
        _told(_ridge(seen.outside[train], left, _SURFACE_PENALTY), seen.outside[test]),
    ]
    if seen.vectors is not None:
        kept = seen.vectors[train[:_MOST_NEIGHBOURS]]
        said.append(_kernel(seen.vectors[test], kept) @ _smoothed(kept, left[:_MOST_NEIGHBOURS]))
    return np.stack(said)


def whole(seen: Sight, scores: Floats) -> Heads:
    """The heads fitted on all rows."""
    import numpy as np

    length = seen.outside[:, :_LENGTHS]
    first = _ridge(length, scores, _LENGTH_PENALTY)
    left = scores - _told(first, length)
    nearby = None
    if seen.vectors is not None:
        kept = seen.vectors[:_MOST_NEIGHBOURS]
        weights = _smoothed(kept, left[:_MOST_NEIGHBOURS])
        nearby = neighbours.from_rows(kept.astype(np.float32), weights.astype(np.float32), _SHARPNESS)
    return Heads(
        lexical=_small(_ridge(seen.weighed(np.arange(len(seen))), left, _WORDS_PENALTY)),
        surface=_small(_ridge(seen.outside, left, _SURFACE_PENALTY)),
        nearby=nearby,
    )


def _smoothed(vectors: Floats, left: Floats) -> Floats:
    """What each prompt adds to the ways: prompts x ways."""
    import numpy as np
    from scipy.linalg import cho_factor, cho_solve

    kernel = _kernel(vectors, vectors)
    kernel[np.diag_indices_from(kernel)] += _NOISE
    found: Floats = cho_solve(cho_factor(kernel, lower=True, overwrite_a=True), left)
    return found


def _kernel(asked: Floats, known: Floats) -> Floats:
    import numpy as np

    found: Floats = np.exp(_SHARPNESS * (asked @ known.T - 1))
    return found


def _ridge(features: Any, wanted: Floats, penalty: float) -> tuple[Floats, Floats]:  # a dense or a sparse matrix
    """Weights (ways x features) and bias."""
    import numpy as np
    from scipy.sparse import issparse
    from sklearn.linear_model import Ridge

    if issparse(features):
        model = Ridge(alpha=penalty, solver="sparse_cg", tol=1e-4).fit(features, wanted)
        return np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    middle, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    model = Ridge(alpha=penalty, solver="cholesky").fit((features - middle) / spread, wanted)
    weights = np.atleast_2d(model.coef_) / spread
    return weights, np.atleast_1d(model.intercept_) - weights @ middle


def _told(fitted: tuple[Floats, Floats], features: Any) -> Floats:
    weights, bias = fitted
    said: Floats = features @ weights.T + bias
    return said


def _small(fitted: tuple[Floats, Floats]) -> Linear:
    weights, bias = fitted
    return linear.from_floats(weights.tolist(), bias.tolist())

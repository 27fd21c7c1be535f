"""How much is each head believed? Logistic regressions over what heads said of rows that they had not seen.

Stacking (Wolpert, Stacked Generalization, 1992); the logistic form calibrates as Platt's scaling does. Rows held out
one by one tell what heads know of subjects they saw, rows held out with their subject what is left of it elsewhere, and
each head is believed by how familiar a prompt looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synapse_cli.learned.predictor import Blend, familiarity

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.predict.heads import Heard

    Floats = npt.NDArray[np.float64]

_PENALTY, _LENGTH_PENALTY, _DOUBT_PENALTY = 3.0, 0.1, 1.0
_STRANGE = 0.3
"""What a row that was held out with its subject counts: there are few subjects, and those say the same again."""
_STEPS = 30


def learn(known: Heard, strange: Heard, scores: Floats, heads: int, signs: int) -> Blend:
    """The blend of the first heads and signs."""
    import numpy as np

    ways = range(scores.shape[1])
    rows = [_features(heard, heads, signs) for heard in (known, strange)]
    weight = np.repeat([1.0, _STRANGE], len(scores))
    penalties = np.asarray([_LENGTH_PENALTY, *[_PENALTY] * (rows[0].shape[2] - 1)])
    weights = tuple(
        _tuple(logistic(np.vstack([each[way] for each in rows]), np.tile(scores[:, way], 2), penalties, weight))
        for way in ways
    )
    is_strange = np.repeat([0.0, 1.0], len(scores))
    told = np.vstack([known.signs[:, :signs], strange.signs[:, :signs]])
    return Blend(weights, _tuple(logistic(told, is_strange, np.full(signs, _DOUBT_PENALTY))))


def mixed(blend: Blend, heard: Heard, heads: int, signs: int) -> tuple[Floats, Floats]:
    """`Blend.mix`, all rows at once: chances (rows x ways) and doubts."""
    import numpy as np

    rows = _features(heard, heads, signs)
    ways = [_squashed(each, np.asarray(weights)) for each, weights in zip(rows, blend.weights, strict=True)]
    return np.stack(ways, axis=1), _squashed(heard.signs[:, :signs], np.asarray(blend.novelty))


def _features(heard: Heard, heads: int, signs: int) -> Floats:
    """Ways x rows x features: what each head says, then what those after the first say times familiarity."""
    import numpy as np

    said = heard.said[:heads].transpose(2, 1, 0)
    familiar = np.asarray([familiarity(each) for each in heard.signs[:, :signs].tolist()])
    return np.concatenate([said, said[:, :, 1:] * familiar[None, :, None]], axis=2)


def logistic(features: Floats, wanted: Floats, penalty: float | Floats, weight: Floats | None = None) -> Floats:
    """A bias and weights that make the likeliest probabilities; `wanted` may be any number from 0 to 1.

    Newton's steps on features brought to one spread; the penalty is on their squared weights, not on the bias.
    """
    import numpy as np

    middle, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    rows = np.hstack([np.ones((len(features), 1)), (features - middle) / spread])
    counted = np.ones(len(rows)) if weight is None else weight
    weights = np.zeros(rows.shape[1])
    penalties = np.diag([1e-3, *np.broadcast_to(np.asarray(penalty, dtype=np.float64), features.shape[1])])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (counted * (wanted - chance)) - penalties @ weights
        bend = (rows * (counted * chance * (1 - chance))[:, None]).T @ rows + penalties
        step = np.linalg.solve(bend, slope)
        weights += step
        if np.abs(step).max() < 1e-9:
            break
    inner = weights[1:] / spread
    return np.concatenate([[weights[0] - inner @ middle], inner])


def _squashed(rows: Floats, weights: Floats) -> Floats:
    import numpy as np

    found: Floats = 1 / (1 + np.exp(-np.clip(weights[0] + rows @ weights[1:], -30, 30)))
    return found


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(map(float, values))

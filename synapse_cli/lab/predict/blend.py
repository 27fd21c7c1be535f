"""How much is each head believed? Logistic regressions over what heads said of rows that they had not seen.

Stacking (Wolpert, Stacked Generalization, 1992); the logistic form calibrates as Platt's scaling does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synapse_cli.learned.predictor import Blend

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.predict.heads import Form, Heard

    Floats = npt.NDArray[np.float64]

_PENALTY = 3.0
_STEPS = 30


def learn(known: Heard, strange: Heard, scores: Floats, form: Form) -> Blend:
    """The blend of this form: for what is known, for what is strange, and how to tell."""
    import numpy as np

    signs = np.vstack([known.signs[:, : form.signs], strange.signs[:, : form.signs]])
    is_strange = np.repeat([0.0, 1.0], [len(known.signs), len(strange.signs)])
    return Blend(
        seen=_weights(known, scores, form),
        unseen=_weights(strange, scores, form),
        novelty=_tuple(logistic(signs, is_strange, _PENALTY)),
    )


def _weights(heard: Heard, scores: Floats, form: Form) -> tuple[tuple[float, ...], ...]:
    ways = range(scores.shape[1])
    return tuple(_tuple(logistic(heard.said[: form.heads, :, way].T, scores[:, way], _PENALTY)) for way in ways)


def logistic(features: Floats, wanted: Floats, penalty: float) -> Floats:
    """A bias and weights that make the likeliest probabilities; `wanted` may be any number from 0 to 1.

    Newton's steps on features brought to one spread; the penalty is on their squared weights, not on the bias.
    """
    import numpy as np

    middle, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    rows = np.hstack([np.ones((len(features), 1)), (features - middle) / spread])
    weights = np.zeros(rows.shape[1])
    penalties = np.diag([1e-3, *[penalty] * features.shape[1]])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (wanted - chance) - penalties @ weights
        bend = (rows * (chance * (1 - chance))[:, None]).T @ rows + penalties
        step = np.linalg.solve(bend, slope)
        weights += step
        if np.abs(step).max() < 1e-9:
            break
    inner = weights[1:] / spread
    return np.concatenate([[weights[0] - inner @ middle], inner])


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(map(float, values))

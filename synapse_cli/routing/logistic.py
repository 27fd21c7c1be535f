"""How are routes told apart? Multinomial logistic regression, learned with numpy alone.

Words make long, sparse rows and are learned example by example; embeddings make short, dense rows and are learned
whole. Both begin at the routes' centroids: with a few examples that is the best there is (Snell, Swersky, Zemel,
Prototypical Networks for Few-shot Learning, 2017), and what many examples say is learned on top of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.core.vectors import Vectors

    Floats = npt.NDArray[np.float64]
    Singles = npt.NDArray[np.float32]
    Whole = npt.NDArray[np.int64]
    Sparse = Sequence[tuple[Whole, Singles]]

BIAS = 0.3
"""What stands for the bias in a sparse row: small, so that a step does not move it as far as all words together."""
_RATE = 2.0
_STEPS = 30_000
_LEAST_PASSES, _MOST_PASSES = 5, 40
_MEMORY = 10
_ROUNDS = 100
_FINE = 1e-7


def of_words(rows: Sparse, labels: Whole, routes: int, columns: int) -> Singles:
    """Weights (columns + 1, routes), the last row for the bias: stochastic descent whose steps shrink to nothing.

    The order of steps is drawn with a fixed seed, so that equal rows make equal weights.
    """
    import numpy as np

    weights = np.zeros((columns + 1, routes), dtype=np.float32)
    if routes < 2 or not len(rows):
        return weights
    dice = np.random.default_rng(0)
    full = [(np.append(where, columns), np.append(values, np.float32(BIAS))) for where, values in rows]
    passes = min(_MOST_PASSES, max(_LEAST_PASSES, _STEPS // len(rows)))
    done, steps = 0, passes * len(rows)
    for _ in range(passes):
        for row in dice.permutation(len(rows)):
            where, values = full[row]
            held = weights[where]
            chance = values @ held
            chance = np.exp(chance - chance.max())
            chance /= chance.sum()
            chance[labels[row]] -= 1
            weights[where] = held - values[:, None] * (np.float32(_RATE * (1 - done / steps)) * chance)
            done += 1
    return weights


def of_vectors(rows: Floats, labels: Whole, prior: Floats, penalty: float) -> Floats:
    """Weights (columns + 1, routes), the last row for the bias; the penalty is on how far they are from `prior`."""
    import numpy as np

    count, routes = len(rows), prior.shape[1]
    full = np.hstack([rows, np.ones((count, 1))])
    start = np.vstack([prior, np.zeros((1, routes))])
    base = full @ start
    each = np.arange(count)

    def loss(flat: Floats) -> tuple[float, Floats]:
        moved = flat.reshape(start.shape)
        told = log_softmax(base + full @ moved)
        chance = np.exp(told)
        chance[each, labels] -= 1
        slope: Floats = full.T @ chance + penalty * moved
        return float(-told[each, labels].sum() + penalty / 2 * (moved**2).sum()), slope.ravel()

    return start + least(loss, np.zeros(start.size)).reshape(start.shape)


def scale(parts: Sequence[Floats], labels: Whole) -> tuple[float, ...]:
    """How much each part's scores (rows, routes) count, so that their sum is the log of the likeliest probabilities.

    Platt's scaling for many routes ("temperature"; Guo et al., On Calibration of Modern Neural Networks, 2017), of
    several parts at once; a weight is never negative, and few rows leave it near 1.
    """
    import numpy as np

    each = np.arange(len(labels))

    def loss(logs: Floats) -> tuple[float, Floats]:
        weights = np.exp(logs)
        told = log_softmax(sum((w * part for w, part in zip(weights, parts, strict=True)), np.zeros_like(parts[0])))
        chance = np.exp(told)
        chance[each, labels] -= 1
        slope = np.array([w * (chance * part).sum() for w, part in zip(weights, parts, strict=True)]) + logs
        return float(-told[each, labels].sum() + (logs**2).sum() / 2), slope

    if not len(labels) or parts[0].shape[1] < 2:
        return (1.0,) * len(parts)
    return tuple(float(each) for each in np.exp(least(loss, np.zeros(len(parts)))))


def unit_rows(vectors: Vectors) -> Floats:
    """An encoder's vectors as rows of length 1."""
    import numpy as np

    rows: Floats = np.frombuffer(vectors.packed, dtype="<f4").reshape(len(vectors), vectors.dimension).astype(float)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return rows


def log_softmax(scores: Floats) -> Floats:
    """The logs of probabilities, row by row."""
    import numpy as np

    least_side = scores - scores.max(axis=1, keepdims=True)
    told: Floats = least_side - np.log(np.exp(least_side).sum(axis=1, keepdims=True))
    return told


def least(loss: Callable[[Floats], tuple[float, Floats]], start: Floats) -> Floats:
    """Where a convex loss is least: L-BFGS (Nocedal, 1980) with halving steps. `loss` gives a value and its slope."""
    point, (value, slope) = start, loss(start)
    past: deque[tuple[Floats, Floats]] = deque(maxlen=_MEMORY)
    for _ in range(_ROUNDS):
        towards = -_bent(slope, past)
        downhill = float(towards @ slope)
        if downhill >= 0:
            break
        step = 1.0 if past else min(1.0, 1 / float(abs(slope).sum() or 1))
        for _ in range(30):
            there, (found, steep) = point + step * towards, loss(point + step * towards)
            if found <= value + 1e-4 * step * downhill:
                break
            step /= 2
        else:
            break
        moved, turned = there - point, steep - slope
        if float(moved @ turned) > 1e-12:
            past.append((moved, turned))
        gained, point, value, slope = value - found, there, found, steep
        if gained <= _FINE * max(1.0, abs(found)):
            break
    return point


def _bent(slope: Floats, past: Sequence[tuple[Floats, Floats]]) -> Floats:
    """The slope times what is known of the inverse Hessian: the two loops of L-BFGS."""
    bent, shares = slope.copy(), []
    for moved, turned in reversed(past):
        share = float(moved @ bent) / float(moved @ turned)
        shares.append(share)
        bent -= share * turned
    if past:
        moved, turned = past[-1]
        bent *= float(moved @ turned) / float(turned @ turned)
    for (moved, turned), share in zip(past, reversed(shares), strict=True):
        bent += (share - float(turned @ bent) / float(moved @ turned)) * moved
    return bent

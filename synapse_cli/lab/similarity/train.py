"""Learn a verifier from labelled pairs: a head over the vectors, then boosted trees over it and the words.

scikit-learn fits (extra `tune`); what comes out is decided by `learned.similarity`, without it. The trees learn from
what the head says of pairs that it has not seen, else they would trust it too much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from synapse_cli.core.errors import EngineMissing
from synapse_cli.lab.similarity.pairs import Pair
from synapse_cli.learned import alike
from synapse_cli.learned.similarity import Trees, Verifier, cosine_of, nearness

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from sklearn.ensemble import GradientBoostingClassifier as GradientBoosting

    Floats = npt.NDArray[np.floating]
    Same = npt.NDArray[np.bool_]

LEAST = 100
"""Pairs of each kind: below, folds of five are too small to learn from."""
_FOLDS = 5
_FOREST = {
    "n_estimators": 120,
    "learning_rate": 0.06,
    "max_depth": 3,
    "subsample": 0.5,
    "max_features": 0.3,
    "min_samples_leaf": 40,
}
"""Chosen by AUC and precision at the top on one half of the Quora pairs, five folds, and then left alone."""
_SEEDS = (0, 1)
"""As many forests are averaged: one alone is less sure at the top, where thresholds lie."""
_HEAD_C = 0.001
"""Of the head's regularisation, chosen likewise among .0005 to .01."""


def train(pairs: Sequence[Pair], vectors: Floats) -> tuple[Verifier, list[float]]:
    """The verifier, and the score of each pair by forests that did not see it.

    `vectors` holds two rows a pair: the first prompt's, then the second's. The scores say where a threshold may lie,
    before the proof looks at anything. Raises EngineMissing without scikit-learn.
    """
    check()
    import numpy as np

    same = np.array([pair.same for pair in pairs])
    one, two = vectors[0::2].astype(float), vectors[1::2].astype(float)
    rarity = alike.rarities([text for pair in pairs for text in (pair.first, pair.second)])
    cosines = [cosine_of(a.tolist(), b.tolist()) for a, b in zip(one, two, strict=True)]
    words = np.array(
        [alike.features(pair.first, pair.second, cosine, rarity) for pair, cosine in zip(pairs, cosines, strict=True)]
    )
    seen = np.hstack([np.abs(one - two), one * two])
    table = np.column_stack([words, _unseen(seen, same, lambda x, y, new: _applied(_head(x, y), new))])
    unseen = np.column_stack(
        [_unseen(table, same, lambda x, y, new: _said(_forests(x, y), new)), np.array([*map(nearness, cosines)])]
    )
    (scale, near), shift = _as_probability(unseen, same)
    bias, weights = _head(seen, same)
    verifier = Verifier(
        rarity=rarity,
        head=[bias, *map(float, weights)],
        trees=_as_trees(_forests(table, same)),
        scale=scale,
        near=near,
        shift=shift,
    )
    return verifier, [float(each) for each in 1 / (1 + np.exp(-(unseen @ [scale, near] + shift)))]


def check() -> None:
    """Raise EngineMissing without scikit-learn: before anything is encoded."""
    from importlib.util import find_spec

    if find_spec("sklearn") is None:
        raise EngineMissing("learning needs scikit-learn, the extra tune", "pip install 'synapse-llm[tune]'")


def are_enough(pairs: Sequence[Pair]) -> bool:
    """Whether there is something to learn from."""
    same = sum(pair.same for pair in pairs)
    return min(same, len(pairs) - same) >= LEAST


def _unseen(table: Floats, same: Same, learn: Callable[[Floats, Same, Floats], Floats]) -> Floats:
    """What is said of each row by what was learned from the other folds; rows are in an order of their own."""
    import numpy as np

    folds, said = np.arange(len(table)) % _FOLDS, np.empty(len(table))
    for fold in range(_FOLDS):
        said[folds == fold] = learn(table[folds != fold], same[folds != fold], table[folds == fold])
    return said


def _head(seen: Floats, same: Same) -> tuple[float, Floats]:
    """Logistic regression on standardised columns, written for the raw ones: its bias and weights."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-9
    fitted = LogisticRegression(C=_HEAD_C, max_iter=500).fit((seen - mean) / spread, same)
    weights = fitted.coef_[0] / spread
    return float(fitted.intercept_[0] - weights @ mean), weights


def _applied(head: tuple[float, Floats], seen: Floats) -> Floats:
    said: Floats = seen @ head[1] + head[0]
    return said


def _forests(table: Floats, same: Same) -> list[GradientBoosting]:
    from sklearn.ensemble import GradientBoostingClassifier

    return [GradientBoostingClassifier(**_FOREST, random_state=seed).fit(table, same) for seed in _SEEDS]


def _said(forests: list[GradientBoosting], table: Floats) -> Floats:
    said: Floats = sum(each.decision_function(table) for each in forests) / len(forests)
    return said


def _as_probability(said: Floats, same: Same) -> tuple[tuple[float, float], float]:
    """Platt's scaling (1999) of what was said of unseen pairs by the trees and by the nearness; neither counts against.

    How much nearness adds depends on the encoder: some think all texts near.
    """
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression().fit(said, same)
    scale, near = (float(each) for each in fitted.coef_[0])
    if scale > 0 and near > 0:
        return (scale, near), float(fitted.intercept_[0])
    alone = LogisticRegression().fit(said[:, :1], same)
    return (max(1e-3, float(alone.coef_[0, 0])), 0.0), float(alone.intercept_[0])


def _as_trees(forests: list[GradientBoosting]) -> Trees:
    """All trees of all forests in one row of nodes, their values divided among the forests."""
    feature: list[int] = []
    limit: list[float] = []
    left: list[int] = []
    right: list[int] = []
    value: list[float] = []
    roots: list[int] = []
    base = 0.0
    for forest in forests:
        share = 1 / len(forests)
        base += share * _log_odds(forest)
        for each in forest.estimators_[:, 0]:
            start, tree = len(feature), each.tree_
            roots.append(start)
            is_leaf = tree.children_left < 0
            feature += [-1 if leaf else int(asked) for leaf, asked in zip(is_leaf, tree.feature, strict=True)]
            limit += [float(bound) for bound in tree.threshold]
            left += [int(child) + start for child in tree.children_left]
            right += [int(child) + start for child in tree.children_right]
            value += [share * forest.learning_rate * float(each) for each in tree.value[:, 0, 0]]
    return Trees(base, roots, feature, limit, left, right, value)


def _log_odds(forest: GradientBoosting) -> float:
    import math

    prior = float(forest.init_.class_prior_[1])
    return math.log(prior / (1 - prior))

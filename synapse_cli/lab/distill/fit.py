"""How are closed sets learned by heart? Multinomial logistic regression over words, and over words and embedding.

Everything is measured crosswise: each text is judged by weights that were learned without its fold, in the very eight
bits that the file will hold. What the file holds is learned from all texts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from synapse_cli.core.errors import EngineMissing
from synapse_cli.lab.distill.lessons import Lessons
from synapse_cli.learned import words
from synapse_cli.learned.linear import Linear
from synapse_cli.learned.student import Head, Vocabulary, calibrated, log_odds

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from scipy.sparse import csr_matrix

    Floats = npt.NDArray[np.float64]
    Whole = npt.NDArray[np.int64]

GRAMS = words.Grams(word_buckets=1 << 17, piece_buckets=1 << 16)
"""Wide, since only what was seen is kept: of the pieces of two thousand short texts one in twenty shares a bucket."""
_SEEN_OFTEN = 2
"""Texts in which a word or piece must occur to be learned."""
_MOST_BYTES = 16_000_000
"""Of one table of weights; the rarest words go first."""
_LOUD_WORDS, _LOUD_BOTH, _LOUD_ALONE, _LOUD_VECTOR = 30.0, 100.0, 300.0, 2.5
"""Inverse strength of the ridge, by words, by both and by the embedding alone, and how loud it is beside the words. Of
1 to 300 and of 1.5, 2.5 and 4 the best in area under risk and coverage on two draws of 2,000 of CLINC150's training
texts, judged crosswise; the next ones stand within a tenth of a point."""
_HEARD_WORDS, _HEARD_VECTOR = 0.3, 1.0
"""So much of what words alone and the embedding alone say is added to what both say: of eleven pairs the one that
certifies most on the same draws (.81 and .84 of the texts; without: .78 and .80). Sums of sums: it costs nothing."""
_STRANGE = 0.01
"""Share of texts, unseen, that are held to be unlike the others: what lies further out is never answered."""
_MOST_STEPS = 300
_RIDGE = 1e-3
"""Keeps a calibration near "as it is" where every text agrees."""
_FEW, _FOLDS_OF_FEW, _FOLDS_OF_MANY = 3_000, 10, 5
"""Texts up to which ten folds are affordable: a minute for 2,000 texts under 150 labels."""
_NEVER = -30.0
"""The intercept of a value that a fold has not seen."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned: values x features, in eighths of bytes, and an intercept for each value."""

    vocabulary: Vocabulary
    by_words: Linear
    words_beside: Linear | None = None
    by_vector: Linear | None = None
    middles: Linear | None = None


@dataclass(frozen=True)
class Heard:
    """What each text's look was, judged by weights that never saw it."""

    places: Whole
    """Texts x heads: the likeliest values."""
    chances: Floats
    """Of all of them together."""
    agrees: npt.NDArray[np.bool_]
    """Whether the teachers gave this very answer."""
    nearness: Floats
    """How like what was learned from each text is: the share of known words, or the cosine to the nearest middle."""

    @property
    def least_near(self) -> float:
        """What only the strangest of these texts stay below."""
        import numpy as np

        return float(np.quantile(self.nearness, _STRANGE))


@dataclass(frozen=True)
class Crosswise:
    """What is known of words alone, and of words and embedding together."""

    by_words: Heard
    by_both: Heard | None


class Fitter:
    """Texts taken apart once, to be learned from in many ways. Raises EngineMissing without scikit-learn."""

    def __init__(self, lessons: Lessons, heads: Sequence[Head], vectors: Floats | None) -> None:
        check_installed()
        import numpy as np

        self._counts = [words.count(text, GRAMS) for text in lessons.texts]
        self._texts = lessons.texts
        self._truth = np.array(lessons.places, dtype=np.int64).reshape(len(lessons.texts), len(heads))
        self._heads = heads
        self._vectors = vectors
        self._fold_of = folds_of(lessons.texts)
        self.folds = int(self._fold_of.max()) + 1

    def crosswise(self, reached: Callable[[int], None]) -> Crosswise:
        """What each text would have been told by those who never saw it; `reached` hears of each fold."""
        import numpy as np

        folds = self._fold_of
        everyone = np.arange(len(self._texts))
        looks: list[list[tuple[Floats, Floats]]] = []
        for fold in range(self.folds):
            looks.append(self._looks(self.learn(everyone[folds != fold]), everyone[folds == fold]))
            reached(fold + 1)
        order = np.argsort(np.concatenate([everyone[folds == fold] for fold in range(self.folds)]))
        heard = [
            self._heard(np.vstack([sums for sums, _ in view])[order], np.concatenate([near for _, near in view])[order])
            for view in zip(*looks, strict=True)
        ]
        return Crosswise(heard[0], heard[1] if len(heard) > 1 else None)

    def learn(self, rows: Whole) -> Weights:
        """Learn from these texts."""
        import numpy as np
        from scipy.sparse import csr_matrix, hstack

        vocabulary = self._vocabulary(rows)
        seen = self._matrix(rows, vocabulary)
        by_words = self._fitted(seen, rows, _LOUD_WORDS)
        if self._vectors is None:
            return Weights(vocabulary, linear(*by_words))
        loud = csr_matrix(self._vectors[rows] * _LOUD_VECTOR)
        coefficients, intercepts = self._fitted(hstack([seen, loud]).tocsr(), rows, _LOUD_BOTH)
        known = seen.shape[1]
        by_vector = self._fitted(self._vectors[rows], rows, _LOUD_ALONE)
        beside = coefficients[:, :known] + _HEARD_WORDS * by_words[0]
        meant = _LOUD_VECTOR * coefficients[:, known:] + _HEARD_VECTOR * by_vector[0]
        intercepts = intercepts + _HEARD_WORDS * by_words[1] + _HEARD_VECTOR * by_vector[1]
        together = 1 + _HEARD_WORDS + _HEARD_VECTOR
        return Weights(
            vocabulary,
            linear(*by_words),
            linear(beside / together, intercepts / together),
            linear(meant / together, np.zeros_like(intercepts)),
            self._middles(rows),
        )

    def _middles(self, rows: Whole) -> Linear:
        """The mean vector of each value's texts, at length 1."""
        import numpy as np

        assert self._vectors is not None
        found = []
        for number, head in enumerate(self._heads):
            for value in range(len(head.values)):
                mean = self._vectors[rows[self._truth[rows, number] == value]].sum(axis=0)
                found.append(mean / (float(np.linalg.norm(mean)) or 1.0))
        return linear(np.array(found), np.zeros(len(found)))

    def _vocabulary(self, rows: Whole) -> Vocabulary:
        """What occurs in two texts or more, with how rare it is."""
        having: dict[int, int] = {}
        for row in rows:
            for bucket in self._counts[row]:
                having[bucket] = having.get(bucket, 0) + 1
        values = sum(len(head.values) for head in self._heads)
        often = sorted((bucket for bucket, n in having.items() if n >= _SEEN_OFTEN), key=lambda b: (-having[b], b))
        buckets = sorted(often[: max(1, _MOST_BYTES // values)]) or [0]
        rarities = [_single(math.log((1 + len(rows)) / (1 + having.get(bucket, 0))) + 1) for bucket in buckets]
        return Vocabulary(GRAMS, buckets, rarities)

    def _matrix(self, rows: Whole, vocabulary: Vocabulary) -> csr_matrix:
        import numpy as np
        from scipy.sparse import csr_matrix

        found = [vocabulary.weighed(self._counts[row]) for row in rows]
        ends = np.cumsum([0, *(len(each) for each in found)])
        places = np.fromiter((place for each in found for place in each), np.int32, ends[-1])
        values = np.fromiter((value for each in found for value in each.values()), np.float64, ends[-1])
        return csr_matrix((values, places, ends), shape=(len(rows), len(vocabulary.buckets)))

    def _fitted(self, features: csr_matrix | Floats, rows: Whole, loudness: float) -> tuple[Floats, Floats]:
        """Coefficients and intercepts of all heads, one below the other."""
        import numpy as np

        parts = [
            _of_head(features, self._truth[rows, number], len(head.values), loudness)
            for number, head in enumerate(self._heads)
        ]
        return np.vstack([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def _looks(self, weights: Weights, rows: Whole) -> list[tuple[Floats, Floats]]:
        """What words say of these texts (texts x values) and how many of them are known; then the same of both."""
        import numpy as np

        features = self._matrix(rows, weights.vocabulary)
        known = np.array([weights.vocabulary.known(self._counts[row]) for row in rows])
        found = [(_applied(weights.by_words, features), known)]
        if weights.words_beside is not None and weights.by_vector is not None and weights.middles is not None:
            assert self._vectors is not None
            own = self._vectors[rows]
            sums = _applied(weights.words_beside, features) + _applied(weights.by_vector, own)
            found.append((sums, _applied(weights.middles, own).max(axis=1)))
        return found

    def _heard(self, sums: Floats, nearness: Floats) -> Heard:
        import numpy as np

        places = np.zeros_like(self._truth)
        chances, start = np.ones(len(sums)), 0
        for number, head in enumerate(self._heads):
            own = sums[:, start : start + len(head.values)]
            start += len(head.values)
            places[:, number] = own.argmax(axis=1)
            chances /= np.exp(own - own.max(axis=1, keepdims=True)).sum(axis=1)
        return Heard(places, chances, (places == self._truth).all(axis=1), nearness)


def calibration(heard: Heard) -> tuple[float, float]:
    """Slope and intercept that turn a chance into the share of answers that agree (Platt, 1999, with his targets)."""
    import numpy as np

    odds = np.array([log_odds(float(chance)) for chance in heard.chances])
    right, wrong = int(heard.agrees.sum()), int((~heard.agrees).sum())
    target = np.where(heard.agrees, (right + 1) / (right + 2), 1 / (wrong + 2))
    inputs = np.stack([odds, np.ones_like(odds)], axis=1)
    start = found = np.array([1.0, 0.0])

    def loss(bend: Floats) -> float:
        bent = inputs @ bend
        return float((np.logaddexp(0, bent) - target * bent).sum() + _RIDGE / 2 * ((bend - start) ** 2).sum())

    for _ in range(100):
        said = 1 / (1 + np.exp(-np.clip(inputs @ found, -30, 30)))
        slope = inputs.T @ (said - target) + _RIDGE * (found - start)
        curve = (inputs * (said * (1 - said))[:, None]).T @ inputs + _RIDGE * np.eye(2)
        step = np.linalg.solve(curve, slope)
        while loss(found - step) > loss(found) and float(np.abs(step).max()) > 1e-9:
            step = step / 2  # Newton's step is too long where most chances are near 1
        found = found - step
        if float(np.abs(step).max()) < 1e-9:
            break
    return max(0.0, float(found[0])), float(found[1])


def confidences(heard: Heard, bend: tuple[float, float]) -> Floats:
    """Each look's calibrated confidence; below 0 for a text that is unlike the others."""
    import numpy as np

    found = np.array([calibrated(float(chance), bend) for chance in heard.chances])
    return np.where(heard.nearness >= heard.least_near, found, -1.0)


def folds_of(texts: Sequence[str]) -> Whole:
    """The fold of each text, by its hash: the same whoever stands before it."""
    import numpy as np

    many = min(_FOLDS_OF_FEW if len(texts) <= _FEW else _FOLDS_OF_MANY, len(texts))
    ranked = sorted(range(len(texts)), key=lambda at: blake2b(texts[at].encode("utf-8", "replace")).digest())
    found = np.zeros(len(texts), dtype=np.int64)
    found[ranked] = np.arange(len(texts)) % many
    return found


def linear(coefficients: Floats, intercepts: Floats) -> Linear:
    """Values x features in eight bits."""
    import numpy as np

    scales = np.maximum(np.abs(coefficients).max(axis=1, initial=0.0), 1e-9) / 127
    packed = np.round(coefficients / scales[:, None]).astype(np.int8).tobytes()
    return Linear(
        size=coefficients.shape[1],
        bias=tuple(map(float, intercepts)),
        scales=tuple(map(float, scales)),
        weights=memoryview(packed).cast("b"),
    )


def check_installed() -> None:
    """Raise EngineMissing, which names the extra, where scikit-learn is not installed."""
    from importlib.util import find_spec

    if find_spec("sklearn") is None:
        raise EngineMissing("learning needs scikit-learn, which is not installed", "pip install 'synapse-llm[tune]'")


def _of_head(features: csr_matrix | Floats, truth: Whole, values: int, loudness: float) -> tuple[Floats, Floats]:
    """Coefficients and intercepts of one closed set; what these texts never got is out of the question."""
    import numpy as np

    coefficients, intercepts = np.zeros((values, features.shape[1])), np.full(values, _NEVER)
    seen = np.unique(truth)
    if len(seen) == 1:
        intercepts[seen[0]] = 0.0
        return coefficients, intercepts
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=loudness, max_iter=_MOST_STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough: what counts is measured on other texts
        model.fit(features, truth)
    if len(seen) == 2:  # one row says what the second has over the first
        coefficients[seen[1]], intercepts[seen] = model.coef_[0], (0.0, float(model.intercept_[0]))
    else:
        coefficients[seen], intercepts[seen] = model.coef_, model.intercept_
    return coefficients, intercepts


def _applied(part: Linear, features: csr_matrix | Floats) -> Floats:
    """Rows x values, as `Linear` itself says them."""
    import numpy as np

    weights = np.frombuffer(part.weights, np.int8).reshape(len(part.bias), part.size).astype(np.float64)  # type: ignore[call-overload]  # a memoryview of bytes
    found: Floats = np.asarray(features @ (weights * np.array(part.scales)[:, None]).T) + np.array(part.bias)
    return found


def _single(value: float) -> float:
    """As a file of float32 gives it back."""
    import struct

    return float(struct.unpack("<f", struct.pack("<f", value))[0])

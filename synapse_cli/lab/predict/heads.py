"""What does each head say of rows that it has not seen? Ridge regressions over words, surface, length and embedding.

Least squares on the scores themselves, which may be any number from 0 to 1; the blend makes probabilities of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synapse_cli.core.errors import EngineMissing
from synapse_cli.learned import linear, surface, words
from synapse_cli.learned import neighbours as near
from synapse_cli.learned.predictor import Blend, Predictor, in_steps

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.int64]

LENGTHS = 3
"""The first features of the surface: the length, and where its effect may bend."""
_WORDS_PENALTY, _SURFACE_PENALTY, _LENGTH_PENALTY, _EMBEDDING_PENALTY = 3.0, 30.0, 1.0, 10.0
_NEAREST = 60
_MOST_NEIGHBOURS = 4000
"""Prompts kept, of 384 bytes each; more make the file large and the answer little better."""


@dataclass(frozen=True, slots=True)
class Form:
    """How many of the heads and of the signs of strangeness are asked."""

    heads: int
    signs: int


LEXICAL, FULL = Form(3, 2), Form(5, 4)


@dataclass(frozen=True, slots=True)
class Seen:
    """Rows to learn from, each read once."""

    prompts: Sequence[str]
    scores: Floats
    counts: Any  # a scipy sparse matrix, rows x buckets: scipy has no types
    outside: Floats
    vectors: Floats | None
    grams: words.Grams

    def place(self) -> Floats:
        """Where each prompt lies, for clusters: its vector, else its words."""
        if self.vectors is not None:
            return self.vectors
        from sklearn.decomposition import TruncatedSVD

        found: Floats = TruncatedSVD(min(50, len(self.prompts) - 1), random_state=0).fit_transform(
            _weighed(self.counts, _rarities(self.counts), self.grams)
        )
        return found


@dataclass(frozen=True, slots=True)
class Heard:
    """What the heads said: heads x rows x ways, and the signs of strangeness: rows x signs."""

    said: Floats
    signs: Floats


def forms(seen: Seen) -> tuple[Form, ...]:
    """The lexical form, and the full one where there are vectors."""
    return (LEXICAL,) if seen.vectors is None else (LEXICAL, FULL)


def see(prompts: Sequence[str], scores: Floats, vectors: Floats | None, grams: words.Grams) -> Seen:
    """Read the prompts. Raises EngineMissing where scikit-learn is not there."""
    import numpy as np

    try:
        import sklearn  # noqa: F401  # scipy comes with it
        from scipy.sparse import csr_matrix
    except ImportError as error:
        raise EngineMissing("learning needs scikit-learn", "pip install 'synapse-llm[tune]'") from error
    counted = [words.count(prompt, grams) for prompt in prompts]
    places = np.cumsum([0, *map(len, counted)])
    columns = np.fromiter((bucket for each in counted for bucket in each), np.int32)
    values = np.fromiter((often for each in counted for often in each.values()), np.float64)
    counts = csr_matrix((values, columns, places), shape=(len(prompts), grams.buckets))
    outside = np.asarray([surface.features(prompt) for prompt in prompts])
    if vectors is not None:
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return Seen(prompts, scores, counts, outside, vectors, grams)


def held_out(seen: Seen, fold: Rows, tell: Callable[[], None]) -> Heard:
    """What heads that were fitted on the other folds say of each fold."""
    import numpy as np

    form = forms(seen)[-1]
    said = np.zeros((form.heads, *seen.scores.shape))
    signs = np.zeros((len(seen.prompts), form.signs))
    for each in np.unique(fold):
        train, test = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        said[:, test], signs[test] = _ask(seen, train, test)
        tell()
    return Heard(said, signs)


def _ask(seen: Seen, train: Rows, test: Rows) -> tuple[Floats, Floats]:
    import numpy as np

    rarities = _rarities(seen.counts[train])
    weighed = _weighed(seen.counts, rarities, seen.grams)
    rows = [(weighed, _WORDS_PENALTY), (seen.outside, _SURFACE_PENALTY), (seen.outside[:, :LENGTHS], _LENGTH_PENALTY)]
    if seen.vectors is not None:
        rows.append((seen.vectors, _EMBEDDING_PENALTY))
    said = []
    for features, penalty in rows:
        weights, bias = _ridge(features[train], seen.scores[train], penalty)
        said.append(features[test] @ weights.T + bias)
    signs = _strangeness(seen.counts[test], rarities, seen.grams)
    if seen.vectors is not None:
        nearby, likeness = _nearby(seen.vectors[train], seen.scores[train], seen.vectors[test])
        said.append(nearby)
        signs = np.hstack([signs, likeness])
    return np.stack(said), signs


def whole(seen: Seen, encoder: str | None) -> Callable[..., Predictor]:
    """The heads fitted on all rows: a predictor that still wants its blends."""
    rarities = _rarities(seen.counts)
    weighed = _weighed(seen.counts, rarities, seen.grams)
    heads = [
        _small(_ridge(features, seen.scores, penalty))
        for features, penalty in (
            (weighed, _WORDS_PENALTY),
            (seen.outside, _SURFACE_PENALTY),
            (seen.outside[:, :LENGTHS], _LENGTH_PENALTY),
        )
    ]
    embedding = neighbours = None
    if seen.vectors is not None:
        embedding = _small(_ridge(seen.vectors, seen.scores, _EMBEDDING_PENALTY))
        kept = slice(0, _MOST_NEIGHBOURS)
        neighbours = near.from_rows(seen.vectors[kept].astype("float32"), seen.scores[kept].astype("float32"), _NEAREST)

    def with_blends(lexical: Blend, full: Blend | None = None) -> Predictor:
        return Predictor(
            ways=seen.scores.shape[1],
            grams=seen.grams,
            rarities=[int(each) for each in rarities],
            lexical=heads[0],
            surface=heads[1],
            length=heads[2],
            lexical_blend=lexical,
            encoder=encoder if full is not None else None,
            embedding=embedding,
            neighbours=neighbours,
            full_blend=full,
        )

    return with_blends


def _ridge(features: Any, scores: Floats, penalty: float) -> tuple[Floats, Floats]:  # a dense or a sparse matrix
    """Weights (ways x features) and bias."""
    import numpy as np
    from scipy.sparse import issparse
    from sklearn.linear_model import Ridge

    if issparse(features):
        model = Ridge(alpha=penalty, solver="sparse_cg", tol=1e-4).fit(features, scores)
        return np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    middle, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    if features.shape[1] > len(surface.NAMES):
        spread = np.full_like(spread, spread.mean())  # a vector's numbers are of one kind: none is stretched
    model = Ridge(alpha=penalty, solver="cholesky").fit((features - middle) / spread, scores)
    weights = np.atleast_2d(model.coef_) / spread
    return weights, np.atleast_1d(model.intercept_) - weights @ middle


def _small(fitted: tuple[Floats, Floats]) -> linear.Linear:
    weights, bias = fitted
    return linear.from_floats(weights.tolist(), bias.tolist())


def _rarities(counts: Any) -> Floats:
    """`words.rarity` in the steps that are kept."""
    import numpy as np

    having = np.asarray((counts > 0).sum(axis=0)).ravel()
    rare = np.where(having > 0, np.log((1 + counts.shape[0]) / (1 + having)) + 1, 0.0)
    return np.asarray(in_steps(rare.tolist()), dtype=np.float64)


def _weighed(counts: Any, rarities: Floats, grams: words.Grams) -> Any:
    """`words.weigh`, all rows at once."""
    import numpy as np
    from scipy.sparse import diags, hstack

    tamed = counts.copy()
    tamed.data = 1 + np.log(tamed.data)
    tamed = (tamed @ diags(rarities)).tocsr()
    parts = []
    for part in (tamed[:, : grams.word_buckets], tamed[:, grams.word_buckets :]):
        lengths = np.sqrt(np.asarray(part.multiply(part).sum(axis=1)).ravel())
        parts.append(diags(1 / np.where(lengths > 0, lengths, 1.0)) @ part)
    return hstack(parts).tocsr()


def _strangeness(counts: Any, rarities: Floats, grams: words.Grams) -> Floats:
    """`predictor.strangeness`, all rows at once."""
    import numpy as np

    has = counts > 0
    new = (rarities == 0).astype(np.float64)
    shares = []
    for part in (slice(0, grams.word_buckets), slice(grams.word_buckets, grams.buckets)):
        having = np.asarray(has[:, part].sum(axis=1)).ravel()
        unknown = has[:, part] @ new[part]
        shares.append(np.where(having > 0, unknown / np.maximum(having, 1), 1.0))
    return np.stack(shares, axis=1)


def _nearby(train: Floats, scores: Floats, test: Floats) -> tuple[Floats, Floats]:
    """`Neighbours.ask`, all rows at once: mean scores, and two likenesses."""
    import numpy as np

    many = min(_NEAREST, len(train))
    likeness = test @ train.T
    near_rows = np.argsort(-likeness, axis=1, kind="stable")[:, :many]
    found = np.take_along_axis(likeness, near_rows, axis=1)[:, : near.NEAREST]
    return scores[near_rows].mean(axis=1), np.stack([found[:, 0], found.mean(axis=1)], axis=1)

"""What is there to see in the rows? Each prompt is read once: its words, its surface, its vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synapse_cli.core.errors import EngineMissing
from synapse_cli.learned import surface, words
from synapse_cli.learned.neighbours import NEAREST
from synapse_cli.learned.predictor import in_steps

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.int64]

_AT_ONCE = 2000
"""Rows whose likeness to all others is held in memory at a time."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Rows to learn from."""

    counts: Any  # a scipy sparse matrix, rows x buckets: scipy has no types
    outside: Floats
    vectors: Floats | None
    grams: words.Grams

    def __len__(self) -> int:
        return len(self.outside)

    def rarities(self, rows: Rows) -> Floats:
        """`words.rarity` of these rows, in the steps that are kept."""
        import numpy as np

        counts = self.counts[rows]
        having = np.asarray((counts > 0).sum(axis=0)).ravel()
        rare = np.where(having > 0, np.log((1 + counts.shape[0]) / (1 + having)) + 1, 0.0)
        return np.asarray(in_steps(rare.tolist()), dtype=np.float64)

    def weighed(self, rows: Rows) -> Any:
        """`words.weigh` of all rows, as these have it."""
        import numpy as np
        from scipy.sparse import diags, hstack

        tamed = self.counts.copy()
        tamed.data = 1 + np.log(tamed.data)
        tamed = (tamed @ diags(self.rarities(rows))).tocsr()
        parts = []
        for part in (tamed[:, : self.grams.word_buckets], tamed[:, self.grams.word_buckets :]):
            lengths = np.sqrt(np.asarray(part.multiply(part).sum(axis=1)).ravel())
            parts.append(diags(1 / np.where(lengths > 0, lengths, 1.0)) @ part)
        return hstack(parts).tocsr()

    def place(self) -> Floats:
        """Where each prompt lies, for clusters: its vector, else its words."""
        import numpy as np

        if self.vectors is not None:
            return self.vectors
        from sklearn.decomposition import TruncatedSVD

        found: Floats = TruncatedSVD(min(50, len(self) - 1), random_state=0).fit_transform(
            self.weighed(np.arange(len(self)))
        )
        return found

    def strangeness(self, fold: Rows) -> Floats:
        """The signs of strangeness of each row, as the other folds see it: in the words, then in the vector."""
        import numpy as np

        signs = np.zeros((len(self), 2 if self.vectors is None else 4))
        for each in np.unique(fold):
            train, test = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
            signs[test, :2] = self._words(test, self.rarities(train))
            if self.vectors is not None:
                signs[test, 2:] = _likeness(self.vectors[test], self.vectors[train])
        return signs

    def _words(self, rows: Rows, rarities: Floats) -> Floats:
        """`predictor.strangeness`, many rows at once."""
        import numpy as np

        has, first = (self.counts[rows] > 0).astype(np.float64), self.grams.word_buckets
        many = np.asarray(has[:, :first].sum(axis=1)).ravel()
        unknown, rare = has[:, :first] @ (rarities[:first] == 0), has[:, :first] @ rarities[:first]
        some = np.maximum(many, 1)
        return np.stack(
            [np.where(many > 0, unknown / some, 1.0), np.where(many > 0, (rare / 255 + unknown) / some, 1.0)], axis=1
        )


def _likeness(asked: Floats, known: Floats) -> Floats:
    """Of the nearest, and the mean of the nearest few."""
    import numpy as np

    many = min(NEAREST, len(known))
    found = []
    for start in range(0, len(asked), _AT_ONCE):
        likeness = asked[start : start + _AT_ONCE] @ known.T
        nearest = np.partition(likeness, len(known) - many, axis=1)[:, len(known) - many :]
        found.append(np.stack([nearest.max(axis=1), nearest.mean(axis=1)], axis=1))
    return np.vstack(found)


def see(prompts: Sequence[str], vectors: Floats | None, grams: words.Grams) -> Sight:
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
    counts.sort_indices()
    outside = np.asarray([surface.features(prompt) for prompt in prompts])
    if vectors is not None:
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return Sight(counts, outside, vectors, grams)

"""Which rows are held out together? By row, and by subject, the same whatever the order they came in."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.lab.predict.sight import Sight

    Floats = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.int64]

FOLDS = 5
_LEAST_SUBJECTS = 5
"""With fewer tasks, subjects are clusters of like prompts."""
_CLUSTERS = 20


def canonical(prompts: Sequence[str], scores: Floats) -> Rows:
    """The order to learn in: by a hash of each row, so that neighbours in a file are not neighbours here."""
    import numpy as np

    keys = [
        hashlib.sha256(prompt.encode("utf-8", "surrogatepass") + row.tobytes()).digest()
        for prompt, row in zip(prompts, scores, strict=True)
    ]
    return np.asarray(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def by_row(rows: int) -> Rows:
    """The fold of each row; rows in canonical order are as good as shuffled."""
    import numpy as np

    return np.arange(rows, dtype=np.int64) % FOLDS


def groups(seen: Sight, tasks: Sequence[str] | None) -> list[str]:
    """The subject of each row: its task, or the cluster it belongs to where tasks say too little."""
    if tasks is not None and len(set(tasks)) >= _LEAST_SUBJECTS:
        return list(tasks)
    from sklearn.cluster import KMeans

    many = min(_CLUSTERS, max(FOLDS, len(seen) // 20))
    found = KMeans(many, n_init=1, random_state=0, max_iter=30).fit_predict(seen.place())
    return [str(each) for each in found]


def by_group(subjects: Sequence[str]) -> Rows:
    """The fold of each row, where a subject is in one fold: the largest first, each to the smallest fold."""
    import numpy as np

    sizes = sorted(Counter(subjects).items(), key=lambda each: (-each[1], each[0]))
    filled = [0] * min(FOLDS, len(sizes))
    fold = {}
    for subject, size in sizes:
        fold[subject] = filled.index(min(filled))
        filled[fold[subject]] += size
    return np.asarray([fold[subject] for subject in subjects], dtype=np.int64)

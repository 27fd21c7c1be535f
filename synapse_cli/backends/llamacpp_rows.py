"""What may come next, and how likely is the likeliest? Read off the logits where llama.cpp left them.

All sequences of a batch at once, and without a copy: confidence then costs one exponential a vocabulary entry.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from synapse_cli.core.errors import ModelUnusable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Logits = npt.NDArray[np.float32]

_SAFE = 60.0
"""Within this of zero, float32 holds the exponentials and their sum, and nothing need be taken off first."""


class Row:
    """The logits after one token. They are llama.cpp's own, and good until the task asks for more."""

    __slots__ = ("_abstaining", "_total", "best", "log_chance", "logits")

    def __init__(self, logits: Logits, best: int, total: float, abstaining: float) -> None:
        self.logits = logits
        self.best = best
        """The likeliest token."""
        self._total = total
        self.log_chance: float = float(logits[best]) - total
        """Its log-probability."""
        self._abstaining = abstaining

    def log_chance_of(self, token: int) -> float:
        """Log-probability of a token."""
        return float(self.logits[token]) - self._total

    @property
    def knows(self) -> float:
        """1 less the probability that the model says that it does not know; 1 for a model that cannot say so."""
        abstains = self._abstaining - self._total
        return 1.0 / (1.0 + math.exp(min(abstains, 700.0)))


class Reader:
    """Turns the logits of batches into rows; holds the memory that this needs."""

    def __init__(self, abstain_token: int | None) -> None:
        import numpy as np

        self._np = np
        self._abstain_token = abstain_token
        self._scratch: Logits | None = None

    def rows(self, logits: Logits) -> list[Row]:
        """One row a position. The token by which a model abstains is heard here, and then cannot be written."""
        np = self._np
        abstaining = [-math.inf] * len(logits)
        if self._abstain_token is not None:
            abstaining = logits[:, self._abstain_token].tolist()
            logits[:, self._abstain_token] = -math.inf
        best = logits.argmax(axis=1)
        tops = logits[np.arange(len(logits)), best]
        totals = self._totals(logits, tops)
        return [Row(*each) for each in zip(logits, best.tolist(), totals, abstaining, strict=True)]

    def _totals(self, logits: Logits, tops: Logits) -> list[float]:
        """The logarithm of each row's sum of exponentials; raises ModelUnusable where weights are damaged."""
        np = self._np
        if self._scratch is None or self._scratch.shape != logits.shape:
            self._scratch = np.empty_like(logits)
        heights = tops.tolist()
        if not all(-_SAFE < height < _SAFE for height in heights):
            if not all(math.isfinite(height) for height in heights):
                raise ModelUnusable("the model computes not-a-number: its weights are damaged", "download it again")
            shifted = np.subtract(logits, tops[:, None], out=self._scratch)
            sums = np.exp(shifted, out=self._scratch).sum(axis=1).tolist()
            return [height + math.log(total) for height, total in zip(heights, sums, strict=True)]
        sums = np.exp(logits, out=self._scratch).sum(axis=1).tolist()
        return [math.log(total) for total in sums]

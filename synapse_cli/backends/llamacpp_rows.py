"""What may come next, and how likely is the likeliest? Read off the logits where llama.cpp left them.

Without a copy: confidence then costs one exponential a vocabulary entry.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from synapse_cli.core.errors import ModelUnusable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Logits = npt.NDArray[np.float32]

ExpSum = Callable[[int, int, int, float], float]
"""llama.cpp's own: (size, where to write, where to read, the highest) → the sum of the exponentials."""


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
    """Turns the logits of a batch into rows; holds the memory that this needs."""

    def __init__(self, abstain_token: int | None, exp_sum: ExpSum | None) -> None:
        import numpy as np

        self._exp, self._sum, self._like = np.exp, np.add.reduce, np.empty_like
        self._exp_sum = exp_sum
        self._abstain_token = abstain_token
        self._scratch: Logits | None = None
        self._there = 0

    def rows(self, logits: Logits) -> list[Row]:
        """One row a position. The token by which a model abstains is heard here, and then cannot be written.

        Raises ModelUnusable where the weights are damaged.
        """
        start, step = logits.ctypes.data, logits.strides[0]
        return [self._row(each, start + number * step) for number, each in enumerate(logits)]

    def _row(self, logits: Logits, address: int) -> Row:
        abstaining = -math.inf
        if self._abstain_token is not None:
            abstaining = float(logits[self._abstain_token])
            logits[self._abstain_token] = -math.inf
        best = int(logits.argmax())
        top = float(logits[best])
        if not math.isfinite(top):
            raise ModelUnusable("the model computes not-a-number: its weights are damaged", "download it again")
        return Row(logits, best, top + math.log(self._total(logits, address, top)), abstaining)

    def _total(self, logits: Logits, address: int, top: float) -> float:
        """The sum of the exponentials, of which the highest is 1."""
        if self._scratch is None:
            self._scratch = self._like(logits)
            self._there = self._scratch.ctypes.data
        if self._exp_sum is not None:
            return self._exp_sum(len(logits), self._there, address, top)
        return float(self._sum(self._exp(logits - top, out=self._scratch)))

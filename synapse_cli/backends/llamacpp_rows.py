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
"""(size, where to write, where to read, the highest) → the sum of the exponentials, of which the highest is 1."""


class Row:
    """The logits after one token. They are llama.cpp's own, and good until the task asks for more."""

    __slots__ = ("_abstaining", "_total", "best", "log_chance", "logits")

    def __init__(self, logits: Logits, best: int, log_chance: float, total: float, abstaining: float) -> None:
        self.logits = logits
        self.best = best
        """The likeliest token."""
        self.log_chance = log_chance
        """Its log-probability."""
        self._total = total
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

    def __init__(self, size: int, abstain_token: int | None, exp_sum: ExpSum | None) -> None:
        import numpy as np

        self._size = size
        self._abstain_token = abstain_token
        self._scratch = np.empty(size, np.float32)
        self._exp_sum = exp_sum or self._summed
        self._there: int = self._scratch.ctypes.data

    def rows(self, logits: Logits, address: int) -> list[Row]:
        """One row a position of the logits, which stand at this address.

        The token by which a model abstains is heard here, and then cannot be written. Raises ModelUnusable where the
        weights are damaged.
        """
        rows = []
        for row in logits:
            abstaining = -math.inf
            if self._abstain_token is not None:
                abstaining = row.item(self._abstain_token)
                row[self._abstain_token] = -math.inf
            best = int(row.argmax())
            top = row.item(best)
            if not math.isfinite(top):
                raise ModelUnusable("the model computes not-a-number: its weights are damaged", "download it again")
            rest = math.log(self._exp_sum(self._size, self._there, address, top))
            rows.append(Row(row, best, -rest, top + rest, abstaining))
            address += 4 * self._size
        return rows

    def _summed(self, size: int, _there: int, address: int, top: float) -> float:
        """The sum by numpy, where ggml's is not to be had."""
        import ctypes

        import numpy as np

        logits = np.ctypeslib.as_array((ctypes.c_float * size).from_address(address))
        return float(np.exp(logits - top, out=self._scratch).sum(dtype=np.float64))

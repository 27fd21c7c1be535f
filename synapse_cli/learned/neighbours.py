"""How did each way do on similar prompts that were seen? A sum over all of them, by likeness; numpy, where it is asked.

The posterior mean of a Gaussian process (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, 2.2)
with the kernel exp(sharpness · (cosine - 1)): far from everything that was seen it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from synapse_cli.core.prompt import Json
from synapse_cli.learned.file import Tensor

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

NEAREST = 10
"""Of how many neighbours the likeness is told that doubt is measured by."""


@dataclass(slots=True, kw_only=True)
class Neighbours:
    """Prompts that were seen, and what each says of each way. The only state is the unpacked form, made once."""

    size: int
    """Prompts."""
    dimension: int
    ways: int
    sharpness: float
    """How quickly a prompt matters less with less likeness."""
    vectors: bytes | memoryview
    """Whole numbers from -127 to 127: `dimension` of the first prompt, then those of the next."""
    weights: bytes | memoryview
    """float32: what the first prompt adds to each way, then the next."""
    _unpacked: tuple[Floats, Floats] | None = field(default=None, repr=False, compare=False)

    def ask(self, vector: Sequence[float]) -> tuple[tuple[float, ...], float, float]:
        """What is added for each way, the likeness of the nearest prompt, and the mean of the nearest few."""
        import numpy as np

        rows, weights = self._rows()
        asked = np.asarray(vector, dtype=np.float32)
        # not `@`: BLAS leaves its threads spinning for milliseconds, which costs twice what the encoder does
        likeness = np.einsum("ij,j->i", rows, asked / (float(np.linalg.norm(asked)) or 1.0))
        added = np.einsum("i,ij->j", np.exp(self.sharpness * (likeness - 1)), weights)
        many = min(NEAREST, self.size)
        nearest = np.partition(likeness, self.size - many)[self.size - many :]
        return tuple(map(float, added)), float(nearest.max()), float(nearest.mean())

    def _rows(self) -> tuple[Floats, Floats]:
        if self._unpacked is None:
            import numpy as np

            rows = np.frombuffer(self.vectors, np.int8).reshape(self.size, self.dimension).astype(np.float32)
            rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
            weights = np.frombuffer(self.weights, np.dtype("<f4")).reshape(self.size, self.ways)
            self._unpacked = rows, weights.astype(np.float32)
        return self._unpacked

    def about(self) -> dict[str, Json]:
        """All but the numbers, for a file."""
        return {"size": self.size, "dimension": self.dimension, "ways": self.ways, "sharpness": self.sharpness}

    def tensors(self, prefix: str) -> dict[str, Tensor]:
        """The numbers, for a file."""
        return {
            f"{prefix}vectors": Tensor("I8", (self.size, self.dimension), self.vectors),
            f"{prefix}weights": Tensor("F32", (self.size, self.ways), self.weights),
        }


def from_rows(vectors: Floats, weights: Floats, sharpness: float) -> Neighbours:
    """Prompts x dimension in eight bits, and prompts x ways."""
    import numpy as np

    widest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-9)
    return Neighbours(
        size=len(vectors),
        dimension=vectors.shape[1],
        ways=weights.shape[1],
        sharpness=sharpness,
        vectors=np.round(vectors / widest * 127).astype(np.int8).tobytes(),
        weights=weights.astype("<f4").tobytes(),
    )


def from_file(about: Mapping[str, Json], tensors: Mapping[str, Tensor], prefix: str) -> Neighbours:
    """What `about` and `tensors` told. Raises KeyError, TypeError or ValueError for what is none."""
    size, dimension, ways = (int(about[key]) for key in ("size", "dimension", "ways"))  # type: ignore[arg-type]  # int() raises
    vectors, weights = tensors[f"{prefix}vectors"], tensors[f"{prefix}weights"]
    if size < 1 or vectors.shape != (size, dimension) or weights.shape != (size, ways):
        raise ValueError("neighbours of another form")
    if (vectors.dtype, weights.dtype) != ("I8", "F32"):
        raise ValueError("neighbours of another form")
    return Neighbours(
        size=size,
        dimension=dimension,
        ways=ways,
        sharpness=float(about["sharpness"]),  # type: ignore[arg-type]  # float() raises
        vectors=vectors.data,
        weights=weights.data,
    )

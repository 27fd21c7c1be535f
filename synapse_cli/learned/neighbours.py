"""How did each way do on the most similar prompts that were seen? Vectors in eight bits; numpy, where it is asked."""

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
    """Prompts that were seen, and how well each way did on them. The only state is the unpacked form, made once."""

    size: int
    """Prompts."""
    dimension: int
    ways: int
    nearest: int
    """Of how many the mean is taken."""
    vectors: bytes | memoryview
    """Whole numbers from -127 to 127: `dimension` of the first prompt, then those of the next."""
    scores: bytes | memoryview
    """From 0 to 255: what each way was given for the first prompt, then for the next."""
    _unpacked: tuple[Floats, Floats] | None = field(default=None, repr=False, compare=False)

    def ask(self, vector: Sequence[float]) -> tuple[tuple[float, ...], float, float]:
        """The mean score of each way nearby, the likeness of the nearest prompt, and the mean of the next few."""
        import numpy as np

        rows, scores = self._rows()
        asked = np.asarray(vector, dtype=np.float32)
        likeness = rows @ (asked / (float(np.linalg.norm(asked)) or 1.0))
        many = min(self.nearest, self.size)
        near = np.argpartition(-likeness, many - 1)[:many]
        near = near[np.lexsort((near, -likeness[near]))]
        means = scores[near].mean(axis=0)
        first = likeness[near[:NEAREST]]
        return tuple(map(float, means)), float(first[0]), float(first.mean())

    def _rows(self) -> tuple[Floats, Floats]:
        if self._unpacked is None:
            import numpy as np

            rows = np.frombuffer(self.vectors, np.int8).reshape(self.size, self.dimension).astype(np.float32)
            rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
            scores = np.frombuffer(self.scores, np.uint8).reshape(self.size, self.ways).astype(np.float32)
            self._unpacked = rows, scores / np.float32(255)
        return self._unpacked

    def about(self) -> dict[str, Json]:
        """All but the numbers, for a file."""
        return {"size": self.size, "dimension": self.dimension, "ways": self.ways, "nearest": self.nearest}

    def tensors(self, prefix: str) -> dict[str, Tensor]:
        """The numbers, for a file."""
        return {
            f"{prefix}vectors": Tensor("I8", (self.size, self.dimension), self.vectors),
            f"{prefix}scores": Tensor("U8", (self.size, self.ways), self.scores),
        }


def from_rows(vectors: Floats, scores: Floats, nearest: int) -> Neighbours:
    """Prompts x dimension and prompts x ways, in eight bits."""
    import numpy as np

    widest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-9)
    return Neighbours(
        size=len(vectors),
        dimension=vectors.shape[1],
        ways=scores.shape[1],
        nearest=nearest,
        vectors=np.round(vectors / widest * 127).astype(np.int8).tobytes(),
        scores=np.round(np.clip(scores, 0, 1) * 255).astype(np.uint8).tobytes(),
    )


def from_file(about: Mapping[str, Json], tensors: Mapping[str, Tensor], prefix: str) -> Neighbours:
    """What `about` and `tensors` told. Raises KeyError, TypeError or ValueError for what is none."""
    size, dimension, ways, nearest = (int(about[key]) for key in ("size", "dimension", "ways", "nearest"))  # type: ignore[arg-type]  # int() raises
    vectors, scores = tensors[f"{prefix}vectors"], tensors[f"{prefix}scores"]
    if vectors.shape != (size, dimension) or scores.shape != (size, ways) or nearest < 1 or size < 1:
        raise ValueError("neighbours of another form")
    return Neighbours(
        size=size, dimension=dimension, ways=ways, nearest=nearest, vectors=vectors.data, scores=scores.data
    )

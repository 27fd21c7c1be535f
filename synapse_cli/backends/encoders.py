"""Which encoder does a model mean, and which texts are most like another?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from synapse_cli.core.errors import UsageError
from synapse_cli.core.ports import Encoder
from synapse_cli.core.registry import load, names
from synapse_cli.core.vectors import Vectors
from synapse_cli.profile.model import Model

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

Keys = Callable[[], tuple[str, ...]]


def encoder_kind(model: Model) -> str:
    """The registered name of what encodes for this model. Raises UsageError where nothing does."""
    match model.backend:
        case "litellm":
            return "litellm"
        case "llama.cpp":
            return "llama.cpp"
        case "encoder":
            return "litellm" if model.source is None else "llama.cpp"
        case other if other in names("encoders"):
            return other
        case other:
            raise UsageError(
                f"the model {model.name!r} ({other}) makes no vectors", "name an encoder with -m, or leave -m out"
            )


def open_encoder(model: Model, keys: Keys | None = None) -> Encoder:
    """Build the model's encoder in this process; nothing is loaded yet."""
    kind = encoder_kind(model)
    made = load("encoders", kind)
    encoder: Encoder = made(model, keys) if kind == "litellm" else made(model)
    return encoder


def similarities(rows: Vectors) -> list[float]:
    """The cosine of the first vector and each of the others, in order."""
    import numpy as np

    found = unit(matrix(rows))
    return [float(each) for each in np.clip(found[1:] @ found[0], -1, 1)]


def matrix(vectors: Vectors) -> Floats:
    """The vectors as the rows of an array."""
    import numpy as np

    return np.frombuffer(vectors.packed, dtype="<f4").reshape(len(vectors), vectors.dimension)


def unit(rows: Floats) -> Floats:
    """The rows at length 1; a row of nothing stays so."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    made: Floats = (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)
    return made

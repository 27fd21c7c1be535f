"""What are the texts like that people put under a common label? For each, MiniLM's mean vector of such texts.

A name such as "negative" says little of what negative texts are like. The vectors are made by `lab.prototypes` from
the hand-written bank that nano learns from, and mean something to MiniLM only.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "minilm_labels.bin")
"""A line of JSON (the dimension, and for each name the rows of its senses), then the rows in 8 bits."""
_SEPARATED = re.compile(r"(?<=[a-z])(?=[A-Z])|[\W_]+")


def spoken(label: str) -> str:
    """A label as a person would say it: `cancel_subscription` and `cancelSubscription` are two words."""
    return _SEPARATED.sub(" ", label).strip().lower() or label


def likeness(labels: Sequence[str], text: Floats) -> Floats | None:
    """How like the texts under each label this one is, by MiniLM's vector of it; None where a label is not known."""
    import numpy as np

    names, rows = _table()
    senses = [names.get(spoken(label)) for label in labels]
    if any(sense is None for sense in senses):
        return None
    near = rows @ text
    return np.array([max(near[row] for row in sense) for sense in senses if sense], dtype=np.float32)


@cache
def _table() -> tuple[dict[str, list[int]], Floats]:
    import numpy as np

    with open(FILE, "rb") as file:
        said = json.loads(file.readline())
        raw = np.frombuffer(file.read(), dtype=np.int8).reshape(-1, said["dimension"]).astype(np.float32)
    rows: Floats = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return said["names"], rows

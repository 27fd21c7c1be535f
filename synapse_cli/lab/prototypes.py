"""Make the vectors of common labels that MiniLM's tier compares a text with: `python -m synapse_cli.lab.prototypes`.

For every label under which the bank has three texts or more, the mean of their vectors; the label's synonyms lead to
the same row.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from synapse_cli.backends.encoders import matrix
from synapse_cli.backends.llamacpp_encoder import LlamaEncoder
from synapse_cli.backends.prototypes import FILE, spoken
from synapse_cli.core.control import Control
from synapse_cli.lab.nano import bank
from synapse_cli.profile.model import Model

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

_LEAST = 3
"""Texts that make a prototype."""
_SAY_NOTHING = frozenset({"yes", "no"})


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--output", default=FILE)
    options = parser.parse_args()
    lines = bank.read()
    under = texts_by_label(lines)
    vectors = encoded(sorted({text for texts in under.values() for text in texts}))
    means = prototypes(under, vectors)
    with open(options.output, "wb") as file:
        file.write(packed(means, lines.synonyms))
    sys.stdout.write(f"{len(means)} labels in {options.output}\n")


def texts_by_label(lines: bank.Bank) -> dict[str, list[str]]:
    """Every text under each of its labels, and every request under its task."""
    under: dict[str, set[str]] = defaultdict(set)
    for text in lines.texts:
        for label in text.labels.values():
            under[label].add(text.text)
    for request, task in lines.requests:
        under[task].add(request)
    return {
        label: sorted(texts)
        for label, texts in sorted(under.items())
        if len(texts) >= _LEAST and label not in _SAY_NOTHING and not label.isdigit()
    }


def encoded(texts: Sequence[str]) -> dict[str, Floats]:
    """MiniLM's vector of each text."""
    encoder = LlamaEncoder(Model(name="minilm", backend="encoder", source="builtin:minilm"))
    return dict(zip(texts, matrix(encoder.encode(texts, Control())), strict=True))


def prototypes(under: Mapping[str, Sequence[str]], vectors: Mapping[str, Floats]) -> dict[str, Floats]:
    """The mean of each label's texts, at length 1."""
    import numpy as np

    means = {label: np.mean([vectors[text] for text in texts], axis=0) for label, texts in under.items()}
    return {label: mean / np.linalg.norm(mean) for label, mean in means.items()}


def packed(means: Mapping[str, Floats], synonyms: Mapping[str, Sequence[str]]) -> bytes:
    """The file's bytes: names with the rows of their senses, then the rows, each scaled to 8 bits."""
    import numpy as np

    rows = {label: row for row, label in enumerate(means)}
    names: dict[str, list[int]] = defaultdict(list)
    for label, row in rows.items():
        for name in (label, *synonyms.get(label, ())):
            if row not in names[spoken(name)]:
                names[spoken(name)].append(row)
    table = np.stack([np.round(mean / np.abs(mean).max() * 127).astype(np.int8) for mean in means.values()])
    said = {"dimension": table.shape[1], "names": dict(sorted(names.items()))}
    return json.dumps(said, ensure_ascii=True, separators=(",", ":")).encode() + b"\n" + table.tobytes()


if __name__ == "__main__":
    main()

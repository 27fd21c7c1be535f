"""Questions that are made here: some ask the same in other words, some do not, and some labels are wrong."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

from synapse_cli.lab.similarity.pairs import Pair

_THINGS_LINES = """
invoice parcel password account refund printer router laptop garden recipe passport visa kitchen guitar bicycle
mortgage tomato novel software battery camera engine carpet window piano
"""
_ACTS_LINE = "change repair sell paint rent clean describe improve replace store return protect"
_THINGS, _ACTS = _THINGS_LINES.split(), _ACTS_LINE.split()
_WAYS = ("how do i {} my {}", "how can i {} my {}", "what is the best way to {} my {}", "how should i {} my {}")
DIMENSION = 64


def pairs(many: int, *, noise: float = 0.0, seed: int = 1) -> list[Pair]:
    """So many pairs, half of them the same but for the wording; `noise` of the labels are wrong."""
    chance = random.Random(seed)
    found: dict[str, Pair] = {}
    while len(found) < many:
        act, thing, where = chance.choice(_ACTS), chance.choice(_THINGS), f"in town {chance.randrange(10**6)}"
        one, two = chance.sample(_WAYS, 2)
        same = chance.random() < 0.5
        other = thing if same else chance.choice([each for each in _THINGS if each != thing])
        label = same if chance.random() >= noise else not same
        where = where.translate(str.maketrans("0123456789", "abcdefghij"))
        pair = Pair(f"{one.format(act, thing)} {where}?", f"{two.format(act, other)} {where}?", label)
        found[pair.key] = pair
    return [found[key] for key in sorted(found)]


def vector(text: str) -> list[float]:
    """A vector of the letters in threes, the same for the same text: an encoder of a kind, without weights."""
    numbers = [0.0] * DIMENSION
    line = f"  {text.casefold()} "
    for at in range(len(line) - 2):
        bucket = crc32(line[at : at + 3].encode())
        numbers[bucket % DIMENSION] += 1 if bucket & 1 << 20 else -1
    length = math.sqrt(math.fsum(each * each for each in numbers)) or 1.0
    return [each / length for each in numbers]


def table(given: Sequence[Pair]) -> dict[str, object]:
    """The vector of each text, as the calibration wants it."""
    import numpy as np

    return {text: np.array(vector(text)) for pair in given for text in (pair.first, pair.second)}


def write(path: Path, given: Sequence[Pair]) -> Path:
    """The pairs as a file."""
    rows = [{"a": pair.first, "b": pair.second, "dup": int(pair.same)} for pair in given]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path

"""Do two prompts ask the same? Rules, then a learned verifier or the plain cosine; decided in pure Python.

A cosine finds what may be the same, and is a poor judge of it: among Quora's question pairs with a cosine above .95
every seventh asks something else. So what must be equal and is not (`learned.exact_parts`) decides alone. The verifier
sees what else differs (`learned.alike`), what the vectors say dimension by dimension, and lets trees decide (Friedman,
Greedy Function Approximation, 2001). Whether it or the cosine is used, the proof chooses: where labels are few or
contradict each other, the cosine, which needs none to learn from, leaves more of them for the proof.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields

from synapse_cli.core.errors import InputError
from synapse_cli.core.prompt import Json
from synapse_cli.learned import alike, file
from synapse_cli.learned.exact_parts import difference
from synapse_cli.learned.file import Learned, Tensor

Vector = Sequence[float]
_NEAREST = 0.9999
"""Nearer than this two vectors differ by rounding only."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is held of two prompts."""

    score: float
    """P(they ask the same), in [0, 1]; 0 where something that must be equal differs."""
    cosine: float
    differs: str = ""
    """What must be equal and is not: "a number", "a name"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What was proved of a threshold, and on what."""

    max_wrong: float
    """Of the hits, the share that may be wrong."""
    confidence: float
    pairs: int
    """On which it was proved; the verifier saw none of them."""
    hits: int
    wrong: int
    base_rate: float
    """Share of the pairs that are the same: the promise holds where it is not lower."""

    @property
    def text(self) -> str:
        """One line for people."""
        return f"at most {self.max_wrong:.3g} of hits wrong among as many pairs again, {self.confidence:.3g} confidence"


_PROMISED = tuple(each.name for each in fields(Promise))


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosted trees, their nodes in one row; a leaf's feature is -1."""

    base: float
    roots: Sequence[int]
    feature: Sequence[int]
    limit: Sequence[float]
    left: Sequence[int]
    right: Sequence[int]
    value: Sequence[float]

    def sum(self, features: Sequence[float]) -> float:
        """What all trees say together, as a logit."""
        total, feature, limit = self.base, self.feature, self.limit
        for node in self.roots:
            while (asked := feature[node]) >= 0:
                node = self.left[node] if features[asked] <= limit[node] else self.right[node]  # noqa: PLW2901  # a walk down one tree
            total += self.value[node]
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """What was learned of pairs."""

    rarity: Sequence[int]
    head: Sequence[float]
    """The bias, a weight for each dimension's distance, then one for each dimension's product."""
    trees: Trees
    scale: float = 1.0
    near: float = 1.0
    shift: float = 0.0
    """Make a probability of what the trees say and of the nearness: what each counts, and where they start."""

    def score(self, first: str, second: str, one: Vector, two: Vector, cosine: float) -> float:
        """P(they ask the same). Raises ValueError for vectors of another length than it learned from."""
        said = self.trees.sum(self._features(first, second, one, two, cosine))
        return _squash(self.scale * said + self.near * nearness(cosine) + self.shift)

    def _features(self, first: str, second: str, one: Vector, two: Vector, cosine: float) -> list[float]:
        """What the trees look at: the words' numbers, and what the vectors' head says."""
        size = len(one)
        if len(self.head) != 1 + 2 * size:
            raise ValueError(f"vectors of {size} numbers, where {len(self.head) // 2} were learned")
        apart = math.fsum(weight * abs(a - b) for weight, a, b in zip(self.head[1:], one, two, strict=False))
        both = math.fsum(weight * a * b for weight, a, b in zip(self.head[1 + size :], one, two, strict=True))
        return [*alike.features(first, second, cosine, self.rarity), self.head[0] + apart + both]


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """Who judges, and from which score on two prompts are one."""

    encoder: str
    """Identity of the encoder whose vectors are compared."""
    threshold: float
    verifier: Verifier | None = None
    """None where the cosine itself is the score."""
    promise: Promise | None = None
    """None where somebody chose the threshold, and nothing was proved."""
    data: str = ""
    """SHA-256 of the pairs it was made from, whatever their order."""
    sha256: str = ""

    def judge(self, first: str, second: str, one: Vector, two: Vector) -> Judged:
        """Compare two prompts; `one` and `two` are their vectors. Raises ValueError for another encoder's."""
        cosine = cosine_of(one, two)
        if differs := difference(first, second):
            return Judged(0.0, cosine, differs)
        if self.verifier is None:
            return Judged(max(0.0, cosine), cosine)
        return Judged(self.verifier.score(first, second, one, two, cosine), cosine)


def nearness(cosine: float) -> float:
    """How near two vectors are, the farther up the finer: trees, whose leaves hold dozens, see no order at the top."""
    return -math.log(1 - min(cosine, _NEAREST))


def cosine_of(one: Vector, two: Vector) -> float:
    """The cosine of two vectors of any length; 0 where one is nothing."""
    lengths = math.sqrt(math.fsum(a * a for a in one)) * math.sqrt(math.fsum(b * b for b in two))
    return math.fsum(a * b for a, b in zip(one, two, strict=True)) / lengths if lengths else 0.0


def save(path: str, similarity: Similarity) -> str:
    """Write the file; return its proof. Raises OSError."""
    return file.write(path, to_learned(similarity))


def load(path: str) -> Similarity:
    """Read a file. Raises InputError for one that is missing, damaged, newer or another's."""
    learned = file.read(path, "similarity")
    try:
        return _from_learned(learned)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"the similarity {path} cannot be used: its parts do not fit together",
            "write one with synapse cache calibrate PAIRS -o FILE",
        ) from error


def to_learned(similarity: Similarity) -> Learned:
    """As it is kept."""
    verifier, promise = similarity.verifier, similarity.promise
    about: dict[str, Json] = {
        "encoder": similarity.encoder,
        "threshold": similarity.threshold,
        "data": similarity.data,
        "promise": None if promise is None else dict(zip(_PROMISED, astuple(promise), strict=True)),
        "verifier": None,
    }
    if verifier is None:
        return Learned(kind="similarity", about=about, sha256=similarity.sha256)
    trees = verifier.trees
    about["verifier"] = {
        "features": [*alike.NAMES, "vectors"],
        "base": trees.base,
        "scale": verifier.scale,
        "near": verifier.near,
        "shift": verifier.shift,
    }
    tensors = {
        "rarity": Tensor("U8", (len(verifier.rarity),), bytes(verifier.rarity)),
        "head": _floats(verifier.head),
        "roots": _whole(trees.roots),
        "feature": _whole(trees.feature),
        "limit": _floats(trees.limit),
        "left": _whole(trees.left),
        "right": _whole(trees.right),
        "value": _floats(trees.value),
    }
    return Learned(kind="similarity", about=about, tensors=tensors, sha256=similarity.sha256)


def _from_learned(learned: Learned) -> Similarity:
    """Raises KeyError, TypeError, ValueError or IndexError for what is none."""
    about = learned.about
    promise, verifier = about["promise"], about["verifier"]
    return Similarity(
        encoder=str(about["encoder"]),
        threshold=_number(about["threshold"]),
        verifier=None if verifier is None else _verifier(_table(verifier), learned.tensors),
        promise=None if promise is None else Promise(**{name: _table(promise)[name] for name in _PROMISED}),  # type: ignore[arg-type]  # numbers, as they were written
        data=str(about["data"]),
        sha256=learned.sha256,
    )


def _verifier(about: Mapping[str, Json], tensors: Mapping[str, Tensor]) -> Verifier:
    if about["features"] != [*alike.NAMES, "vectors"]:
        raise ValueError("learned with other features")
    found = Verifier(
        rarity=tensors["rarity"].data,
        head=tensors["head"].numbers,
        trees=_trees(_number(about["base"]), tensors),
        scale=_number(about["scale"]),
        near=_number(about["near"]),
        shift=_number(about["shift"]),
    )
    if len(found.rarity) != alike.BUCKETS or len(found.head) % 2 == 0:
        raise ValueError("parts that do not fit together")
    return found


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("no number")
    return float(value)


def _table(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise TypeError("no table")
    return value


def _trees(base: float, tensors: Mapping[str, Tensor]) -> Trees:
    """The trees; each walk ends, because a node's children stand behind it."""
    feature, left, right = ([int(each) for each in tensors[name].numbers] for name in ("feature", "left", "right"))
    limit, value = ([float(each) for each in tensors[name].numbers] for name in ("limit", "value"))
    roots = [int(each) for each in tensors["roots"].numbers]
    many = len(feature)
    for node, (asked, *children) in enumerate(zip(feature, left, right, strict=True)):
        if asked > len(alike.NAMES) or (asked >= 0 and not all(node < child < many for child in children)):
            raise ValueError("a tree that is none")
    if not (len(limit) == len(value) == many and all(0 <= root < many for root in roots)):
        raise ValueError("trees that do not fit together")
    return Trees(base, roots, feature, limit, left, right, value)


def _floats(numbers: Sequence[float]) -> Tensor:
    import struct

    return Tensor("F32", (len(numbers),), struct.pack(f"<{len(numbers)}f", *numbers))


def _whole(numbers: Sequence[int]) -> Tensor:
    import struct

    return Tensor("I32", (len(numbers),), struct.pack(f"<{len(numbers)}i", *numbers))


def _squash(logit: float) -> float:
    """The probability of a logit, without overflow."""
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    grown = math.exp(logit)
    return grown / (1 + grown)

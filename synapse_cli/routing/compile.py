"""Learn a router from examples: once, whenever they or the encoder change.

Every example is judged once by a router that has not seen it. From that come how much words and vectors count, how
sure a router must be, and what is out of scope; then both are learned again from all examples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.core.prompt import Json
from synapse_cli.learned import words
from synapse_cli.learned.file import Learned, Tensor
from synapse_cli.routing import logistic, scope
from synapse_cli.routing.examples import Examples
from synapse_cli.routing.lexical import READ
from synapse_cli.routing.router import VERSION, Blend, blend_about

if TYPE_CHECKING:
    import numpy as np

    from synapse_cli.learned.words import Grams
    from synapse_cli.routing.logistic import Floats, Singles, Sparse, Whole

FOLDS = 10
_ENOUGH = 2000
"""Held-out examples after which no further fold is learned: they tell shares of 5 % to half a point."""
_PRIOR = 10.0
"""What a cosine to a route's middle counts before anything is learned."""
_PENALTY = 0.02
"""On how far weights are moved from there; 0.01 to 0.1 are within half a point on CLINC150's validation part."""
_UNSURE = 0.05
"""Share of prompts like the examples whose route may not be among those that a router holds possible."""

_MOST_QUOTED = 2000
"""Examples whose vectors are kept, so that people are told which one a prompt is like; some 800 kB."""

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Words:
    grams: Grams
    rarities: Sequence[float]
    weights: Singles
    """(buckets + 1, routes), the last row for the bias."""


@dataclass(frozen=True, slots=True)
class _Known:
    """All there is to learn from."""

    examples: Examples
    labels: Whole
    vectors: Floats | None
    encoder: str | None


@dataclass(frozen=True, slots=True)
class _Said:
    """What heads that had not seen them said of examples."""

    labels: Whole
    by_words: Floats
    known: Floats
    by_meaning: Floats | None
    cosine: Floats | None


def learn(
    examples: Examples,
    *,
    reject: float,
    vectors: Floats | None = None,
    encoder: str | None = None,
    tell: Tell | None = None,
) -> Learned:
    """The router of these examples; `vectors` are theirs, of length 1, in their order. `tell` hears k of n steps.

    At most the share `reject` of prompts like the examples is to be taken for out of scope.
    Raises ValueError where there are no examples.
    """
    import numpy as np

    if not len(examples):
        raise ValueError("there are no examples to learn from")
    material = _Known(examples, np.array(examples.labels), vectors, encoder)
    parts = _folds(material.labels)
    steps = len(parts) + 1
    said = []
    for done, held in enumerate(parts):
        if tell is not None:
            tell(done, steps)
        said.append(_held_out(material, held))
    if tell is not None:
        tell(len(parts), steps)
    heard = _joined(said, len(examples.routes), vectors is not None)
    by_words, by_meaning, facts = _calibrated(heard, reject)
    learned = _whole(material, by_words, by_meaning, facts)
    if tell is not None:
        tell(steps, steps)
    return learned


def _folds(labels: Whole) -> list[Whole]:
    """Places of held-out examples, part by part; each route is spread evenly, and one with a single example is not."""
    import numpy as np

    dice = np.random.default_rng(0)
    fold = np.full(len(labels), -1)
    for route in range(int(labels.max()) + 1):
        own = np.flatnonzero(labels == route)
        if len(own) > 1:
            fold[dice.permutation(own)] = (np.arange(len(own)) + route) % min(FOLDS, len(own))
    parts = [np.flatnonzero(fold == each) for each in range(FOLDS)]
    parts = [part for part in parts if len(part)]
    enough = int(np.searchsorted(np.cumsum([len(part) for part in parts]), _ENOUGH)) + 1
    return parts[:enough]


def _held_out(material: _Known, held: Whole) -> _Said:
    import numpy as np

    examples, labels, vectors = material.examples, material.labels, material.vectors
    rest = np.setdiff1d(np.arange(len(labels)), held)
    wide = len(examples.routes)
    own = _of_words([examples.texts[row] for row in rest], labels[rest], wide)
    scores, known = _read(own, [examples.texts[row] for row in held])
    if vectors is None:
        return _Said(labels[held], scores, known, None, None)
    weights, middles = _of_vectors(vectors[rest], labels[rest], wide)
    near = vectors[held] @ weights[:-1] + weights[-1]
    return _Said(labels[held], scores, known, near, (vectors[held] @ middles).max(axis=1))


def _of_words(texts: Sequence[str], labels: Whole, routes: int) -> _Words:
    grams = READ
    counted = [words.count(text, grams) for text in texts]
    rarities = words.rarity(counted, grams)
    rows = _rows(counted, rarities, grams)
    return _Words(grams, rarities, logistic.of_words(rows, labels, routes, grams.buckets))


def _rows(counted: Sequence[dict[int, int]], rarities: Sequence[float], grams: Grams) -> Sparse:
    import numpy as np

    weighed = (words.weigh(each, rarities, grams) for each in counted)
    return [
        (np.fromiter(each, np.int64, len(each)), np.fromiter(each.values(), np.float32, len(each))) for each in weighed
    ]


def _read(own: _Words, texts: Sequence[str]) -> tuple[Floats, Floats]:
    """Scores (texts, routes), and the share of each text's words that is known."""
    import numpy as np

    counted = [words.count(text, own.grams) for text in texts]
    bias = logistic.BIAS * own.weights[-1]
    rows = _rows(counted, own.rarities, own.grams)
    scores = np.array([values @ own.weights[where] + bias for where, values in rows], dtype=np.float64)
    first = own.grams.word_buckets
    shares = []
    for each in counted:
        plain = [bucket for bucket in each if bucket < first]
        shares.append(sum(1 for bucket in plain if own.rarities[bucket]) / len(plain) if plain else 0.0)
    return scores, np.array(shares)


def _of_vectors(rows: Floats, labels: Whole, routes: int) -> tuple[Floats, Floats]:
    """Weights (dimension + 1, routes), and centroids (dimension, routes) of length 1."""
    import numpy as np

    middles = np.zeros((rows.shape[1], routes))
    np.add.at(middles.T, labels, rows)
    middles /= np.maximum(np.linalg.norm(middles, axis=0), 1e-12)
    return logistic.of_vectors(rows, labels, _PRIOR * middles, _PENALTY), middles


def _joined(said: Sequence[_Said], routes: int, has_vectors: bool) -> _Said:
    import numpy as np

    blank, empty = np.zeros((0, routes)), np.zeros(0)
    if not said:
        return _Said(np.zeros(0, dtype=np.int64), blank, empty, blank if has_vectors else None, empty)
    return _Said(
        np.concatenate([each.labels for each in said]),
        np.concatenate([each.by_words for each in said]),
        np.concatenate([each.known for each in said]),
        np.concatenate([each.by_meaning for each in said if each.by_meaning is not None]) if has_vectors else None,
        np.concatenate([each.cosine for each in said if each.cosine is not None]) if has_vectors else None,
    )


def _calibrated(heard: _Said, reject: float) -> tuple[Blend, Blend | None, dict[str, Json]]:
    """How both routers weigh what they see, and how they did on what they had not seen."""
    weights = logistic.scale([heard.by_words], heard.labels)
    alone = weights[0] * heard.by_words
    measures = [_energies(heard.by_words), heard.known.tolist()]
    words_scope = scope.calibrate(measures, reject)
    facts: dict[str, Json] = {"held_out": len(heard.labels), "accuracy_by_words": _accuracy(alone, heard.labels)}
    sure = _sure(alone, heard.labels)
    if heard.by_meaning is None or heard.cosine is None:
        return Blend(weights, sure, words_scope), None, facts
    both = logistic.scale([heard.by_words, heard.by_meaning], heard.labels)
    blended = both[0] * heard.by_words + both[1] * heard.by_meaning
    near = scope.calibrate([_energies(heard.by_meaning), heard.cosine.tolist()], reject)
    facts["accuracy_by_meaning"] = _accuracy(blended, heard.labels)
    quick = max(sure, _as_good(alone, blended, heard.labels))
    facts["by_words_alone"] = _share_sure(alone, quick)
    return (
        Blend(weights, quick, words_scope),
        Blend(both, _sure(blended, heard.labels), near),
        facts,
    )


def _sure(scores: Floats, labels: Whole) -> float:
    """The lead from which on no second route is possible: conformal sets of one (see `scope.limit`).

    Nor is anything sure that is not so many times as likely as the next: few examples are often right by chance.
    """
    import numpy as np

    if len(labels) < 2 or scores.shape[1] < 2:
        return math.inf if scores.shape[1] > 1 else 0.0
    each = np.arange(len(labels))
    others = scores.copy()
    others[each, labels] = -np.inf
    leads = np.sort(scores[each, labels] - others.max(axis=1))
    return max(math.log((1 - _UNSURE) / _UNSURE), -scope.limit(leads.tolist(), _UNSURE))


def _as_good(alone: Floats, blended: Floats, labels: Whole) -> float:
    """The lead from which on words are right as often as words and vectors together, on the same examples."""
    import numpy as np

    if len(labels) < 2 or alone.shape[1] < 2:
        return 0.0
    ranked = np.sort(alone, axis=1)
    leads = ranked[:, -1] - ranked[:, -2]
    order = np.argsort(-leads, kind="stable")
    worse = np.cumsum((alone.argmax(axis=1) != labels)[order].astype(int) - (blended.argmax(axis=1) != labels)[order])
    fine = np.flatnonzero(worse <= 0)
    return float(leads[order][fine[-1]]) if len(fine) else math.inf


def _share_sure(scores: Floats, sure: float) -> float:
    import numpy as np

    if not len(scores) or scores.shape[1] < 2:
        return 0.0
    ranked = np.sort(scores, axis=1)
    return round(float((ranked[:, -1] - ranked[:, -2] >= sure).mean()), 4)


def _energies(scores: Floats) -> list[float]:
    import numpy as np

    most = scores.max(axis=1, initial=0.0)
    found: list[float] = (most + np.log(np.exp(scores - most[:, None]).sum(axis=1))).tolist()
    return found


def _accuracy(scores: Floats, labels: Whole) -> float | None:
    return round(float((scores.argmax(axis=1) == labels).mean()), 4) if len(labels) else None


def _whole(material: _Known, by_words: Blend, by_meaning: Blend | None, facts: dict[str, Json]) -> Learned:
    """The router as it is kept, learned from all examples."""
    import numpy as np

    examples, labels, vectors = material.examples, material.labels, material.vectors
    wide = len(examples.routes)
    own = _of_words(examples.texts, labels, wide)
    tensors = _word_tensors(own)
    if vectors is not None:
        weights, middles = _of_vectors(vectors, labels, wide)
        tensors |= {
            "semantic.weights": _tensor(weights[:-1].T),
            "semantic.bias": _tensor(weights[-1]),
            "semantic.middles": _tensor(middles.T),
        }
        if len(examples) <= _MOST_QUOTED:
            packed = np.round(vectors * 127).astype("<i1")
            tensors["semantic.examples"] = Tensor("I8", packed.shape, packed.tobytes())
    facts |= {"examples": len(examples), "sha256": examples.sha256}
    about: dict[str, Json] = {
        "version": VERSION,
        "routes": list(examples.routes),
        "lexical": {"grams": dict(own.grams.about()), "bias": (logistic.BIAS * own.weights[-1]).tolist()},
        "by_words": blend_about(by_words),
        "semantic": None if vectors is None else {"encoder": material.encoder},
        "by_meaning": None if by_meaning is None else blend_about(by_meaning),
        "facts": facts,
    }
    return Learned(kind="router", about=about, tensors=tensors)


def _word_tensors(own: _Words) -> dict[str, Tensor]:
    """The weights of known buckets, each row as whole numbers from -127 to 127 and what they are multiplied by."""
    import numpy as np

    rarities = np.asarray(own.rarities)
    known = np.flatnonzero(rarities)
    places = np.zeros(len(rarities))
    places[known] = np.arange(len(known))
    rows = own.weights[known]
    scales = np.maximum(np.abs(rows).max(axis=1, initial=0.0), 1e-12) / 127
    packed = np.round(rows / scales[:, None]).astype("<i1")
    return {
        "lexical.rarities": _tensor(rarities),
        "lexical.places": Tensor("I32", places.shape, places.astype("<i4").tobytes()),
        "lexical.weights": Tensor("I8", packed.shape, packed.tobytes()),
        "lexical.scales": _tensor(scales),
    }


def _tensor(values: Floats | Singles | np.typing.NDArray[np.float64]) -> Tensor:
    import numpy as np

    packed = np.ascontiguousarray(values, dtype="<f4")
    return Tensor("F32", packed.shape, packed.tobytes())

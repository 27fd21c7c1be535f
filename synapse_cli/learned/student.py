"""Which of the known answers does a text get, and how sure is that? What was learned of dearer models' answers.

A student is a softmax over each closed set (one for a label, one a field of a small object), twice: over words and
pieces of words, in pure Python; and over those and an embedding together, which is asked only where words alone are not
sure. Its confidence is calibrated on texts that it had not seen, and it says nothing below the confidence from which
its agreement with its teachers was certified (`lab.distill`).
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from synapse_cli.core.errors import InputError
from synapse_cli.core.prompt import Json
from synapse_cli.learned import file, linear, words
from synapse_cli.learned.file import Learned, Tensor
from synapse_cli.learned.linear import Linear, numbers

EDITION = 1
"""Counted up when the same file would answer otherwise than before."""
ABSENT: Json = {"absent": True}
"""Stands among a field's values for an object that lacks it."""
_SUREST = 1e-9
"""Chances are kept off 0 and 1 by this, so that their odds can be told."""


@dataclass(frozen=True, slots=True)
class Head:
    """One closed set: of the whole answer, where it has no field, or of one field of an object."""

    field: str | None
    values: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What the student thinks of a text."""

    places: tuple[int, ...]
    """For each head the place of the likeliest value."""
    chance: float
    """Of all of them together, as the softmax has it; not calibrated."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the student would answer."""

    text: str
    confidence: float
    """Calibrated: of answers with this confidence so many agree with the teachers."""
    is_certain: bool
    """Whether it may be given: the agreement of such answers is certified."""
    is_familiar: bool
    """Whether the text is like those that were learned from; what is not is never certain."""
    read: str
    """What decided: "words", or "words and meaning"."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which requests the student learned from: the same instruction around the text, the same closed set."""

    head: str
    """What stands before the text in the prompt."""
    tail: str
    system: str
    """SHA-256 of the system prompt; empty where there is none."""
    closed: str
    """What the request says of the answer: `choices […]`, `schema {…}`, or nothing."""

    def about(self) -> dict[str, Json]:
        """Its words, for a file."""
        return {"head": self.head, "tail": self.tail, "system": self.system, "closed": self.closed}


@dataclass(frozen=True)
class Vocabulary:
    """Words and pieces of words that were seen more than once. Frozen; what is derived is derived once."""

    grams: words.Grams
    buckets: Sequence[float]
    """Their hashes, rising; the place in here is the feature's number."""
    rarities: Sequence[float]
    """Inverse document frequency of each."""

    def features(self, text: str) -> dict[int, float]:
        """What is known of a text, by its number."""
        return self.weighed(words.count(text, self.grams))

    def weighed(self, counts: Mapping[int, int]) -> dict[int, float]:
        """TF-IDF of what is known: words are a vector of length 1, pieces another."""
        places, border = self._places, self._border
        found: dict[int, float] = {}
        totals = [0.0, 0.0]
        for bucket, often in counts.items():
            place = places.get(bucket)
            if place is not None:
                value = self.rarities[place] * (1 + math.log(often))
                found[place] = value
                totals[place >= border] += value * value
        lengths = [math.sqrt(total) or 1.0 for total in totals]
        return {place: value / lengths[place >= border] for place, value in found.items()}

    def known(self, counts: Mapping[int, int]) -> float:
        """The share of a text's words and runs of words that are known; 0 for a text without any."""
        own = [bucket for bucket in counts if bucket < self.grams.word_buckets]
        return sum(bucket in self._places for bucket in own) / len(own) if own else 0.0

    @cached_property
    def _places(self) -> dict[int, int]:
        return {int(bucket): place for place, bucket in enumerate(self.buckets)}

    @cached_property
    def _border(self) -> int:
        return bisect_left(self.buckets, self.grams.word_buckets)


@dataclass(frozen=True, kw_only=True)
class Student:
    """Closed sets learned by heart. Frozen; what is derived is derived once."""

    route: str
    scope: Scope
    heads: tuple[Head, ...]
    vocabulary: Vocabulary
    by_words: Linear
    """Features x values of all heads, one after another."""
    calibration: tuple[float, float]
    """Slope and intercept over the log odds of a chance."""
    sure: float
    """Confidence from which words alone decide."""
    least: float
    """Confidence from which it answers."""
    least_known: float
    """Share of a text's words that must be known where words decide."""
    encoder: str | None = None
    """Identity of the encoder that it wants where words are not sure."""
    words_beside: Linear | None = None
    by_vector: Linear | None = None
    calibration_of_both: tuple[float, float] | None = None
    middles: Linear | None = None
    """What texts of each value are like in the mean, at length 1."""
    least_near: float = 0.0
    """Cosine to the nearest of them that a text must have where its meaning decides."""
    told: Mapping[str, Json]
    """What is known of how it was made: promise, rows, labels, exclusions."""
    sha256: str = ""

    def by_its_words(self, text: str) -> Reply | None:
        """The reply that words alone decide; None where an embedding is to be asked."""
        counts = words.count(text, self.vocabulary.grams)
        look = self._look(self.by_words.of_some(self.vocabulary.weighed(counts)))
        confidence = calibrated(look.chance, self.calibration)
        is_familiar = self.vocabulary.known(counts) >= self.least_known
        if self.encoder is not None and not (is_familiar and confidence >= self.sure):
            return None
        return self._reply(look, confidence, "words", is_familiar=is_familiar)

    def with_its_meaning(self, text: str, vector: Sequence[float]) -> Reply:
        """The reply, from words and embedding. Raises ValueError for a vector of another length."""
        beside, meant, middles, bend = self.words_beside, self.by_vector, self.middles, self.calibration_of_both
        if beside is None or meant is None or middles is None or bend is None or len(vector) != meant.size:
            raise ValueError(f"a vector of {len(vector)} numbers, where {meant.size if meant else 0} were learned")
        heard = zip(beside.of_some(self.vocabulary.features(text)), meant.of_all(vector), strict=True)
        look = self._look([spoken + felt for spoken, felt in heard])
        is_familiar = max(middles.of_all(vector)) >= self.least_near
        return self._reply(look, calibrated(look.chance, bend), "words and meaning", is_familiar=is_familiar)

    def _reply(self, look: Look, confidence: float, read: str, *, is_familiar: bool) -> Reply:
        answer = said(self.heads, look.places, as_json=self.scope.closed.startswith("schema"))
        return Reply(answer, confidence, is_familiar and confidence >= self.least, is_familiar, read)

    def _look(self, sums: Sequence[float]) -> Look:
        places, chance, start = [], 1.0, 0
        for head in self.heads:
            own = sums[start : start + len(head.values)]
            start += len(head.values)
            best = max(range(len(own)), key=own.__getitem__)
            places.append(best)
            chance /= math.fsum(math.exp(each - own[best]) for each in own)
        return Look(tuple(places), chance)


def said(heads: Sequence[Head], places: Sequence[int], *, as_json: bool) -> str:
    """An answer as the teachers would have written it: the label, or JSON where a schema asks for it."""
    if heads[0].field is None:
        value = heads[0].values[places[0]]
        return value if isinstance(value, str) and not as_json else json.dumps(value, ensure_ascii=False)
    chosen = {str(head.field): head.values[place] for head, place in zip(heads, places, strict=True)}
    return json.dumps({key: value for key, value in chosen.items() if value != ABSENT}, ensure_ascii=False)


def calibrated(chance: float, calibration: tuple[float, float]) -> float:
    """A chance of the softmax as the share of such answers that agree (Platt, Probabilistic Outputs, 1999)."""
    slope, intercept = calibration
    bent = intercept + slope * log_odds(chance)
    return 1 / (1 + math.exp(-bent)) if bent > -700 else 0.0


def log_odds(chance: float) -> float:
    """The logarithm of the odds, within about ±21."""
    kept = min(max(chance, _SUREST), 1 - _SUREST)
    return math.log(kept / (1 - kept))


def to_learned(student: Student) -> Learned:
    """The student as it is kept."""
    from array import array

    vocabulary = student.vocabulary
    about: dict[str, Json] = {
        "edition": EDITION,
        "route": student.route,
        "scope": student.scope.about(),
        "heads": [{"field": head.field, "values": list(head.values)} for head in student.heads],
        "grams": dict(vocabulary.grams.about()),
        "by_words": student.by_words.about(),
        "calibration": list(student.calibration),
        "sure": student.sure,
        "least": student.least,
        "least_known": student.least_known,
        "least_near": student.least_near,
        "encoder": student.encoder,
        "told": dict(student.told),
    }
    tensors = {
        "buckets": Tensor("I32", (len(vocabulary.buckets),), array("i", map(int, vocabulary.buckets)).tobytes()),
        "rarities": Tensor("F32", (len(vocabulary.rarities),), array("f", vocabulary.rarities).tobytes()),
        "by_words": student.by_words.tensor(),
    }
    beside, meant, middles, bend = (
        student.words_beside,
        student.by_vector,
        student.middles,
        student.calibration_of_both,
    )
    if beside is not None and meant is not None and middles is not None and bend is not None:
        about |= {"words_beside": beside.about(), "by_vector": meant.about(), "middles": middles.about()}
        about["calibration_of_both"] = list(bend)
        tensors |= {"words_beside": beside.tensor(), "by_vector": meant.tensor(), "middles": middles.tensor()}
    return Learned(kind="student", about=about, tensors=tensors)


def load(path: str) -> Student:
    """Read a student. Raises InputError for a file that is missing, damaged, newer, or no student."""
    learned = file.read(path, "student")
    try:
        return _from_learned(learned)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"the student {path} cannot be used: its parts do not fit together", _ANEW) from error


_ANEW = "write one with synapse distill ROUTE -o FILE"


def _from_learned(learned: Learned) -> Student:
    about, tensors = learned.about, learned.tensors
    if about["edition"] != EDITION:
        raise ValueError("a student of another edition")
    scope, told, encoder = about["scope"], about["told"], about["encoder"]
    if not isinstance(scope, dict) or not isinstance(told, dict) or not isinstance(encoder, str | None):
        raise TypeError("a table was expected")
    heads = _heads(about["heads"])
    both = encoder is not None
    student = Student(
        route=str(about["route"]),
        scope=Scope(**{key: str(scope[key]) for key in ("head", "tail", "system", "closed")}),
        heads=heads,
        vocabulary=Vocabulary(_grams(about["grams"]), tensors["buckets"].numbers, tensors["rarities"].numbers),
        by_words=linear.from_file(_table(about["by_words"]), tensors["by_words"]),
        calibration=_pair(about["calibration"]),
        sure=_number(about["sure"]),
        least=_number(about["least"]),
        least_known=_number(about["least_known"]),
        least_near=_number(about["least_near"]),
        encoder=encoder,
        words_beside=linear.from_file(_table(about["words_beside"]), tensors["words_beside"]) if both else None,
        by_vector=linear.from_file(_table(about["by_vector"]), tensors["by_vector"]) if both else None,
        middles=linear.from_file(_table(about["middles"]), tensors["middles"]) if both else None,
        calibration_of_both=_pair(about["calibration_of_both"]) if both else None,
        told=told,
        sha256=learned.sha256,
    )
    _check_sizes(student)
    return student


def _check_sizes(student: Student) -> None:
    """Raise ValueError where the parts are of different sizes."""
    values, known = sum(len(head.values) for head in student.heads), len(student.vocabulary.buckets)
    parts = [part for part in (student.by_words, student.words_beside) if part is not None]
    wrong = any(len(part.bias) != values or part.size != known for part in parts)
    meant, middles = student.by_vector, student.middles
    if meant is not None and middles is not None:
        wrong = wrong or len(meant.bias) != values or middles.size != meant.size
    if wrong or len(student.vocabulary.rarities) != known:
        raise ValueError("parts of different sizes")


def _grams(value: Json) -> words.Grams:
    return words.from_about({key: int(_number(each)) for key, each in _table(value).items()})


def _heads(value: Json) -> tuple[Head, ...]:
    if not isinstance(value, list) or not value:
        raise TypeError("a list was expected")
    heads = []
    for each in value:
        table = _table(each)
        field, values = table["field"], table["values"]
        if not isinstance(values, list) or not values or not isinstance(field, str | None):
            raise TypeError("a closed set was expected")
        heads.append(Head(field, tuple(values)))
    return tuple(heads)


def _table(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError("a table was expected")
    return value


def _pair(value: Json) -> tuple[float, float]:
    first, second = numbers(value)
    return first, second


def _number(value: Json) -> float:
    if not isinstance(value, int | float):
        raise TypeError("a number was expected")
    return float(value)

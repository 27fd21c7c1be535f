"""Make a student of a route: gather, learn, certify."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.core.errors import ModelMissing, UsageError
from synapse_cli.core.prompt import Json
from synapse_cli.lab.distill import lessons as material
from synapse_cli.lab.distill.ask import asked, route_named
from synapse_cli.lab.distill.certify import Course, Promise, alone, certify, course, texts_needed
from synapse_cli.lab.distill.closed import Closed, closed_sets
from synapse_cli.lab.distill.fit import Crosswise, Fitter, Weights, check_installed
from synapse_cli.lab.distill.lessons import Lessons, Said
from synapse_cli.learned.student import ABSENT, Scope, Student
from synapse_cli.profile.model import Model, Profile, Route

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

LEAST_TEXTS = 20
"""Below that nothing could be certified that is worth it: 59 answers without a slip prove 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be learned, from what, and how sure."""

    route: str
    ledger: str
    labels: str | None = None
    """A labelled file; None is the ledger."""
    agreement: float = 0.98
    confidence: float = 0.95
    words: str | None = None
    """What is typed before the text; None is found out from the ledger."""
    choices: tuple[str, ...] = ()
    teachers: tuple[str, ...] = ()
    tenant: str | None = None
    encoder: str | None = None
    is_lexical: bool = False
    hosts: bool = True


@dataclass(frozen=True, slots=True)
class Value:
    """How the student does on one value of a closed set, on texts that it had not seen."""

    field: str | None
    value: Json
    texts: int
    answered: int
    disagreed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """A student with its promise; or what is missing for one."""

    wanted: Wanted
    route: Route
    lessons: Lessons
    student: Student | None
    promise: Promise | None
    by_words: Promise | None
    """What words alone would be allowed; the same promise where there is no encoder."""
    needed: int | None
    """Texts that would about be enough, where nothing is certified; None where no number would be."""
    encoder: Model | None
    values: tuple[Value, ...]


def teach(
    wanted: Wanted,
    profile: Profile,
    reached: Callable[[int, int], None] = lambda _fold, _folds: None,
    warn: Callable[[str], None] = lambda _: None,
) -> Taught:
    """Learn and certify. `reached` hears of each step of how many, `warn` what a person should know.

    Raises UsageError for a route that has no closed set or too few answers, InputError for what cannot be read,
    EngineMissing without scikit-learn.
    """
    check_installed()
    route = route_named(profile, wanted.route)
    rows, words, excluded = _rows(wanted, profile, route)
    way = asked(profile, route, words, wanted.choices)
    closed = closed_sets(way.request, way.allowed, [row.answer for row in rows])
    learned = material.lessons(rows, closed, excluded)
    material.check_enough(learned, LEAST_TEXTS)
    closed, learned = _only_seen(closed, learned)
    encoder, vectors = _vectors(wanted, profile, learned.texts, warn)
    return _taught(_Matter(wanted, route, way.scope, closed, learned, encoder), vectors, reached)


@dataclass(frozen=True, slots=True)
class _Matter:
    """What is learned from, and for what."""

    wanted: Wanted
    route: Route
    scope: Scope
    closed: Closed
    lessons: Lessons
    encoder: Model | None


def _taught(matter: _Matter, vectors: Floats | None, reached: Callable[[int, int], None]) -> Taught:
    import numpy as np

    wanted = matter.wanted
    fitter = Fitter(matter.lessons, matter.closed.heads, vectors)
    steps = fitter.folds + 1
    crosswise = fitter.crosswise(lambda fold: reached(fold, steps))
    taken = course(crosswise, wanted.agreement)
    promise = certify(taken, wanted.agreement, wanted.confidence)
    student = None
    if promise is not None:
        student = _student(matter, fitter.learn(np.arange(len(matter.lessons.texts))), taken, promise)
    reached(steps, steps)
    return Taught(
        wanted=wanted,
        route=matter.route,
        lessons=matter.lessons,
        student=student,
        promise=promise,
        by_words=certify(alone(crosswise.by_words, wanted.agreement), wanted.agreement, wanted.confidence),
        needed=None if promise else texts_needed(taken, wanted.agreement, wanted.confidence),
        encoder=matter.encoder,
        values=_values(matter, crosswise, taken, promise),
    )


def _rows(wanted: Wanted, profile: Profile, route: Route) -> tuple[list[Said], str, Counter[str]]:
    """Texts with their answers, the words that they are asked with, and why others are left out."""
    if wanted.labels is not None:
        rows = material.labelled(wanted.labels)
        return rows, wanted.words or "", Counter()
    from synapse_cli.ledger.taught import taught

    students = [model.name for model in profile.models.values() if model.backend == "student"]
    said, excluded = material.recorded(taught(wanted.ledger, route.name, wanted.tenant), students, wanted.teachers)
    if not said:
        left_out = ", ".join(f"{count} {why}" for why, count in excluded.items()) or "none"
        what = f"the ledger holds no answer of route {route.name!r} to learn from (left out: {left_out})"
        raise UsageError(what, "use the route for a while, or give a labelled file with --labels")
    words = material.asked_with(each.text for each in said) if wanted.words is None else wanted.words
    rows, others = material.within(said, words)
    return rows, words, excluded + others


def _only_seen(closed: Closed, learned: Lessons) -> tuple[Closed, Lessons]:
    """Leave out values that were never the answer: nobody can learn them."""
    seen = [sorted(set(own)) for own in zip(*learned.places, strict=True)]
    new = [{place: at for at, place in enumerate(own)} for own in seen]
    places = tuple(tuple(own[place] for own, place in zip(new, each, strict=True)) for each in learned.places)
    return closed.only_seen(learned.places), Lessons(learned.texts, places, learned.excluded, learned.teachers)


def _vectors(
    wanted: Wanted, profile: Profile, texts: Sequence[str], warn: Callable[[str], None]
) -> tuple[Model | None, Floats | None]:
    """The encoder and its vectors; neither where words are to decide, or MiniLM is not to be had."""
    import numpy as np

    from synapse_cli.flows.encoding import find_model
    from synapse_cli.lab.vectors import vectors

    if wanted.is_lexical:
        return None, None
    encoder = find_model(wanted.encoder, profile)
    try:
        found = vectors(texts, encoder, profile, hosts=wanted.hosts, warn=warn)
    except ModelMissing as error:
        if wanted.encoder is not None:
            raise
        warn(f"{error.message}: words alone are learned from ({error.hint})")
        return None, None
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    if bool((abs(lengths - 1) > 1e-3).any()):
        raise UsageError(f"the vectors of {encoder.name!r} are not of length 1", "leave its normalize on")
    return encoder, found.astype(np.float64)


def _student(matter: _Matter, weights: Weights, taken: Course, promise: Promise) -> Student:
    from synapse_cli.learned.encoder import identity

    return Student(
        route=matter.route.name,
        scope=matter.scope,
        heads=matter.closed.heads,
        vocabulary=weights.vocabulary,
        by_words=weights.by_words,
        calibration=taken.words_bend,
        sure=taken.sure,
        least=promise.least,
        least_known=taken.least_known,
        least_near=taken.least_near,
        encoder=None if matter.encoder is None else identity(matter.encoder),
        words_beside=weights.words_beside,
        by_vector=weights.by_vector,
        middles=weights.middles,
        calibration_of_both=taken.both_bend,
        told=_told(matter.wanted, matter.lessons, promise),
    )


def _told(wanted: Wanted, learned: Lessons, promise: Promise) -> dict[str, Json]:
    """What the file says of itself; nothing in it depends on when or where it was made."""
    rows = [json.dumps(row, ensure_ascii=False) for row in zip(learned.texts, learned.places, strict=True)]
    return {
        "agreement": promise.agreement,
        "confidence": promise.confidence,
        "bound": promise.bound,
        "answered": promise.answered,
        "disagreed": promise.disagreed,
        "texts": promise.texts,
        "method": "cross-fit, fixed sequence, Clopper-Pearson",
        "data": hashlib.sha256("\n".join(rows).encode("utf-8", "replace")).hexdigest(),
        "from": "labels" if wanted.labels is not None else "ledger",
        "teachers": dict(learned.teachers),
        "excluded": dict(learned.excluded),
    }


def _values(matter: _Matter, crosswise: Crosswise, taken: Course, promise: Promise | None) -> tuple[Value, ...]:
    """Each value of each closed set, in their order."""
    import numpy as np

    answered = taken.confidences >= (2.0 if promise is None else promise.least)
    truth = np.array(matter.lessons.places)
    both = crosswise.by_both or crosswise.by_words
    places = np.where(taken.by_words[:, None], crosswise.by_words.places, both.places)
    found = []
    for number, head in enumerate(matter.closed.heads):
        for at, value in enumerate(head.values):
            own = truth[:, number] == at
            wrong = own & answered & (places[:, number] != at)
            told = None if value == ABSENT else value
            found.append(Value(head.field, told, int(own.sum()), int((own & answered).sum()), int(wrong.sum())))
    return tuple(found)

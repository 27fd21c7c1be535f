"""From which confidence on may a student answer, and what can be promised of its answers?

Thresholds are tried in a fixed order, from sure to unsure; each must be shown, at the stated confidence, to keep
disagreement with the teachers within what is allowed (Clopper and Pearson's exact bound), and the first that does not
ends it (fixed-sequence testing: Angelopoulos et al., Learn then Test, 2021). There are two sequences, which share the
doubt that is allowed (Bonferroni): nine tenths go to one that begins where half of the texts would be answered, so that
a slip or two among the very surest do not end it; the last tenth to one that begins at the sure end, for students that
know little well. Where each starts depends on how much would be answered, never on how well.

The texts are judged crosswise, by weights that were learned without them. So the bound is that of the average of those
weights, each learned from nine tenths of the texts (asymptotically: Bayle, Bayle, Janson and Mackey, Cross-validation
Confidence Intervals for Test Error, 2020); what the file holds is learned from all of them, and errs less.
`python -m tests.bench.distill` counts how often such a promise is broken on texts that nobody saw.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from synapse_cli.lab.distill.fit import Crosswise, Heard, calibration, confidences
from synapse_cli.learned.bound import passed_in_order, share_upper

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

THRESHOLDS = (*(round(1 / (1 + math.exp(-tenth / 10)), 5) for tenth in range(70, -31, -1)), 0.0)
"""Even steps of log odds, of which each takes in about a hundredth of the texts."""
_SLIPS = 3
"""The sequence of the surest starts where so many disagreements would still be allowed."""
_FOR_THE_SUREST = 0.1
"""Of the doubt that is allowed."""
_MOST_NEEDED = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What is certified of the answers from one confidence on."""

    agreement: float
    """At least this share of answers is what the teachers would say."""
    confidence: float
    least: float
    """The confidence from which it answers."""
    answered: int
    """Texts of `texts` that it would have answered, unseen."""
    disagreed: int
    texts: int
    bound: float = 0.0
    """The lower bound of the agreement itself."""

    @property
    def coverage(self) -> float:
        """The share of texts that it answers."""
        return self.answered / self.texts

    @property
    def found(self) -> float:
        """The agreement that was seen."""
        return 1 - self.disagreed / self.answered if self.answered else 0.0


@dataclass(frozen=True)
class Course:
    """What would happen to each text: which look decides, and how sure it is."""

    confidences: npt.NDArray[np.float64]
    agrees: npt.NDArray[np.bool_]
    by_words: npt.NDArray[np.bool_]
    """Whether words alone decide."""
    words_bend: tuple[float, float]
    both_bend: tuple[float, float] | None
    sure: float
    least_known: float
    least_near: float


def course(crosswise: Crosswise, agreement: float) -> Course:
    """Words decide where they err at most half as often as is allowed; else both do."""
    import numpy as np

    words, both = crosswise.by_words, crosswise.by_both
    sure = 1 - (1 - agreement) / 2
    words_bend = calibration(words)
    by_words = confidences(words, words_bend)
    if both is None:
        return Course(
            by_words, words.agrees, np.ones(len(by_words), dtype=bool), words_bend, None, sure, words.least_near, 0.0
        )
    both_bend = calibration(both)
    decided = by_words >= sure
    return Course(
        np.where(decided, by_words, confidences(both, both_bend)),
        np.where(decided, words.agrees, both.agrees),
        decided,
        words_bend,
        both_bend,
        sure,
        words.least_near,
        both.least_near,
    )


def alone(heard: Heard, agreement: float) -> Course:
    """The course where one look decides everything."""
    return course(Crosswise(heard, None), agreement)


def certify(taken: Course, agreement: float, confidence: float) -> Promise | None:
    """The promise with the greatest coverage that can be certified; None where none can."""
    doubt = 1 - confidence
    surest, others = doubt * _FOR_THE_SUREST, doubt * (1 - _FOR_THE_SUREST)
    half = max((len(taken.agrees) + 1) // 2, answers_for(0, agreement, 1 - others))
    found = [
        _furthest(taken, agreement, confidence, allowed=others, start=half),
        _furthest(taken, agreement, confidence, allowed=surest, start=answers_for(_SLIPS, agreement, 1 - surest)),
    ]
    return max((each for each in found if each is not None), key=lambda promise: promise.answered, default=None)


def _furthest(taken: Course, agreement: float, confidence: float, *, allowed: float, start: int) -> Promise | None:
    """The last promise of a sequence that begins where `start` texts would be answered; None where the first fails."""
    tried = [_promise(taken, least, agreement, confidence) for least in THRESHOLDS]
    sequence = [promise for promise in tried if promise.answered >= start]
    doubts = (share_upper(promise.disagreed, promise.answered, 1 - allowed) for promise in sequence)
    passed = passed_in_order(doubts, 1 - agreement)
    if not passed:
        return None
    last = sequence[passed - 1]
    return replace(last, bound=1 - share_upper(last.disagreed, last.answered, 1 - allowed))


@lru_cache(maxsize=64)
def answers_for(disagreed: float, agreement: float, confidence: float) -> int:
    """How many answers certify this agreement where so many of them disagree."""
    low, high = 1, 2
    while share_upper(disagreed, high, confidence) > 1 - agreement:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        if share_upper(disagreed, middle, confidence) <= 1 - agreement:
            high = middle
        else:
            low = middle + 1
    return low


def texts_needed(taken: Course, agreement: float, confidence: float) -> int | None:
    """About how many texts would certify it, were they like these; None where too many of the surest are wrong."""
    found, allowed = [], (1 - confidence) * (1 - _FOR_THE_SUREST)
    for least in THRESHOLDS:
        promise = _promise(taken, least, agreement, confidence)
        error = promise.disagreed / promise.answered if promise.answered else 0.0
        if promise.answered and error < 1 - agreement:
            found.append(_answers_at(error, agreement, 1 - allowed) / promise.coverage)
    return math.ceil(min(found)) if found and min(found) < _MOST_NEEDED else None


def _answers_at(error: float, agreement: float, confidence: float) -> float:
    """How many answers certify this agreement where this share of them disagrees."""
    count = answers_for(0, agreement, confidence)
    while count < _MOST_NEEDED and share_upper(error * count, count, confidence) > 1 - agreement:
        count = math.ceil(count * 1.05)
    return count


def _promise(taken: Course, least: float, agreement: float, confidence: float) -> Promise:
    answered = taken.confidences >= least
    disagreed = int((answered & ~taken.agrees).sum())
    count = int(answered.sum())
    return Promise(
        agreement=agreement,
        confidence=confidence,
        least=least,
        answered=count,
        disagreed=disagreed,
        texts=len(taken.agrees),
    )

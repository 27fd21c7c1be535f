"""How good is a judge of pairs? Hits, wrong hits, and what it gives up for fewer of them; the bare cosine beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synapse_cli.core.interval import Interval
from synapse_cli.lab.similarity.certify import Scored, counted
from synapse_cli.learned.bound import share_lower, share_upper

_POINTS = 60
_SIDE = 0.975
"""Each bound of an interval that holds the truth in 95 of 100 measurements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What a threshold lets through."""

    threshold: float
    pairs: int
    hits: int
    wrong: int
    same: int
    """Pairs that ask the same, hit or not."""

    @property
    def hit_rate(self) -> float:
        """Of all pairs, the share that are hits."""
        return self.hits / self.pairs if self.pairs else 0.0

    @property
    def recall(self) -> float:
        """Of those that ask the same, the share that are hits."""
        return (self.hits - self.wrong) / self.same if self.same else 0.0

    @property
    def wrong_rate(self) -> Interval | None:
        """Of the hits, the share that are wrong, with its 95 % interval; None where there are none."""
        if not self.hits:
            return None
        low, high = share_lower(self.wrong, self.hits, _SIDE), share_upper(self.wrong, self.hits, _SIDE)
        return Interval(self.wrong / self.hits, low, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A judge at every threshold."""

    name: str
    points: tuple[Point, ...]
    """From few hits to many."""
    auc: float | None
    """P(a pair that asks the same scores higher than one that does not); None where one kind is missing."""


def at(scored: Sequence[Scored], threshold: float) -> Point:
    """What one threshold does."""
    hits, wrong = counted(scored, threshold)
    return Point(threshold=threshold, pairs=len(scored), hits=hits, wrong=wrong, same=sum(each.same for each in scored))


def curve(name: str, scored: Sequence[Scored]) -> Curve:
    """Every threshold that matters, each with more hits than the one before."""
    scores = sorted((each.score for each in scored if each.score > 0), reverse=True)
    ranks = sorted({max(1, round(len(scores) * (step / _POINTS) ** 2)) for step in range(1, _POINTS + 1)})
    steps = dict.fromkeys(scores[rank - 1] for rank in ranks if scores)
    return Curve(name=name, points=tuple(at(scored, step) for step in steps), auc=auc(scored))


def most_hits(scored: Sequence[Scored], max_wrong: float) -> Point:
    """The most hits that some threshold gives while at most so many of them are wrong here: known afterwards only."""
    ordered = sorted(scored, key=lambda each: -each.score)
    wrong, best = 0, 0
    for number, each in enumerate(ordered, 1):
        if each.score <= 0:
            break
        wrong += not each.same
        is_last = number == len(ordered) or ordered[number].score < each.score
        if is_last and wrong <= max_wrong * number:
            best = number
    return at(scored, ordered[best - 1].score if best else 2.0)


def auc(scored: Sequence[Scored]) -> float | None:
    """The area under the ROC curve, ties counted half (Mann and Whitney)."""
    ordered = sorted(scored, key=lambda each: each.score)
    same = sum(each.same for each in ordered)
    other = len(ordered) - same
    if not same or not other:
        return None
    total, start = 0.0, 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end].score == ordered[start].score:
            end += 1
        total += sum(each.same for each in ordered[start:end]) * (start + end + 1) / 2
        start = end
    return (total - same * (same + 1) / 2) / (same * other)

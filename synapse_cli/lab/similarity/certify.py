"""From which score on are two prompts one, so that of the hits at most a stated share is wrong?

Thresholds are tried from few hits towards more and more, in an order in which the labels of the proof have no part; the
first that cannot be proved ends it (fixed-sequence testing: Angelopoulos et al., Learn then Test, 2021). Two things are
proved of each, exactly. The rate in the long run: the wrong ones among so many hits are binomial (Clopper and Pearson,
1934), or less spread than that where the hits' own chances differ (Hoeffding, On the Distribution of the Number of
Successes, 1956). And what will be counted among as many hits again: given how many are wrong in all, those of the first
half are hypergeometric (Thatcher, Relationships between Bayesian and Confidence Limits for Predictions, 1964). So the
chance that a threshold breaks its promise is at most 1 - confidence, whatever the judge is worth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from synapse_cli.learned.bound import beta_cumulative, passed_in_order, t_quantile

_STEPS = 60
"""Thresholds tried: each lets through some hits more than the one before."""
_CLEARLY = 0.05
"""Of a chance: few training pairs say little of it, and the strictest start needs the fewest."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A pair's score, and whether it asks the same."""

    score: float
    same: bool


@dataclass(frozen=True, slots=True)
class Aim:
    """What is to be proved."""

    max_wrong: float
    confidence: float

    def doubt(self, hits: int, wrong: int) -> float:
        """The p-value against "`max_wrong` or more are wrong", in the long run and among as many hits again."""
        if wrong >= hits:
            return 1.0
        rate = 1 - beta_cumulative(self.max_wrong, wrong + 1, hits - wrong)
        return max(rate, _as_few_in_one_half(wrong, hits, wrong + math.floor(self.max_wrong * hits + 1e-9) + 1))

    def allowed(self, hits: int) -> int:
        """How many of so many hits may be wrong; -1 where none may, and it is still no proof."""
        low, high = -1, hits
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.doubt(hits, middle) <= 1 - self.confidence else (low, middle)
        return low

    def fewest_hits(self, wrong: int) -> int:
        """Among how many hits so many may be wrong."""
        hits = wrong + 1
        while self.doubt(hits, wrong) > 1 - self.confidence:
            hits += 1
        return hits


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it."""

    threshold: float | None
    """None where nothing could be proved."""
    hits: int
    wrong: int
    pairs: int
    """On which it was tried. Without a threshold, hits and wrong are those of the first one."""


def prove(held_out: Sequence[Scored], thresholds: Sequence[float], aim: Aim) -> Proof:
    """The last threshold that is proved before one is not. The labels of `held_out` had no part in the order."""
    counts = [counted(held_out, threshold) for threshold in thresholds]
    passed = passed_in_order((aim.doubt(hits, wrong) for hits, wrong in counts), 1 - aim.confidence)
    hits, wrong = counts[max(0, passed - 1)] if counts else (0, 0)
    return Proof(thresholds[passed - 1] if passed else None, hits, wrong, len(held_out))


def by_rank(scored: Sequence[Scored], pairs: int, aim: Aim) -> list[float]:
    """Thresholds from the highest scores down; labels take no part.

    It starts where so many hits are expected among `pairs` that one wrong among them would still be a proof.
    """
    scores = sorted((each.score for each in scored if each.score > 0), reverse=True)
    if not scores or not pairs:
        return []
    first = min(len(scores), max(1, math.ceil(aim.fewest_hits(1) * len(scored) / pairs)))
    ratio = (len(scores) / first) ** (1 / (_STEPS - 1))
    ranks = dict.fromkeys(min(len(scores), round(first * ratio**step)) for step in range(_STEPS))
    return list(dict.fromkeys(scores[rank - 1] for rank in ranks))


def by_promise(seen: Sequence[Scored], pairs: int, aim: Aim) -> list[float]:
    """The same from the training part's scores; from further down where its labels clearly promise more of that."""
    steps, rates = by_rank(seen, pairs, aim), _smoothed(seen)
    chances = [_chance(step, rates, pairs / len(seen), aim) for step in steps]
    best = chances.index(max(chances)) if chances else 0
    return steps[best:] if chances and chances[best] > chances[0] + _CLEARLY else steps


def needed(scored: Sequence[Scored], aim: Aim) -> int | None:
    """About how many pairs in all would prove some threshold, if these are typical; None where no number would."""
    found, total = [], 0.0
    for at, (_, rate) in enumerate(_smoothed(scored), 1):
        total += rate
        if (hits := _hits_needed((total + 1) / (at + 1), aim)) is not None:
            found.append(hits / at * len(scored))
    return math.ceil(min(found)) if found else None


def counted(pairs: Sequence[Scored], threshold: float) -> tuple[int, int]:
    """How many pairs are hits, and how many of those are wrong."""
    hits = [each for each in pairs if each.score >= threshold > 0]
    return len(hits), sum(not each.same for each in hits)


def _as_few_in_one_half(few: int, half: int, wrong: int) -> float:
    """The chance that at most `few` of so many wrong ones are among the first half of twice `half` hits."""
    whole = _log_choose(2 * half, half)
    terms = (
        _log_choose(wrong, here) + _log_choose(2 * half - wrong, half - here) - whole
        for here in range(max(0, wrong - half), min(few, wrong, half) + 1)
    )
    return min(1.0, math.fsum(map(math.exp, terms)))


def _log_choose(of: int, many: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(many + 1) - math.lgamma(of - many + 1)


def _smoothed(seen: Sequence[Scored]) -> list[tuple[float, float]]:
    """Scores from the highest, and P(wrong) at each, which never falls with the score (pool adjacent violators)."""
    ordered = sorted((each for each in seen if each.score > 0), key=lambda each: (-each.score, each.same))
    pools: list[tuple[float, int]] = []
    for each in ordered:
        pools.append((float(not each.same), 1))
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] >= pools[-1][0] / pools[-1][1]:
            wrong, many = pools.pop()
            pools[-1] = (pools[-1][0] + wrong, pools[-1][1] + many)
    rates = [wrong / many for wrong, many in pools for _ in range(many)]
    return [(each.score, rate) for each, rate in zip(ordered, rates, strict=True)]


def _chance(threshold: float, rates: Sequence[tuple[float, float]], ratio: float, aim: Aim) -> float:
    """The chance that a threshold is proved by `ratio` times as many pairs, if these are right about it."""
    hits = [rate for score, rate in rates if score >= threshold]
    expected = max(1, round(len(hits) * ratio))
    allowed, rate = aim.allowed(expected), math.fsum(hits) / len(hits)
    if allowed < 0:
        return 0.0
    return 1.0 if allowed >= expected or rate <= 0 else 1 - beta_cumulative(rate, allowed + 1, expected - allowed)


def _hits_needed(rate: float, aim: Aim) -> int | None:
    """How many hits of which `rate` are wrong are a proof on average (the normal approximation, of two halves)."""
    short = aim.max_wrong - rate - 1e-4
    if short <= 0:
        return None
    spread = t_quantile(aim.confidence, 1e6) * math.sqrt(2 * aim.max_wrong * (1 - aim.max_wrong))
    return max(aim.fewest_hits(0), math.ceil((spread / short) ** 2))

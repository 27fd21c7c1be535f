"""Learn a scorer from prompts, answers and how good each answer was; nothing of it depends on the order of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from synapse_cli.lab.predict import fit as predicting
from synapse_cli.lab.predict.blend import logistic
from synapse_cli.learned.scorer import Scorer, logit, squash

LEAST_ROWS = 60
"""Fewer say little of texts."""
_PENALTY = 1.0


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was learned, and what it would have said of each row had it not seen it."""

    scorer: Scorer
    held_out: tuple[float, ...]
    """Row by row, in the order given."""


def fit(
    prompts: Sequence[str],
    answers: Sequence[str],
    scores: Sequence[float],
    models: Sequence[str] = (),
    *,
    tell: Callable[[int, int], None] | None = None,
) -> Fitted:
    """Learn P(good | prompt, answer); rows of several models may stand one after the other, `models` names them.

    A prompt that occurs again, with another model's answer, is read twice. Raises ValueError for fewer than 60 rows
    or where all are equally good, EngineMissing where scikit-learn is not there.
    """
    import numpy as np

    if len(answers) < LEAST_ROWS:
        raise ValueError(f"{len(answers)} answers are too few to learn from: at least {LEAST_ROWS}")
    if len({*scores}) < 2:
        raise ValueError("all answers are equally good: nothing tells a good one from a bad one")
    table = [[score] for score in scores]
    of_answer = predicting.fit(answers, table, tell=tell)
    of_prompt = predicting.fit(prompts, table, tell=tell)
    pairs = zip(of_answer.held_out, of_prompt.held_out, strict=True)
    said = np.array([[logit(answer.chances[0]), logit(prompt.chances[0])] for answer, prompt in pairs])
    bias, answer, prompt = map(float, logistic(said, np.asarray(scores, dtype=np.float64), _PENALTY))
    held_out = tuple(squash(bias + answer * one + prompt * other) for one, other in said.tolist())
    scorer = Scorer(
        answer=of_answer.predictor,
        prompt=of_prompt.predictor,
        blend=(bias, answer, prompt),
        rows=len(answers),
        auc=auc(held_out, scores),
        models=tuple(sorted({*models})),
    )
    return Fitted(scorer, held_out)


def auc(said: Sequence[float], scores: Sequence[float]) -> float | None:
    """How often a good answer (a score of at least a half) is said to be better than a bad one; ties count half.

    None where all are good or all are bad. (The Mann-Whitney statistic over all pairs, by ranks.)
    """
    good = [score >= 0.5 for score in scores]
    many = sum(good)
    if many in (0, len(good)):
        return None
    order = sorted(range(len(said)), key=said.__getitem__)
    rank, at, total = 0.0, 0, 0.0
    while at < len(order):
        end = at
        while end < len(order) and said[order[end]] == said[order[at]]:
            end += 1
        rank = (at + end + 1) / 2
        total += rank * sum(good[row] for row in order[at:end])
        at = end
    return (total - many * (many + 1) / 2) / (many * (len(good) - many))

"""How likely is this answer to this prompt a good one? Learned from answers that were judged; pure Python.

One predictor reads the answer (hedges, repeated steps, a missing end), another the prompt (how hard it is), and a blend
learned on rows that neither had seen weighs the two. Blind on bare choices such as "B", where there is nothing to read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from synapse_cli.core.errors import InputError
from synapse_cli.core.prompt import Json
from synapse_cli.learned import file, predictor
from synapse_cli.learned.file import Learned
from synapse_cli.learned.linear import numbers
from synapse_cli.learned.predictor import Predictor

_SUREST = 1e-4
"""Chances are kept this far from 0 and 1 before they are weighed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """P(good | prompt, answer)."""

    answer: Predictor
    prompt: Predictor
    blend: tuple[float, float, float]
    """The bias, the answer's weight and the prompt's."""
    rows: int = 0
    """Answers that it learned from."""
    auc: float | None = None
    """Of rows that it had not seen: 0.5 tells nothing, 1 everything."""
    models: tuple[str, ...] = ()
    """Whose answers they were."""

    def score(self, prompt: str, answer: str) -> float:
        """The chance that the answer is good, in [0, 1]; 0 for an empty one."""
        if not answer.strip():
            return 0.0
        said = (self.answer.predict(answer)[0], self.prompt.predict(prompt)[0])
        bias, *weights = self.blend
        return squash(bias + sum(weight * logit(each) for weight, each in zip(weights, said, strict=True)))

    def doubt(self, prompt: str, answer: str) -> float:
        """How unlike what it learned from, from 0 to 1: the stranger of the two texts."""
        return max(self.answer.doubt(answer), self.prompt.doubt(prompt))


def logit(chance: float) -> float:
    """A chance on the scale on which evidence adds up."""
    kept = min(1 - _SUREST, max(_SUREST, chance))
    return math.log(kept / (1 - kept))


def squash(evidence: float) -> float:
    """The chance of so much evidence."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, evidence))))


def save(path: str, scorer: Scorer) -> str:
    """Write a scorer; return its proof. Raises OSError."""
    about: dict[str, Json] = {
        "answer": scorer.answer.about(),
        "prompt": scorer.prompt.about(),
        "blend": list(scorer.blend),
        "rows": scorer.rows,
        "auc": scorer.auc,
        "models": list(scorer.models),
    }
    tensors = {**scorer.answer.tensors("answer."), **scorer.prompt.tensors("prompt.")}
    return file.write(path, Learned(kind="scorer", about=about, tensors=tensors))


def load(path: str) -> Scorer:
    """Read a scorer. Raises InputError for a file that is missing, damaged, newer or another's."""
    return of(file.read(path, "scorer"), path)


def of(learned: Learned, path: str) -> Scorer:
    """The scorer of a file that was read. Raises InputError."""
    about = learned.about
    try:
        bias, answer, prompt = numbers(about["blend"])
        rows, auc, models = about["rows"], about["auc"], about["models"]
        return Scorer(
            answer=predictor.from_file(_part(about, "answer"), learned.tensors, "answer."),
            prompt=predictor.from_file(_part(about, "prompt"), learned.tensors, "prompt."),
            blend=(bias, answer, prompt),
            rows=rows if isinstance(rows, int) else 0,
            auc=auc if isinstance(auc, float) else None,
            models=tuple(map(str, models)) if isinstance(models, list) else (),
        )
    except (KeyError, TypeError, ValueError) as error:
        hint = "write one with synapse tune -o FILE"
        raise InputError(f"the scorer {path} cannot be used: it is none that this Synapse wrote", hint) from error


def _part(about: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    part = about[name]
    if not isinstance(part, dict):
        raise TypeError(f"{name}: a table was expected")
    return part

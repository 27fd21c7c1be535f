"""Does the answer get better when it is criticised, and is it then good enough?

    accept = [{ kind = "critique", model = "big" }]               # big finds faults, the tier that answered mends them
    accept = [{ kind = "critique", rounds = 2, min = 0.9, required = true }]

A model lists faults and gives a score; below `min` whoever answered writes the answer again with the faults before it,
at most `rounds` times, and the last text is judged again (Self-Refine, Madaan et al. 2023, arXiv:2303.17651). What was
written last becomes the answer. All other rules judge that text, wherever they stand in the profile: a rule that
rewrites goes first. Of a rewritten answer no confidence and no count of tokens is known, so that rules about these
cannot be applied to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import ClassVar

from synapse_cli.checks import fenced
from synapse_cli.checks.asking import ALONE, Binds, binds, named, question, unasked
from synapse_cli.checks.doubtful import one_line, passes_if_missing, unevaluated
from synapse_cli.checks.material import TRUST, material
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.options import Options
from synapse_cli.core.ports import Aid, Foreseen
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.verdict import Verdict

LEAST = 0.75
_SCALE = 5
_MOST_ROUNDS = 5
_MOST_FAULTS, _LONGEST_FAULT = 10, 400
_CRITIQUE_TOKENS = _MOST_FAULTS * 100


@dataclass(frozen=True, slots=True)
class Criticised:
    """What the critic said: a score in [0, 1], and what is wrong."""

    score: float
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Critique:
    """Passes an answer that the critic gives at least `min`, at once or after so many rounds of mending."""

    kind: ClassVar[str] = "critique"
    revises: ClassVar[bool] = True

    model: str | None = None
    """Who finds faults; None is the model that answered."""
    rounds: int = 1
    least: float = LEAST
    if_missing_pass: bool = False
    binds: Binds = "doubt"

    @classmethod
    def parse(cls, options: Options) -> Critique:
        """Read `model`, `rounds`, `min`, `required`."""
        model = named(options)
        rounds = options.whole("rounds", 1, least=1) or 1
        if rounds > _MOST_ROUNDS:
            options.problem("rounds", str(rounds), f"at most {_MOST_ROUNDS}: each is two calls")
        least = options.number("min", LEAST, least=0.0, most=1.0)
        return cls(
            model,
            min(rounds, _MOST_ROUNDS),
            LEAST if least is None else least,
            passes_if_missing(options),
            binds(options),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """Whom the rule asks by name."""
        return () if self.model is None else (self.model,)

    def foresees(self, tier: str) -> tuple[Foreseen, ...]:
        """Each round a critique and a rewriting, and one more critique."""
        critic = Foreseen(self.model or tier, "judge", self.rounds + 1, _CRITIQUE_TOKENS)
        return (critic, Foreseen(tier, "sample", self.rounds, None))

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Say that nobody can be asked."""
        del request, completion, control
        return unevaluated(self.kind, ALONE, passes=self.if_missing_pass)

    def judge_with(self, request: Request, completion: Completion, control: Control, aid: Aid) -> Verdict:
        """Criticise and mend in turn; an answer that is mended and still not good enough does not pass."""
        del control
        if not completion.text.strip():
            return Verdict(self.kind, passed=False, reason="the answer is empty", score=0.0)
        text = completion.text
        try:
            for left in range(self.rounds, -1, -1):
                found = self._criticise(request, text, aid)
                if found.score >= self.least - 1e-9:
                    mended = None if text == completion.text else text
                    how = "" if mended is None else f"rewritten {_times(self.rounds - left)}"
                    return Verdict(self.kind, passed=True, reason=how, score=found.score, canonical=mended)
                if left:
                    text = _mended(request, text, found.faults, aid)
        except SynapseError as error:
            return unasked(self.kind, error, passes=self.if_missing_pass)
        except fenced.NotJson as error:
            return unevaluated(self.kind, str(error), passes=self.if_missing_pass)
        first = found.faults[0] if found.faults else "no fault was named"
        reason = one_line(f"{found.score:.2f} after {self.rounds} of {self.rounds} rounds: {first}")
        return Verdict(self.kind, passed=False, reason=reason, score=found.score)

    def _criticise(self, request: Request, text: str, aid: Aid) -> Criticised:
        """Ask for faults and a score. Raises NotJson where none can be read."""
        asked = (
            f"{material(request, text)}\n\nWhat is wrong with the answer, or lacks? List each fault in one sentence, "
            f"none where there is none. Then score it from 1 (useless) to {_SCALE} (nothing to mend). "
            'Reply with a JSON object: {"faults": […], "score": …}.'
        )
        critic = self.model or aid.tier
        said = aid.ask(
            critic, question(f"You criticise answers so that they can be mended. {TRUST}", asked, schema=_SCHEMA)
        )
        value, _ = fenced.read(said.text)
        score = value.get("score") if isinstance(value, dict) else None
        faults = value.get("faults") if isinstance(value, dict) else None
        if not isinstance(score, int) or not 1 <= score <= _SCALE or not isinstance(faults, list):
            raise fenced.NotJson(f"{critic} gave no faults and score")
        listed = tuple(one_line(str(each))[:_LONGEST_FAULT] for each in faults[:_MOST_FAULTS] if str(each).strip())
        return Criticised((score - 1) / (_SCALE - 1), listed)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _mended(request: Request, text: str, faults: tuple[str, ...], aid: Aid) -> str:
    """Have whoever answered answer again, under the same constraints; an empty or broken-off text changes nothing."""
    listed = "\n".join(f"- {fault}" for fault in faults) or "- It does not do what was asked."
    wish = f"A reader found faults in this:\n{listed}\n\nWrite the answer again, whole and mended, and nothing else."
    messages = (*request.messages, Message("assistant", text), Message("user", wish))
    said = aid.ask(aid.tier, replace(request, messages=messages), kind="sample")
    return said.text if said.finish == "stop" and said.text.strip() else text


_SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "faults": {"type": "array", "items": {"type": "string"}, "maxItems": _MOST_FAULTS},
            "score": {"type": "integer", "minimum": 1, "maximum": _SCALE},
        },
        "required": ["faults", "score"],
        "additionalProperties": False,
    },
    sort_keys=True,
)

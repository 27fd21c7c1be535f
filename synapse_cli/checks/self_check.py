"""Does the model itself, asked anew, think that its answer does what was asked?

    accept = [{ kind = "self_check" }]                                    # the model that answered is asked
    accept = [{ kind = "self_check", model = "other", min = 0.8 }]        # another one is
    accept = [{ kind = "self_check", questions = ["Does it name a year?", "Is it one sentence?"] }]

Each question is closed, yes or no, and the probability of "yes" is the score: P(True) of Kadavath et al. 2022
(arXiv:2207.05221). With several questions the lowest counts. Models are lenient to themselves: measure before use.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from synapse_cli.checks.asking import ALONE, LABEL_TOKENS, Binds, binds, chance, named, question, unasked
from synapse_cli.checks.doubtful import one_line, passes_if_missing, unevaluated
from synapse_cli.checks.material import TRUST, material
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.options import Options
from synapse_cli.core.ports import Aid, Foreseen
from synapse_cli.core.prompt import Request
from synapse_cli.core.verdict import Verdict

QUESTION = "Is the answer right, and does it do all that was asked?"
LEAST = 0.5
_MOST_QUESTIONS = 10
_YES, _NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """Passes an answer of which the model, asked in a fresh request, says yes with at least the chance `min`."""

    kind: ClassVar[str] = "self_check"

    model: str | None = None
    """Who is asked; None is the model that answered."""
    questions: tuple[str, ...] = (QUESTION,)
    least: float = LEAST
    if_missing_pass: bool = False
    binds: Binds = "doubt"

    @classmethod
    def parse(cls, options: Options) -> SelfCheck:
        """Read `model`, `questions`, `min`, `required`."""
        model = named(options)
        questions = options.texts("questions")
        if options.values.get("questions") == [] or any(not each.strip() for each in questions):
            options.problem("questions", "a question that is empty", "questions that yes or no answers")
        if len(questions) > _MOST_QUESTIONS:
            options.problem("questions", f"{len(questions)} of them", f"at most {_MOST_QUESTIONS}: each is a call")
        least = options.number("min", LEAST, least=0.0, most=1.0)
        return cls(
            model,
            questions[:_MOST_QUESTIONS] or (QUESTION,),
            LEAST if least is None else least,
            passes_if_missing(options),
            binds(options),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """Whom the rule asks by name."""
        return () if self.model is None else (self.model,)

    def foresees(self, tier: str) -> tuple[Foreseen, ...]:
        """One call a question."""
        return (Foreseen(self.model or tier, "judge", len(self.questions), LABEL_TOKENS),)

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Say that nobody can be asked."""
        del request, completion, control
        return unevaluated(self.kind, ALONE, passes=self.if_missing_pass)

    def judge_with(self, request: Request, completion: Completion, control: Control, aid: Aid) -> Verdict:
        """Ask one question after the other, until one is not answered with yes."""
        del control
        if not completion.text.strip():
            return Verdict(self.kind, passed=False, reason="the answer is empty", score=0.0)
        lowest = 1.0
        try:
            for each in self.questions:
                said = aid.ask(self.model or aid.tier, self._asked(request, completion.text, each))
                lowest = min(lowest, chance(said, _YES))
                if lowest < self.least:
                    reason = one_line(f"{lowest:.2f} for yes to {each!r}")
                    return Verdict(self.kind, passed=False, reason=reason, score=lowest)
        except SynapseError as error:
            return unasked(self.kind, error, passes=self.if_missing_pass)
        return Verdict(self.kind, passed=True, score=lowest)

    @staticmethod
    def _asked(request: Request, answer: str, each: str) -> Request:
        text = f"{material(request, answer)}\n\n{each} Reply yes or no."
        asked = question(f"You check answers before they are sent. {TRUST}", text, (_YES, _NO))
        return replace(asked, params={**asked.params, "logprobs": True})  # how sure it is, where a provider tells that

"""Do two models, or several answers of one, say the same?

    accept = [{ kind = "agree", with = "other-cheap" }]              # another cheap model gives the same final answer
    accept = [{ kind = "agree", samples = 4, min = 0.75 }]           # three of four more answers of the same model
    accept = [{ kind = "agree", with = "b", as = "number" }]         # answer | number | choice | json | text | code

Self-consistency (Wang et al. 2022, arXiv:2203.11171) and agreement of two models: without any training, the best sign
of a right answer where answers are short and checkable. Two refusals, two empty answers and two "I don't know" are no
agreement. Of a closed set of few labels two poor models name the same one by chance: `synapse tune` measures whether
agreement tells anything on yours. Asking stops as soon as the verdict is certain. `learned.normalised` says when two
answers are the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from synapse_cli.checks.asking import ALONE, unasked
from synapse_cli.checks.doubtful import one_line, passes_if_missing, unevaluated
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.options import Options
from synapse_cli.core.ports import Aid, Foreseen
from synapse_cli.core.prompt import Json, Request
from synapse_cli.core.verdict import Verdict
from synapse_cli.learned.normalised import FORMS, Form, Normal, agree, normal

_MOST_SAMPLES = 20
_TEMPERATURE = 0.7
"""Of samples, unless the rule or the request says one: what Wang et al. used for most models."""
_AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Agree:
    """Passes an answer that at least the share `min` of other answers to the same request agrees with."""

    kind: ClassVar[str] = "agree"
    binds: ClassVar[Literal["validity", "doubt"]] = "doubt"

    partner: str | None = None
    """Who else is asked; None is the model that answered."""
    samples: int = 1
    least: float = 1.0
    form: str = _AUTO
    temperature: float | None = None
    if_missing_pass: bool = False

    @classmethod
    def parse(cls, options: Options) -> Agree:
        """Read `with`, `samples`, `min`, `as`, `temperature`; at least one of the first two must be there."""
        partner = options.text("with")
        samples = options.whole("samples", 1, least=1) or 1
        if "with" not in options.values and "samples" not in options.values:
            options.problem(
                "with", "nothing", "`with` = another model, or `samples` = how many more answers of the same"
            )
        if partner is not None and not partner:
            options.problem("with", "an empty text", "the name of a model")
        if samples > _MOST_SAMPLES:
            options.problem("samples", str(samples), f"at most {_MOST_SAMPLES}: every one is a call that costs")
        least = options.number("min", 1.0, least=0.0, most=1.0)
        if least == 0:
            options.problem("min", "0", "a share above 0: with 0 every answer passes")
        form = options.one_of("as", (_AUTO, *FORMS), _AUTO)
        temperature = options.number("temperature", least=0.0, most=2.0)
        missing_pass = passes_if_missing(options)
        return cls(partner, min(samples, _MOST_SAMPLES), least or 1.0, form, temperature, missing_pass)

    @property
    def models(self) -> tuple[str, ...]:
        """Whom the rule asks by name."""
        return () if self.partner is None else (self.partner,)

    def foresees(self, tier: str) -> tuple[Foreseen, ...]:
        """One call a sample."""
        return (Foreseen(self.partner or tier, "sample", self.samples, None),)

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Say that nobody can be asked."""
        del request, completion, control
        return unevaluated(self.kind, ALONE, passes=self.if_missing_pass)

    def judge_with(self, request: Request, completion: Completion, control: Control, aid: Aid) -> Verdict:
        """Ask until it is certain whether enough answers agree."""
        del control
        form = self._form(request)
        own = _sayable(completion, form, request)
        if own is None:
            return Verdict(self.kind, passed=False, reason=f"it holds no {form} to agree on", score=0.0)
        if self.partner == aid.tier and self.samples == 1:
            return unevaluated(self.kind, f"{aid.tier} would agree with itself", passes=False)
        needed, made, agreed, other = math.ceil(self.least * self.samples - 1e-9), 0, 0, ""
        try:
            for said in self._others(request, aid):
                if _is_no_sample(request, completion, said):
                    why = "the model weighs its labels and answers alike each time: use `confidence`"
                    return unevaluated(self.kind, why, passes=False)
                is_same = agree(own, _sayable(said, form, request))
                made, agreed = made + 1, agreed + is_same
                other = other if is_same else _short(said.text, form, request)
                if agreed >= needed or agreed + self.samples - made < needed:
                    break
        except SynapseError as error:
            return unasked(self.kind, error, passes=self.if_missing_pass)
        return self._verdict(agreed, made, needed, _short(completion.text, form, request), other)

    def _form(self, request: Request) -> Form:
        if self.form != _AUTO:
            return self.form  # type: ignore[return-value]  # `one_of` let no other through
        return "choice" if request.choices else "json" if request.schema is not None else "answer"

    def _others(self, request: Request, aid: Aid) -> Iterator[Completion]:
        """The other answers, each asked for when it is wanted."""
        is_other = self.partner not in (None, aid.tier)
        for number in range(self.samples):
            sample = number if is_other else number + 1
            asked = replace(request, params=self._params(request, sample), sample=sample)
            yield aid.ask(self.partner or aid.tier, asked, kind="sample")

    def _params(self, request: Request, sample: int) -> dict[str, Json]:
        """Those of the request, warm enough for answers to differ; the first of another model stays as it is."""
        params = dict(request.params)
        if self.temperature is not None:
            params["temperature"] = self.temperature
        elif sample and not params.get("temperature"):
            params["temperature"] = _TEMPERATURE
        seed = params.get("seed")
        if sample and isinstance(seed, int):
            params["seed"] = seed + sample
        return params

    def _verdict(self, agreed: int, made: int, needed: int, own: str, other: str) -> Verdict:
        score = agreed / made
        if agreed >= needed:
            return Verdict(self.kind, passed=True, score=score)
        who = self.partner or "a second answer"
        reason = (
            f"{who} says {other!r}, not {own!r}"
            if self.samples == 1
            else f"{agreed} of {made} answers say {own!r}, another {other!r}; {needed} of {self.samples} are needed"
        )
        return Verdict(self.kind, passed=False, reason=one_line(reason), score=score)


def _sayable(completion: Completion, form: Form, request: Request) -> Normal | None:
    """What an answer says in this form; None for a refusal, or where it says nothing."""
    if completion.finish == "refusal":
        return None
    from synapse_cli.checks.refusal import refusal_language

    if not request.choices and refusal_language(completion.text) is not None:
        return None
    return normal(completion.text, form, request.choices)


def _is_no_sample(request: Request, own: Completion, said: Completion) -> bool:
    """A model that weighs labels says the very same with the very same confidence, however often it is asked."""
    sure = own.confidence
    return bool(request.choices) and sure is not None and (said.text, said.confidence) == (own.text, sure)


def _short(text: str, form: Form, request: Request) -> str:
    found = normal(text, form, request.choices)
    return "nothing" if found is None else one_line(found.key.lstrip("#=") + found.unit)[:40]

"""What does another model think of the answer, by a rubric?

    accept = [{ kind = "judge", model = "big", rubric = "Is every claim right and the question answered?", min = 0.75 }]
    accept = [{ kind = "judge", model = "big", rubric = "@rubric.md", scale = 10, reference = "@golden.txt" }]

The judge's reply is one of the scores and nothing else, `(score - 1) / (scale - 1)` is compared with `min`. It never
learns which tier or model wrote the answer: judges prefer their own (Panickssery et al. 2024, arXiv:2404.13076) and
whatever they are told is better. It sees one answer at a time, so there is no place to prefer; that length is no merit
it is told (Zheng et al. 2023, arXiv:2306.05685, on both). What an answer says to its judge is cut out before: see
`checks.material`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from synapse_cli.checks.asking import ALONE, LABEL_TOKENS, Binds, binds, prose, question, unasked
from synapse_cli.checks.doubtful import passes_if_missing, unevaluated
from synapse_cli.checks.material import TRUST, material
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.options import Options
from synapse_cli.core.ports import Aid, Foreseen
from synapse_cli.core.prompt import Request
from synapse_cli.core.verdict import Verdict

RUBRIC = (
    "Is the answer right, does it do all that was asked, in the form that was asked for, and does it claim nothing "
    "that it cannot know?"
)
"""Where the rule has none."""
LEAST = 0.75
"""4 of 5."""
SCALE = 5
_LARGEST_SCALE = 10


@dataclass(frozen=True, slots=True)
class Judge:
    """Passes an answer to which `model` gives at least `min` of the scale, by the rubric."""

    kind: ClassVar[str] = "judge"

    model: str
    rubric: str = RUBRIC
    least: float = LEAST
    scale: int = SCALE
    reference: str = ""
    """An answer that is known to be right, shown to the judge."""
    files: tuple[str, ...] = ()
    if_missing_pass: bool = False
    binds: Binds = "doubt"

    @classmethod
    def parse(cls, options: Options) -> Judge:
        """Read `model`, `rubric`, `min`, `scale`, `reference`, `required`."""
        options.require("model")
        model = options.text("model") or ""
        rubric, rubric_files = prose(options, "rubric", RUBRIC)
        reference, reference_files = prose(options, "reference", "")
        least = options.number("min", LEAST, least=0.0, most=1.0)
        scale = options.whole("scale", SCALE, least=2) or SCALE
        if scale > _LARGEST_SCALE:
            options.problem("scale", str(scale), f"a whole number from 2 to {_LARGEST_SCALE}")
        return cls(
            model,
            rubric,
            LEAST if least is None else least,
            min(scale, _LARGEST_SCALE),
            reference,
            (*rubric_files, *reference_files),
            passes_if_missing(options),
            binds(options),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """Whom the rule asks."""
        return (self.model,)

    def foresees(self, tier: str) -> tuple[Foreseen, ...]:
        """One call for one label."""
        del tier
        return (Foreseen(self.model, "judge", 1, LABEL_TOKENS),)

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Say that nobody can be asked."""
        del request, completion, control
        return unevaluated(self.kind, ALONE, passes=self.if_missing_pass)

    def judge_with(self, request: Request, completion: Completion, control: Control, aid: Aid) -> Verdict:
        """Ask for a score; an empty answer needs no judge."""
        del control
        if not completion.text.strip():
            return Verdict(self.kind, passed=False, reason="the answer is empty", score=0.0)
        try:
            said = aid.ask(self.model, self.asked(request, completion.text))
        except SynapseError as error:
            return unasked(self.kind, error, passes=self.if_missing_pass)
        label = said.text.strip()
        if label not in self.labels:
            return unevaluated(self.kind, f"{self.model} gave no score: {label[:40]!r}", passes=self.if_missing_pass)
        score = (int(label) - 1) / (self.scale - 1)
        own = f" (by {self.model}, which wrote it)" if aid.tier == self.model else ""
        if score >= self.least - 1e-9:
            return Verdict(self.kind, passed=True, reason=own.strip(" ()"), score=score)
        return Verdict(self.kind, passed=False, reason=f"{label} of {self.scale}{own}", score=score)

    @property
    def labels(self) -> tuple[str, ...]:
        """The scores that the judge may give."""
        return tuple(str(score) for score in range(1, self.scale + 1))

    def asked(self, request: Request, answer: str) -> Request:
        """What the judge is asked: nothing in it tells who answered."""
        reference = f"\n\nA right answer, to compare with:\n{self.reference}" if self.reference else ""
        text = (
            f"Rubric:\n{self.rubric}{reference}\n\n{material(request, answer)}\n\n"
            f"By the rubric alone, how good is the answer, from 1 (fails) to {self.scale} (meets all of it)? "
            "Reply with the number."
        )
        return question(f"You grade answers by a rubric. {TRUST}", text, self.labels)

"""Is the model sure enough of its answer?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from synapse_cli.checks.doubtful import passes_if_missing, unevaluated
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.options import Options
from synapse_cli.core.prompt import Request
from synapse_cli.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Confidence:
    """Passes an answer whose confidence is at least `min`."""

    kind: ClassVar[str] = "confidence"
    binds: ClassVar[Literal["validity", "doubt"]] = "doubt"

    least: float
    if_missing_pass: bool = False

    @classmethod
    def parse(cls, options: Options) -> Confidence:
        """Read `min` and `if_missing`."""
        options.require("min")
        least = options.number("min", least=0.0, most=1.0)
        return cls(1.0 if least is None else least, passes_if_missing(options))

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Compare the completion's confidence with the least that is accepted."""
        del request, control
        found = completion.confidence
        if found is None:
            return unevaluated(self.kind, "the model gives no confidence", passes=self.if_missing_pass)
        if found != found or found < self.least:  # noqa: PLR0124  # NaN compares false with everything
            reason = f"{_below(found, self.least)} is below {self.least:g}"
            return Verdict(self.kind, passed=False, reason=reason, score=found)
        return Verdict(self.kind, passed=True, score=found)


def _below(found: float, least: float) -> str:
    """Two decimals, or as many as it takes not to say that 0.97 is below 0.97."""
    for digits in range(2, 6):
        text = f"{found:.{digits}f}"
        if float(text) < least:
            return text
    return f"{found:g}"

"""Is the model sure enough of its answer?

    accept = [{ kind = "confidence", min = 0.9 }]
    accept = [{ kind = "confidence", min = 0.8, calibration = [[0.5, 0.2], [0.97, 0.8], [1, 0.95]] }]

With a calibration `min` is the chance that the answer is right, as labels have shown it, and not the model's own word:
models are far too sure of themselves, each in its own way. `synapse tune` measures the points.
"""

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
    """Passes an answer whose confidence, calibrated where there are points for that, is at least `min`."""

    kind: ClassVar[str] = "confidence"
    binds: ClassVar[Literal["validity", "doubt"]] = "doubt"

    least: float
    if_missing_pass: bool = False
    points: tuple[tuple[float, float], ...] = ()
    """Of the calibration: (confidence, chance)."""

    @classmethod
    def parse(cls, options: Options) -> Confidence:
        """Read `min`, `calibration` and `if_missing`."""
        options.require("min")
        least = options.number("min", least=0.0, most=1.0)
        return cls(1.0 if least is None else least, passes_if_missing(options), _points(options))

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Compare the completion's confidence with the least that is accepted."""
        del request, control
        found = completion.confidence
        if found is None:
            return unevaluated(self.kind, "the model gives no confidence", passes=self.if_missing_pass)
        if self.points and found == found:  # noqa: PLR0124  # NaN is no confidence
            from synapse_cli.learned.calibration import Calibration

            found = Calibration(self.points).chance(found)
        if found != found or found < self.least:  # noqa: PLR0124  # NaN compares false with everything
            reason = f"{_below(found, self.least)} is below {self.least:g}"
            return Verdict(self.kind, passed=False, reason=reason, score=found)
        return Verdict(self.kind, passed=True, score=found)


def _points(options: Options) -> tuple[tuple[float, float], ...]:
    given = options.value("calibration")
    if given is None:
        return ()
    from synapse_cli.learned.calibration import from_json

    try:
        return from_json(given).points
    except ValueError as error:
        options.problem("calibration", repr(given)[:60], f"points [[confidence, chance], …]: {error}")
        return ()


def _below(found: float, least: float) -> str:
    """Two decimals, or as many as it takes not to say that 0.97 is below 0.97."""
    for digits in range(2, 6):
        text = f"{found:.{digits}f}"
        if float(text) < least:
            return text
    return f"{found:g}"

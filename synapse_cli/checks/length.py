"""Is the answer neither too short nor too long?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from synapse_cli.checks.doubtful import passes_if_missing, unevaluated
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.options import Options
from synapse_cli.core.prompt import Request
from synapse_cli.core.verdict import Verdict

_UNITS = ("chars", "words", "tokens")


@dataclass(frozen=True, slots=True)
class Length:
    """Passes an answer of `min` to `max` chars, words or tokens (space around it does not count)."""

    kind: ClassVar[str] = "length"
    binds: ClassVar[Literal["validity", "doubt"]] = "validity"

    least: int
    most: int | None
    unit: str = "chars"
    if_missing_pass: bool = False

    @classmethod
    def parse(cls, options: Options) -> Length:
        """Read `min`, `max` and `unit`; at least one bound must be there, and they must not cross."""
        least = options.whole("min", least=0)
        most = options.whole("max", least=0)
        unit = options.one_of("unit", _UNITS, "chars")
        if "min" not in options.values and "max" not in options.values:
            options.problem("min", "nothing", "`min` or `max`: without a bound the rule says nothing")
        if least is not None and most is not None and least > most:
            options.problem("min", str(least), f"no more than `max`, which is {most}")
        return cls(least or 0, most, unit, passes_if_missing(options))

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Count, and compare with the bounds."""
        del request, control
        size = _size(completion, self.unit)
        if size is None:
            return unevaluated(self.kind, "the number of tokens is not known", passes=self.if_missing_pass)
        if size < self.least:
            reason = f"{size} {self.unit}, fewer than {self.least}"
        elif self.most is not None and size > self.most:
            reason = f"{size} {self.unit}, more than {self.most}"
        else:
            return Verdict(self.kind, passed=True, score=float(size))
        return Verdict(self.kind, passed=False, reason=reason, score=float(size))


def _size(completion: Completion, unit: str) -> int | None:
    if unit == "chars":
        return len(completion.text.strip())
    if unit == "words":
        return len(completion.text.split())
    usage = completion.usage
    return None if usage.output is None else max(0, usage.output - usage.reasoning)

"""Is the answer one of the labels that were asked for?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from synapse_cli.checks.doubtful import one_line
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.errors import UsageError
from synapse_cli.core.fold import fold
from synapse_cli.core.options import Options
from synapse_cli.core.prompt import Request
from synapse_cli.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Choices:
    """Passes an answer that is one of `values` (default: those of `--choices`), and prints it as declared."""

    kind: ClassVar[str] = "choices"
    binds: ClassVar[Literal["validity", "doubt"]] = "validity"

    values: tuple[str, ...] = ()

    @classmethod
    def parse(cls, options: Options) -> Choices:
        """Read `values`; two that compare equal are a mistake, because either could be meant."""
        values = options.texts("values")
        if options.values.get("values") == []:
            options.problem("values", "an empty list", "at least one label")
        folded: dict[str, str] = {}
        for value in values:
            key = fold(value)
            if not key:
                options.problem("values", repr(value), "labels that are not empty")
            elif key in folded:
                options.problem("values", f"{folded[key]!r} and {value!r}, which compare equal", "different labels")
            folded[key] = value
        return cls(values)

    def ready(self, request: Request) -> None:
        """Raise UsageError where neither the rule nor the request has labels."""
        if not self.values and not request.choices:
            raise UsageError("the rule `choices` has no labels", "give --choices a,b,c, or `values` in the rule")

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Find the answer among the labels, compared as `fold` sees them."""
        del control
        self.ready(request)
        values = self.values or request.choices
        found = fold(completion.text)
        for value in values:
            if fold(value) == found:
                return Verdict(self.kind, passed=True, canonical=value)
        shown = one_line(completion.text)[:60]
        return Verdict(self.kind, passed=False, reason=f"{shown!r} is none of {_listed(values)}")


def _listed(values: tuple[str, ...]) -> str:
    shown = ", ".join(values[:8])
    return shown if len(values) <= 8 else f"{shown}, … ({len(values)} labels)"

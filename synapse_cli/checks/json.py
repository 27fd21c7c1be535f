"""Is the answer JSON?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from synapse_cli.checks import fenced
from synapse_cli.checks.doubtful import one_line
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.options import Options
from synapse_cli.core.prompt import Request
from synapse_cli.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Json:
    """Passes an answer that is one JSON value; a single Markdown fence around it is taken off."""

    kind: ClassVar[str] = "json"
    binds: ClassVar[Literal["validity", "doubt"]] = "validity"

    @classmethod
    def parse(cls, options: Options) -> Json:
        """Read nothing: the rule has no options."""
        del options
        return cls()

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Parse the answer."""
        del request, control
        try:
            _, inner = fenced.read(completion.text)
        except fenced.NotJson as error:
            return Verdict(self.kind, passed=False, reason=one_line(f"not JSON: {error}"))
        return Verdict(self.kind, passed=True, canonical=inner)

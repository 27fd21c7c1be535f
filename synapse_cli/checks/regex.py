r"""Does the answer match a pattern, or keep clear of it?

A pattern that could backtrack for ever (`checks.backtracking`) is searched in a child process with a deadline: a
thread would hold the interpreter lock, a signal is not heard inside `re`, and to refuse nested quantifiers would refuse
good patterns such as `(\w+, )*\w+`. The child costs one bare interpreter start, and only where the bound asks for it.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from typing import ClassVar, Literal

from synapse_cli.checks import backtracking
from synapse_cli.checks.doubtful import passes_if_missing, unevaluated
from synapse_cli.core import child
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.options import Options
from synapse_cli.core.prompt import Request
from synapse_cli.core.verdict import Verdict

SEARCH_S = 5.0
"""Seconds that one search may take in the child."""
_SEARCH = "import json,re,sys; p,t=json.load(sys.stdin); sys.exit(3 if re.search(p,t) else 4)"
_FOUND, _NOT_FOUND = 3, 4


@dataclass(frozen=True, slots=True)
class Regex:
    """Passes an answer in which `pattern` is found (`negate`: is not found), anywhere, by Python's `re`."""

    kind: ClassVar[str] = "regex"
    binds: ClassVar[Literal["validity", "doubt"]] = "validity"

    pattern: str
    negate: bool = False
    if_missing_pass: bool = False

    @classmethod
    def parse(cls, options: Options) -> Regex:
        """Read `pattern` and `negate`."""
        options.require("pattern")
        pattern = options.text("pattern") or ""
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            options.problem("pattern", repr(pattern), f"a regular expression of Python: {error}")
            pattern = ""
        return cls(pattern, options.flag("negate"), passes_if_missing(options))

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Search the answer."""
        del request
        found = _search(self.pattern, completion.text, control)
        if isinstance(found, str):
            return unevaluated(self.kind, found, passes=self.if_missing_pass)
        if found is not self.negate:
            return Verdict(self.kind, passed=True)
        shown = self.pattern if len(self.pattern) <= 60 else self.pattern[:59] + "…"
        return Verdict(self.kind, passed=False, reason=f"{shown!r} is {'found' if found else 'not found'}")


def _search(pattern: str, text: str, control: Control) -> bool | str:
    """Whether the pattern is found, or why that cannot be told."""
    if backtracking.steps(pattern, len(text)) <= backtracking.FEW:
        return re.search(pattern, text) is not None
    task = json.dumps([pattern, text]).encode()
    ended = child.run((sys.executable, "-I", "-S", "-c", _SEARCH), task, timeout_s=SEARCH_S, control=control)
    if isinstance(ended, child.Unended):
        return f"the search of {pattern[:60]!r} was {ended.reason}"
    if ended.exit_code not in {_FOUND, _NOT_FOUND}:
        return f"the search of {pattern[:60]!r} failed with exit code {ended.exit_code}"
    return ended.exit_code == _FOUND

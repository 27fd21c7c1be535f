"""What becomes of an answer when its rule cannot be applied: it does not pass, unless the rule says so itself."""

from __future__ import annotations

import re

from synapse_cli.core.options import Options
from synapse_cli.core.verdict import Verdict

_LONGEST_REASON = 200
_NOT_PRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def passes_if_missing(options: Options) -> bool:
    """Read `if_missing = "fail" | "pass"`, which every rule that can fail to be applied knows."""
    return options.one_of("if_missing", ("fail", "pass"), "fail") == "pass"


def unevaluated(rule: str, reason: str, *, passes: bool) -> Verdict:
    """Say that a rule was not applied, and whether the answer passes all the same."""
    suffix = ' (if_missing = "pass")' if passes else ""
    return Verdict(rule, passes, one_line(reason) + suffix, evaluated=False)


def one_line(text: str) -> str:
    """Make a reason fit for one line of a terminal or a record: no control characters, not endless."""
    line = _NOT_PRINTABLE.sub(" ", text).strip()
    return line if len(line) <= _LONGEST_REASON else line[: _LONGEST_REASON - 1] + "…"

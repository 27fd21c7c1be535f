"""Did the model refuse to answer?

The provider's own word comes first (`finish == "refusal"`); then a dated list of phrases, matched at the beginning
of the answer only, so that an answer that quotes or discusses a refusal passes.

On 78 answers in ten languages written after the list was closed (`unseen` in `tests/checks/refusals.jsonl`) precision
was 28 of 28 and recall 28 of 38; on all 538, most of which the list was mended with, 276 of 276 and 276 of 287.
A refusal that is missed costs an answer that other checks may still stop; a wrong one costs a dearer call.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

from synapse_cli.checks.doubtful import one_line
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.options import Options
from synapse_cli.core.prompt import Request
from synapse_cli.core.verdict import Verdict

LIST = "2026-11"
"""When the list of phrases was last changed."""
_BEGINNING = 300
"""Characters looked at: a refusal comes first, and the search stays short whatever the answer's length."""
_APOSTROPHES = dict.fromkeys(map(ord, "\u2019\u02bc\u2018\u00b4`"), "'")
_BETWEEN = r"[\s,.!:;·…—\u2013،؛。、।-]*+"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Passes an answer that is not a refusal."""

    kind: ClassVar[str] = "refusal"
    binds: ClassVar[Literal["validity", "doubt"]] = "validity"

    phrases: str = LIST
    """Edition of the list, so that a verdict kept from an older one is made anew."""

    @classmethod
    def parse(cls, options: Options) -> Refusal:
        """Read nothing: the rule has no options."""
        del options
        return cls()

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Ask the provider's stop reason, then the phrases."""
        del request, control
        if completion.finish == "refusal":
            return Verdict(self.kind, passed=False, reason="the provider says that the model refused")
        language = refusal_language(completion.text)
        if language is None:
            return Verdict(self.kind, passed=True)
        start = one_line(completion.text[:60])
        return Verdict(self.kind, passed=False, reason=f"it begins as a refusal ({language}): {start!r}")


def refusal_language(text: str) -> str | None:
    """The language in which the text begins as a refusal; None where it does not."""
    beginning = _plain(text)
    for language, pattern in _patterns().items():
        if pattern.match(beginning):
            return language
    return None


def _plain(text: str) -> str:
    start = unicodedata.normalize("NFKC", text.lstrip(" \t\r\n*_#>")[:_BEGINNING])
    return re.sub(r"[ \t]+", " ", start.casefold().translate(_APOSTROPHES))


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    from synapse_cli.checks.refusal_phrases import PHRASES

    return {
        language: re.compile(f"(?:(?:{'|'.join(openings)}){_BETWEEN}){{0,3}}(?:{'|'.join(cores)})")
        for language, (openings, cores) in PHRASES.items()
    }

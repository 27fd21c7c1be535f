"""Does the code in the answer parse?

    accept = [{ kind = "syntax" }]                          # every fenced block whose language is known
    accept = [{ kind = "syntax", language = "python" }]     # the last fenced block, or the whole answer

Knows python, json, jsonl, toml, xml, sql (as SQLite reads it), sh and bash (by `-n`, where they are installed). Nothing
is ever run. A program that is right in form may be wrong in all else: `command` runs tests of the user's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from synapse_cli.checks.code_parsing import LANGUAGES, Language, Unparsed, fault
from synapse_cli.checks.doubtful import one_line, passes_if_missing, unevaluated
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.options import Options
from synapse_cli.core.prompt import Request
from synapse_cli.core.verdict import Verdict

_AUTO = "auto"
_MOST_BLOCKS = 100
_OPENING = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+#.-]*)")


@dataclass(frozen=True, slots=True)
class Syntax:
    """Passes an answer whose code parses."""

    kind: ClassVar[str] = "syntax"
    binds: ClassVar[Literal["validity", "doubt"]] = "validity"

    language: str = _AUTO
    if_missing_pass: bool = False

    @classmethod
    def parse(cls, options: Options) -> Syntax:
        """Read `language`; without one the fences of the answer say it."""
        return cls(options.one_of("language", (_AUTO, *LANGUAGES), _AUTO), passes_if_missing(options))

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Parse every block that is meant."""
        del request
        try:
            wrong = _first_fault(self._meant(completion.text), control)
        except Unparsed as unknown:
            return unevaluated(self.kind, str(unknown), passes=self.if_missing_pass)
        return Verdict(self.kind, wrong is None, one_line(wrong or ""))

    def _meant(self, text: str) -> list[tuple[Language, str]]:
        blocks = _blocks(text)
        if self.language == _AUTO:
            known = [(LANGUAGES[label], code) for label, code in blocks if label in LANGUAGES]
            if not known or len(known) > _MOST_BLOCKS:
                raise Unparsed(
                    f"{len(known)} fenced blocks are in a language that is known: 1 to {_MOST_BLOCKS} can be"
                )
            return known
        language = LANGUAGES[self.language]
        labelled = [code for label, code in blocks if LANGUAGES.get(label) == language]
        plain = [code for label, code in blocks if not label]
        return [(language, (labelled or plain or [text])[-1])]


def _first_fault(meant: list[tuple[Language, str]], control: Control) -> str | None:
    for number, (language, code) in enumerate(meant, 1):
        wrong = fault(code, language, control) if code.strip() else "there is no code"
        if wrong is not None:
            which = f"block {number}, " if len(meant) > 1 else ""
            return f"{which}{language}: {wrong}"
    return None


def _blocks(text: str) -> list[tuple[str, str]]:
    """Label and inside of each fenced block, as CommonMark ends them; one that is never closed runs to the end."""
    found: list[tuple[str, str]] = []
    label, fence, inside = "", "", list[str]()
    for line in text.replace("\r\n", "\n").split("\n"):
        bare = line.strip()
        if fence and len(bare) >= len(fence) and set(bare) == {fence[0]}:
            found.append((label, "\n".join(inside)))
            fence = ""
        elif fence:
            inside.append(line)
        elif opening := _OPENING.match(line):
            fence, label = opening.group(1), opening.group(2).casefold()
            inside = []
    return [*found, (label, "\n".join(inside))] if fence else found

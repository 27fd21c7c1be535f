"""Which part of a prompt says what to do, and which is the text to do it to?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from synapse_cli.backends.phrases import ASKS, TASK, TEXT_HEAD

_FENCE = re.compile(r"`{3,99}|~{3,99}")
_FILE_LINE = re.compile(r"^File: [^\n]+\n?", re.MULTILINE)
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_QUOTES = (('"', '"'), ("\u201c", "\u201d"), ("\u201e", "\u201c"), ("\u00ab", "\u00bb"), ("<", ">"), ("'", "'"))
_LONGEST_QUOTED_LABEL = 3
"""Words; a longer quotation is a text."""
_LONGEST_LAST = 400
"""An instruction after its text is short; a longer last paragraph is more text."""
_AT_THE_START, _AT_THE_END = 6000, 3000
"""Characters in which an instruction is looked for, so that a long text costs no more than a short one."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A prompt taken apart. `first` and `last` are the paragraphs where an instruction can stand."""

    first: str
    second: str
    last: str
    """Empty where there is only one paragraph, or where the last is too long for an instruction."""
    has_text: bool
    """Whether there is anything besides the instruction."""


def take_apart(prompt: str) -> Parts:
    """Leave out files, fences and long quotations, and find the paragraphs that may be the instruction."""
    plain = _FILE_LINE.sub("", _without_fences(prompt.replace("\r\n", "\n")))
    bare, quoted = _without_quotations(_ends(plain))
    paragraphs = [part.strip() for part in _PARAGRAPH.split(bare) if part.strip(" \n\t:.-")]
    head = TEXT_HEAD.search(paragraphs[0]) if paragraphs else None
    if not paragraphs or (head and head.start() == 0 and len(paragraphs) == 1):
        return Parts("", "", "", has_text=bool(prompt.strip()))
    first = paragraphs[0] if head is None else paragraphs[0][: head.start()].strip()
    others = [part for part in paragraphs[1:] if not TEXT_HEAD.match(part)]
    last = others[-1] if others and len(others[-1]) <= _LONGEST_LAST else ""
    has_text = quoted or head is not None or len(paragraphs) > 1 or bare.strip() != prompt.strip()
    return Parts(first, others[0] if others else "", last, has_text)


def without_text(prompt: str) -> str:
    """The instruction alone, as far as it can be told from its text."""
    parts = take_apart(prompt)
    if parts.first and (sets_task(parts.first) or asks(parts.first) or not parts.last):
        return parts.first
    return parts.last or parts.first


def sets_task(paragraph: str) -> bool:
    """Whether one of its first sentences tells to choose or to name something."""
    return any(TASK.match(sentence) for sentence in sentences(paragraph)[:3])


def asks(paragraph: str) -> bool:
    """Whether its first line is a question that yes or no could answer, before a question mark or before its text."""
    line = paragraph.split("\n", 1)[0].strip()
    return bool(ASKS.match(line)) and ("?" in line or ": " in line)


def sentences(paragraph: str) -> list[str]:
    """Sentences and lines, with their ends."""
    return [part.strip() for part in re.split(r"(?<=[.?!])\s+|\n+", paragraph) if part.strip()]


def _without_fences(text: str) -> str:
    """The lines outside of fenced blocks; a fence that is not closed goes on to the end."""
    kept = []
    fence = ""
    for line in text.split("\n"):
        opens = _FENCE.match(line)
        if not fence and opens:
            fence = opens.group()
            kept.append("")
        elif not fence:
            kept.append(line)
        elif opens and line.startswith(fence) and not line.strip(fence[0] + " \t"):
            fence = ""
    return "\n".join(kept)


def _ends(text: str) -> str:
    if len(text) <= _AT_THE_START + _AT_THE_END:
        return text
    return f"{text[:_AT_THE_START]}\n\n{text[-_AT_THE_END:]}"


def _without_quotations(text: str) -> tuple[str, bool]:
    """The text without quotations of a sentence or more; short quotations may be labels."""
    found = False

    def leave_out(match: re.Match[str]) -> str:
        nonlocal found
        inner = match.group(1).strip()
        is_text = len(inner.split()) > _LONGEST_QUOTED_LABEL or (inner[-1:] in ".!?" and " " in inner)
        found = found or is_text
        return " " if is_text else match.group(0)

    for left, right in _QUOTES:
        text = re.sub(rf"(?:(?<=\s)|^){left}([^\n{right}]{{3,2000}}){right}(?=[\s.,;:?!)]|$)", leave_out, text)
    return text, found

"""Which part of a prompt is the text to label, where its labels are known?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from synapse_cli.backends.instruction import asks, sets_task, without_text
from synapse_cli.backends.phrases import TEXT_HEAD

_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_FENCE_LINE = re.compile(r"^\s*(?:`{3,}|~{3,})[^\n]*$\n?", re.MULTILINE)
_FILE_LINE = re.compile(r"^File: [^\n]+\n?", re.MULTILINE)
_QUOTED = re.compile(r"[\"\u201c\u201e\u00ab](.{3,})[\"\u201d\u201c\u00bb]", re.DOTALL)
_BEHIND = re.compile(r"[:?\n.]\s+")
_NOT_WORDS = re.compile(r"[\W_]+")
_MOST = 0.6
"""Share of the labels that a paragraph names where it is the instruction, and two at least."""


def subject(prompt: str, labels: Sequence[str]) -> str:
    """The prompt less its instruction, file names and fences; all of it where nothing else would be left."""
    whole = prompt.replace("\r\n", "\n").strip()
    paragraphs = [part.strip() for part in _PARAGRAPH.split(whole) if part.strip()]
    told = _instruction(whole)
    listing = next((part for part in paragraphs if _names(part, labels)), None)
    if listing is None:
        rest = whole.replace(told, "", 1) if told else whole
    elif len(paragraphs) == 1:
        rest = _behind(listing, labels)
    else:
        before = told if told in paragraphs and paragraphs.index(told) < paragraphs.index(listing) else listing
        rest = "\n\n".join(part for part in paragraphs if part not in (listing, before))
    return _bare(rest) or _bare(whole)


def _instruction(prompt: str) -> str:
    """The part that sets a task or asks; empty where the whole prompt is the text."""
    told = without_text(prompt)
    return told if sets_task(told) or asks(told) else ""


def _names(paragraph: str, labels: Sequence[str]) -> bool:
    said = f" {_NOT_WORDS.sub(' ', paragraph.casefold())} "
    named = sum(f" {_NOT_WORDS.sub(' ', label.casefold()).strip()} " in said for label in labels)
    return named >= max(2, _MOST * len(labels))


def _behind(paragraph: str, labels: Sequence[str]) -> str:
    """What follows the last label in the only paragraph: a quotation, or what stands behind a colon or full stop."""
    quoted = _QUOTED.search(paragraph)
    if quoted and len(quoted[1].split()) > 3:
        return quoted[1]
    folded = paragraph.casefold()
    last = max(
        (folded.rfind(label.casefold()) + len(label) for label in labels if label.casefold() in folded), default=0
    )
    ends = [match.end() for match in _BEHIND.finditer(paragraph)]
    return next((paragraph[end:] for end in ends if end >= last and paragraph[end:].strip()), paragraph)


def _bare(text: str) -> str:
    text = _FENCE_LINE.sub("", _FILE_LINE.sub("", text)).strip()
    head = TEXT_HEAD.match(text)
    if head and text[head.end() :].strip():
        text = text[head.end() :].strip()
    return text[1:-1] if len(text) > 2 and text[0] in '"\u201c' and text[-1] in '"\u201d' else text

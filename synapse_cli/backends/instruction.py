"""Which part of a prompt says what to do, and which is the text to do it to?"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n.*?(?:^\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_FILE_LINE = re.compile(r"^File: [^\n]+\n?", re.MULTILINE)
_QUOTES = (("\"", "\""), ("“", "”"), ("„", "“"), ("«", "»"), ("<", ">"), ("'", "'"))  # fmt: skip
_TEXT_HEAD = re.compile(
    r"(?:^|(?<=[.?!)\]:] )|(?<=\n))"
    r"(?:the |here is the |this is the )?"
    r"(?:text|input|message|content|document|body|review|ticket|e?-?mail|comment|log(?: line)?|request|tweet|post|sentence|"
    r"article|note|feedback|complaint|transcript|question|passage|description|entry|record|data|paragraph|here it is|sms|chat)"
    r"[ \t]*:(?=\s|$)",
    re.IGNORECASE,
)
_LONGEST_LAST = 400
"""An instruction after its text is short; a longer last paragraph is more text."""
_TASK = re.compile(
    r"(?:(?:please|now|then|so|next|kindly|ok|okay|and|i (?:want|need|would like) you to|can you|could you|would you|help me(?: to)?|"
    r"your (?:task|job) is to|you (?:must|should|have to|will)|you|we need to|let's|given [^,.\n]{1,60},|"
    r"(?:read|look at|check|consider|see|take)[^,.\n]{0,60}(?:,| and)(?: then)?|for (?:this|the|each) [^,.\n]{1,40},)\s+)*"
    r"(?:classify|label|categori[sz]e|tag|triage|sort|bucket|assign|route|grade|rate|score|judge|mark|flag|file|put|group|"
    r"decide|determine|detect|identify|choose|pick|select|predict|name the|tell (?:me|us)|say|answer|reply|respond|"
    r"what(?:'s| is| are|) [^?\n]{0,40}\b(?:sentiment|tone|mood|category|class|label|topic|type|kind|priority|severity|level|language|"
    r"intent|department|urgency|emotion|subject)\b|which\b|how (?:severe|urgent|important|would you)\b|"
    r"(?:the )?(?:sentiment|tone|mood|category|class|label|labels|topic|type|kind|priority|severity|language|intent|department|"
    r"urgency|emotion|options|choices|categories|classes|log level|level)\b)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"(?:is|are|was|were|does|do|did|has|have|had|can|could|will|would|should|may|might|must)\b", re.IGNORECASE
)


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
    bare = _FENCE.sub("\n\n", prompt.replace("\r\n", "\n"))
    bare = _FILE_LINE.sub("", bare)
    bare, quoted = _without_quotations(bare)
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", bare) if part.strip(" \n\t:.-")]
    head = _TEXT_HEAD.search(paragraphs[0]) if paragraphs else None
    if not paragraphs or (head and head.start() == 0 and len(paragraphs) == 1):
        return Parts("", "", "", has_text=True)
    first = paragraphs[0] if head is None else paragraphs[0][: head.start()].strip()
    others = [part for part in paragraphs[1:] if not _TEXT_HEAD.match(part)]
    last = others[-1] if others and len(others[-1]) <= _LONGEST_LAST else ""
    second = others[0] if others else ""
    has_text = bare.strip() != prompt.strip() or quoted or head is not None or len(paragraphs) > 1
    return Parts(first, second, last, has_text)


def without_text(prompt: str) -> str:
    """The instruction alone, as far as it can be told from its text."""
    parts = take_apart(prompt)
    if parts.first and (sets_task(parts.first) or asks(parts.first) or not parts.last):
        return parts.first
    return parts.last or parts.first


def sets_task(paragraph: str) -> bool:
    """Whether one of its first sentences tells to choose or to name something."""
    return any(_TASK.match(sentence) for sentence in sentences(paragraph)[:3])


def asks(paragraph: str) -> bool:
    """Whether its first line is a question that yes or no could answer."""
    line = paragraph.split("\n", 1)[0].strip()
    return bool(_ASKS.match(line)) and "?" in line


def sentences(paragraph: str) -> list[str]:
    """Sentences and lines, with their ends."""
    return [part.strip() for part in re.split(r"(?<=[.?!])\s+|\n+", paragraph) if part.strip()]


def _without_quotations(text: str) -> tuple[str, bool]:
    """The text without quotations of a sentence or more; short quotations may be labels."""
    found = False
    for left, right in _QUOTES:
        pattern = rf"(?:(?<=\s)|^){re.escape(left)}([^\n{re.escape(right)}]{{3,}}){re.escape(right)}(?=[\s.,;:?!)]|$)"
        for match in list(re.finditer(pattern, text)):
            inner = match.group(1).strip()
            if len(inner.split()) >= 4 or (inner[-1:] in ".!?" and " " in inner):  # fewer words are a label
                text = text.replace(match.group(0), " ", 1)
                found = True
    return text, found

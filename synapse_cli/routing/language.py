"""Which language is a text in? Told by its script, and in Latin and Cyrillic by its commonest words and letters.

Honest about its reach: some forty languages, by what most of the text is written in; too few words, or words that
several languages share, give no answer rather than a guess. Pure Python, a fraction of a millisecond.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache

_HEAD, _TAIL = 3000, 1000
"""Characters read of a long text's beginning, and of its end."""
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_NOT_PROSE = re.compile(r"```.*?(?:```|$)|https?://\S+|\S+@\S+|[\w./\\-]+[/\\][\w./\\-]+", re.DOTALL)
_LEAST, _LEAD = 1.0, 1.3
"""What the commonest words must add up to, and how far ahead of the next language."""

_SCRIPTS: tuple[tuple[int, int, str], ...] = (
    (0x0370, 0x03FF, "el"),
    (0x0400, 0x052F, "cyrillic"),
    (0x0530, 0x058F, "hy"),
    (0x0590, 0x05FF, "he"),
    (0x0600, 0x06FF, "arabic"),
    (0x0900, 0x097F, "hi"),
    (0x0980, 0x09FF, "bn"),
    (0x0A00, 0x0A7F, "pa"),
    (0x0A80, 0x0AFF, "gu"),
    (0x0B80, 0x0BFF, "ta"),
    (0x0C00, 0x0C7F, "te"),
    (0x0C80, 0x0CFF, "kn"),
    (0x0D00, 0x0D7F, "ml"),
    (0x0D80, 0x0DFF, "si"),
    (0x0E00, 0x0E7F, "th"),
    (0x0E80, 0x0EFF, "lo"),
    (0x1000, 0x109F, "my"),
    (0x10A0, 0x10FF, "ka"),
    (0x1100, 0x11FF, "ko"),
    (0x1200, 0x137F, "am"),
    (0x1780, 0x17FF, "km"),
    (0x3040, 0x30FF, "ja"),
    (0x3130, 0x318F, "ko"),
    (0x3400, 0x4DBF, "han"),
    (0x4E00, 0x9FFF, "han"),
    (0xAC00, 0xD7AF, "ko"),
)
_CYRILLIC = ("ru", "uk", "bg", "sr")
_COMMON = "common_words.txt"
"""Beside this file: a language a line, then letters that few others use, then its commonest words."""


@dataclass(frozen=True, slots=True)
class Language:
    """What a text is written in."""

    code: str | None
    """Two letters (ISO 639-1), or None where it is not clear."""
    why: str


@lru_cache(maxsize=8)
def language(text: str) -> Language:
    """The language that most of a text is written in."""
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]} {text[-_TAIL:]}"
    prose = _NOT_PROSE.sub(" ", text)
    scripts = Counter(script for letter in prose if letter.isalpha() and (script := _script(letter)) is not None)
    if not scripts:
        return Language(None, "it has no words")
    if scripts["ja"] and scripts["ja"] + scripts["han"] > scripts.total() / 2:
        return Language("ja", "Japanese letters")
    most = scripts.most_common(1)[0][0]
    if most == "han":
        return Language("zh", "Chinese characters")
    if most == "arabic":
        return _in_arabic_letters(prose)
    if most not in {"latin", "cyrillic"}:
        return Language(most, "its script")
    return _by_words(prose.casefold(), is_cyrillic=most == "cyrillic")


def _script(letter: str) -> str | None:
    point = ord(letter)
    if point < 0x0250 or 0x1E00 <= point <= 0x1EFF:
        return "latin"
    return next((script for low, high, script in _SCRIPTS if low <= point <= high), None)


def _in_arabic_letters(text: str) -> Language:
    if re.search("[\u0679\u0688\u0691\u06d2\u06ba]", text):
        return Language("ur", "letters of Urdu")
    if re.search("[\u067e\u0686\u0698\u06af\u06a9]", text):
        return Language("fa", "letters of Persian")
    return Language("ar", "its script")


def _by_words(text: str, *, is_cyrillic: bool) -> Language:
    weights, letters = _common()
    found: dict[str, float] = {}
    for word in _WORD.findall(text):
        for code, weight in weights.get(word, ()):
            found[code] = found.get(code, 0.0) + weight
    for code, own in letters.items():
        if any(letter in text for letter in own):
            found[code] = found.get(code, 0.0) + 1
    ranked = sorted((-sum_, code) for code, sum_ in found.items() if (code in _CYRILLIC) == is_cyrillic)
    if not ranked or -ranked[0][0] < _LEAST:
        return Language(None, "too few common words")
    if len(ranked) > 1 and ranked[0][0] > _LEAD * ranked[1][0]:
        return Language(None, f"between {ranked[0][1]} and {ranked[1][1]}")
    return Language(ranked[0][1], "its commonest words")


@cache
def _common() -> tuple[dict[str, tuple[tuple[str, float], ...]], dict[str, str]]:
    """Of each common word, the languages that have it, of which each gets less the more they are; and their letters."""
    having: dict[str, list[str]] = {}
    letters = {}
    with open(os.path.join(os.path.dirname(__file__), _COMMON), encoding="utf-8") as file:
        for line in file:
            code, own, *words = line.split()
            letters[code] = "" if own == "-" else own
            for word in words:
                having.setdefault(word, []).append(code)
    weights = {word: tuple((code, 1 / len(codes) ** 0.5) for code in codes) for word, codes in having.items()}
    return weights, letters

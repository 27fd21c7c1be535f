"""Which pieces does BERT cut a text into? WordPiece exactly as the reference does it (Hugging Face's `tokenizers`).

llama.cpp's own differs: it leaves Hangul whole or drops vowel signs by version, and cuts a word of a hundred letters
which the reference calls unknown. So the ids are made here and handed over. One thing is ours: a literal `[CLS]` in
a text is text, never a mark.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

START = "\u2581"
"""Marks a piece that begins a word in a GGUF; the reference marks those that do not."""
_LONGEST_WORD = 100
"""Characters; the reference takes a longer word for unknown."""
_MOST_KEPT = 50_000
"""Words whose pieces are remembered."""
_DROPPED = ("Cc", "Cf", "Co", "Cs")
"""Categories of controls. What is not assigned stays, as in the reference, which knows the Unicode of its own day."""
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip
"""Each is a word of its own. The sixth begins at 2B920 and not at 2B820: the reference's own slip."""
_ASCII_WORDS = re.compile(r"[A-Za-z0-9]+|[!-/:-@\[-`{-~]")


class WordPiece:
    """A vocabulary of pieces, and how texts are cut into them. Safe for several threads."""

    def __init__(
        self, starts: Mapping[str, int], rests: Mapping[str, int], unknown: int, *, lowers: bool, strips: bool
    ) -> None:
        """Take pieces that begin a word and those that go on; `lowers` folds capitals, `strips` drops accents."""
        self._starts = starts
        self._rests = rests
        self._unknown = unknown
        self._longest = max(map(len, (*starts, *rests)), default=1)
        self._strips = strips
        self._clean = _Clean()
        self._fold = _Fold(lowers=lowers, strips=strips)
        self._lowers = lowers
        self._known: dict[str, tuple[int, ...]] = {}

    def ids(self, text: str) -> list[int]:
        """The ids of a text's pieces, without the marks around a text."""
        found: list[int] = []
        for word in self._words(text):
            ids = self._known.get(word)
            if ids is None:
                ids = self._cut(word)
                if len(self._known) < _MOST_KEPT:
                    self._known[word] = ids
            found.extend(ids)
        return found

    def _words(self, text: str) -> list[str]:
        if text.isascii() and text.isprintable():
            return _ASCII_WORDS.findall(text.lower() if self._lowers else text)
        text = text.translate(self._clean)
        if self._strips:
            text = unicodedata.normalize("NFD", text)
        return text.translate(self._fold).split()

    def _cut(self, word: str) -> tuple[int, ...]:
        """The longest piece that fits, again and again; a word with a part that is no piece is unknown as a whole."""
        if len(word) > _LONGEST_WORD:
            return (self._unknown,)
        found, at = [], 0
        while at < len(word):
            pieces = self._rests if at else self._starts
            for end in range(min(len(word), at + self._longest), at, -1):
                piece = pieces.get(word[at:end])
                if piece is not None:
                    break
            else:
                return (self._unknown,)
            found.append(piece)
            at = end
        return tuple(found)


def of_vocabulary(tokens: Sequence[str], unknown: int, *, lowers: bool | None, strips: bool | None) -> WordPiece:
    """The cutter for a GGUF's tokens. Where the file does not say how it was trained, its own pieces tell."""
    starts: dict[str, int] = {}
    rests: dict[str, int] = {}
    for number, token in enumerate(tokens):
        if token.startswith(START) and len(token) > 1:
            starts.setdefault(token[1:], number)
        elif not (token.startswith("[") and token.endswith("]") and len(token) > 2):
            rests.setdefault(token, number)
    if lowers is None:
        lowers = all(piece == piece.lower() for piece in (*starts, *rests) if piece[0] != "[")
    if strips is None:
        strips = lowers and all(piece.isascii() or _stripped(piece) == piece for piece in (*starts, *rests))
    return WordPiece(starts, rests, unknown, lowers=lowers, strips=strips)


class _Clean(dict[int, str]):
    """What a character becomes first: nothing for a control, a space for any white space, room for an ideograph."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character in "\t\n\r":
            made = " "
        elif code == 0xFFFD or unicodedata.category(character) in _DROPPED:
            made = ""
        elif character.isspace():
            made = " "
        elif any(first <= code <= last for first, last in _IDEOGRAPHS):
            made = f" {character} "
        else:
            made = character
        self[code] = made
        return made


class _Fold(dict[int, str]):
    """What a character becomes then: nothing for an accent, its small letter, room around punctuation."""

    def __init__(self, *, lowers: bool, strips: bool) -> None:
        super().__init__()
        self._lowers = lowers
        self._strips = strips

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if self._strips and category == "Mn":
            made = ""
        else:
            made = "".join(map(_apart, character.lower() if self._lowers else character))
        self[code] = made
        return made


def _apart(character: str) -> str:
    symbol = character.isascii() and not character.isalnum() and character.isprintable() and character != " "
    return f" {character} " if symbol or unicodedata.category(character)[0] == "P" else character


def _stripped(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")

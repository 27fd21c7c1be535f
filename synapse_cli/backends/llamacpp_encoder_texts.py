"""Which tokens does an encoder read of a text, and what of one that is longer than its window?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.backends.gguf import Header
from synapse_cli.core.errors import BadRequest

if TYPE_CHECKING:
    from synapse_cli.backends.llamacpp_vocabulary import Vocabulary

_MOST_CHARACTERS_PER_TOKEN = 64
"""No text whose tokens fit in a window is longer than this many characters a token, or hardly any: the rest of a
text that is cut anyway is not even tokenized."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """A text as the model reads it: whole, cut, or in chunks."""

    parts: tuple[tuple[int, ...], ...]
    is_long: bool

    @property
    def tokens(self) -> int:
        """Tokens read in all."""
        return sum(map(len, self.parts))

    @property
    def weights(self) -> list[int]:
        """What each chunk counts for."""
        return [len(part) for part in self.parts]


class Cutter:
    """Texts to tokens, by one model's vocabulary and window. Safe for one thread."""

    def __init__(self, vocabulary: Vocabulary, header: Header, window: int, *, chunks: bool) -> None:
        """With `chunks` a text beyond the window is read in parts, else cut."""
        self.window = window
        self._chunks = chunks
        self._before, self._after = _marks(vocabulary, header)
        self._room = window - len(self._before) - len(self._after)
        if self._room < 1:
            raise BadRequest(f"a window of {window} tokens has no room for a text", "raise the model's context")
        self._filler = () if self._before or self._after else _filler(vocabulary)
        self._ids = _tokenizer(vocabulary, header)

    def pieces(self, text: str) -> Pieces:
        """The text's tokens with the marks around them; an empty text is the marks alone."""
        longest = self._room * _MOST_CHARACTERS_PER_TOKEN
        clipped = text if self._chunks else text[:longest]
        ids = self._ids(clipped) or list(self._filler)
        is_long = len(ids) > self._room or len(clipped) < len(text)
        starts = range(0, max(1, len(ids)), self._room) if self._chunks else (0,)
        parts = tuple((*self._before, *ids[start : start + self._room], *self._after) for start in starts)
        return Pieces(parts, is_long)


def _tokenizer(vocabulary: Vocabulary, header: Header) -> Callable[[str], list[int]]:
    """Our own WordPiece where the file has a vocabulary of it, else llama.cpp's tokenizer."""
    if header.metadata.get("tokenizer.ggml.model") != "bert":
        return lambda text: vocabulary.tokens(text, special=False)
    from synapse_cli.backends.wordpiece import of_vocabulary

    said = header.metadata
    unknown, lowers = said.get("tokenizer.ggml.unknown_token_id"), said.get("tokenizer.ggml.normalizer.lowercase")
    strips = said.get("tokenizer.ggml.normalizer.strip_accents")
    texts = _spellings(vocabulary)
    cutter = of_vocabulary(
        texts,
        unknown if isinstance(unknown, int) and unknown < len(texts) else min(100, len(texts) - 1),
        lowers=lowers if isinstance(lowers, bool) else None,
        strips=strips if isinstance(strips, bool) else None,
    )
    return cutter.ids


def _spellings(vocabulary: Vocabulary) -> list[str]:
    """Every token as the file spells it."""
    from synapse_cli.backends.llamacpp_library import library

    spell = library().llama_vocab_get_text
    return [(spell(vocabulary.pointer, token) or b"").decode("utf-8", "replace") for token in range(vocabulary.size)]


def _marks(vocabulary: Vocabulary, header: Header) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What the vocabulary puts before and after every text."""
    if header.metadata.get("tokenizer.ggml.model") == "bert":
        from synapse_cli.backends.llamacpp_library import library

        # not asked of llama.cpp's tokenizer, which ends the process where a file has no such marks
        before, after = vocabulary.begin_token, int(library().llama_vocab_sep(vocabulary.pointer))
        return tuple(mark for mark in (before,) if mark >= 0), tuple(mark for mark in (after,) if mark >= 0)
    around = vocabulary.tokens("", special=False, begin=True)
    if around and around[0] == vocabulary.begin_token:
        return (around[0],), tuple(around[1:])
    return (), tuple(around)


def _filler(vocabulary: Vocabulary) -> tuple[int, ...]:
    """What stands for an empty text where there are no marks: llama.cpp takes no empty batch."""
    candidates = (vocabulary.begin_token, vocabulary.end_of_text, 0)
    return next((token,) for token in candidates if token >= 0)

"""Which words and pieces of words does a text hold? Hashed n-grams, weighed by how rare they are; pure Python.

The hashing trick (Weinberger et al., Feature Hashing for Large Scale Multitask Learning, 2009) over runs of words and
over characters within a word (as fastText does), so that nothing but a table of numbers has to be kept. Deterministic:
CRC-32, not Python's salted hash.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORDS, _PIECES = 1, 2
"""Where each hash starts, so that a word and the same piece of a word are two things."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grams:
    """How a text is taken apart; learned things keep the one that they were learned with."""

    word_buckets: int = 1 << 14
    """A power of two; so is the next one."""
    piece_buckets: int = 1 << 14
    longest_run: int = 2
    """Words in a row."""
    pieces: tuple[int, int] = (3, 5)
    """Bytes of the shortest and of the longest piece; a word begins and ends with a blank."""
    head: int = 1500
    """Characters read of a long text's beginning, and of its end: what is asked stands at one of them."""
    tail: int = 500

    @property
    def buckets(self) -> int:
        """Of words, then of pieces."""
        return self.word_buckets + self.piece_buckets

    def about(self) -> dict[str, int]:
        """Its numbers, for a file."""
        return {
            "word_buckets": self.word_buckets,
            "piece_buckets": self.piece_buckets,
            "longest_run": self.longest_run,
            "shortest_piece": self.pieces[0],
            "longest_piece": self.pieces[1],
            "head": self.head,
            "tail": self.tail,
        }


def from_about(about: Mapping[str, int]) -> Grams:
    """What `about` told. Raises KeyError for what is none."""
    return Grams(
        word_buckets=about["word_buckets"],
        piece_buckets=about["piece_buckets"],
        longest_run=about["longest_run"],
        pieces=(about["shortest_piece"], about["longest_piece"]),
        head=about["head"],
        tail=about["tail"],
    )


def count(text: str, grams: Grams) -> dict[int, int]:
    """How often each bucket occurs in the text: words and their runs first, then pieces."""
    found: dict[int, int] = {}
    tokens = tokenize(text, grams)
    for bucket in _runs(tokens, grams):
        found[bucket] = found.get(bucket, 0) + 1
    times: dict[bytes, int] = {}
    for token in tokens:
        times[token] = times.get(token, 0) + 1
    for token, often in times.items():
        for bucket in _pieces_of(token, grams):
            found[bucket] = found.get(bucket, 0) + often
    return found


def tokenize(text: str, grams: Grams) -> list[bytes]:
    """Words and signs, folded, as UTF-8; of a long text its head and its tail."""
    if len(text) > grams.head + grams.tail:
        text = f"{text[: grams.head]} {text[len(text) - grams.tail :]}"
    if not text.isascii():
        import unicodedata

        text = unicodedata.normalize("NFKC", text)
    return [token.encode("utf-8", "replace") for token in _TOKEN.findall(text.casefold())]


def _runs(tokens: Sequence[bytes], grams: Grams) -> Iterator[int]:
    mask = grams.word_buckets - 1
    for token in tokens:
        yield crc32(token, _WORDS) & mask
    for length in range(2, grams.longest_run + 1):
        for run in zip(*(tokens[start:] for start in range(length)), strict=False):
            yield crc32(b" ".join(run), _WORDS) & mask


def _pieces_of(token: bytes, grams: Grams) -> Iterator[int]:
    mask, first = grams.piece_buckets - 1, grams.word_buckets
    shortest, longest = grams.pieces
    padded = b" " + token + b" "
    for size in range(shortest, longest + 1):
        for start in range(len(padded) - size + 1):
            yield first + (crc32(padded[start : start + size], _PIECES) & mask)


def rarity(counted: Iterable[Mapping[int, int]], grams: Grams) -> list[float]:
    """The smoothed inverse document frequency of each bucket; 0 where no text has it."""
    texts, having = 0, [0] * grams.buckets
    for each in counted:
        texts += 1
        for bucket in each:
            having[bucket] += 1
    return [math.log((1 + texts) / (1 + often)) + 1 if often else 0.0 for often in having]


def weigh(counts: Mapping[int, int], rarities: Sequence[float], grams: Grams) -> dict[int, float]:
    """TF-IDF with a sublinear count: words are a vector of length 1, pieces another; what no text had is left out."""
    first = grams.word_buckets
    found: dict[int, float] = {}
    totals = [0.0, 0.0]
    for bucket, often in counts.items():
        rare = rarities[bucket]
        if rare:
            value = rare if often == 1 else rare * (1 + math.log(often))
            found[bucket] = value
            totals[bucket >= first] += value * value
    lengths = [math.sqrt(total) or 1.0 for total in totals]
    return {bucket: value / lengths[bucket >= first] for bucket, value in found.items()}

"""What does an answer claim, and how much of it stands in a text? Sentences, their words, numbers and names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from synapse_cli.learned.normalised import normal

_MOST = 200
_LONGEST_CLAIM = 1_000
_LONGEST = 500_000
"""Characters of a text that are read: each claim is held against each of its sentences."""
_SENTENCE = re.compile(r"(?<=[.!?。\uff01\uff1f])[\"')\]*_]*\s+|\n+")
_FENCED = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_BULLET = re.compile(r"^\s*(?:[-*•]|\(?\d{1,2}[.)]|#+)\s+")
_NUMBER = re.compile(r"\d[\d.,]*\d|\d")
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)\b[^\W\d_a-z]\w+(?:[ -][^\W\d_a-z]\w+)*")
_WORD = re.compile(r"\w{2,}")
_TALK = re.compile(
    r"^(?:here (?:is|are)|in (?:summary|short)|sure|certainly|of course|according to the (?:text|context|document)"
    r"|the (?:text|context|document) (?:does not|doesn't)|i (?:hope|can|could not|cannot)|let me know)\b.{0,80}$",
    re.IGNORECASE,
)
_STOP = frozenset(
    (
        *("the", "and", "that", "this", "these", "those", "with", "from", "for", "was", "were", "are", "is", "has"),
        *("have", "had", "been", "being", "its", "his", "her", "their", "they", "them", "also", "which", "who", "whom"),
        *("what", "when", "where", "while", "into", "onto", "about", "than", "then", "there", "here", "such", "some"),
        *("any", "all", "each", "both", "more", "most", "other", "not", "no", "but", "because", "however", "therefore"),
        *(
            "would",
            "could",
            "should",
            "can",
            "may",
            "might",
            "will",
            "shall",
            "does",
            "did",
            "do",
            "to",
            "of",
            "in",
            "on",
        ),
        *("at", "by", "as", "an", "or", "if", "it", "he", "she", "we", "you", "i", "be", "so", "only", "very", "just"),
    )
)
_STEM = 5
"""Letters that two words share to count as one: "calculate" and "calculated", "Untersuchung" and "Untersuchungen"."""
_FOREIGN = 0.3
"""What is left of a claim's support where a number or a name of it stands nowhere in the text."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text that claims are held against, read once."""

    sentences: tuple[str, ...]
    stems: tuple[frozenset[str], ...]
    """Of each sentence together with its two neighbours, since a claim may draw on all three."""
    everywhere: frozenset[str]
    numbers: frozenset[str]


def claims(answer: str) -> list[str]:
    """The sentences of an answer that say something; of very many the first 200."""
    text = _FENCED.sub("\n", answer)
    pieces = (_BULLET.sub("", piece[:_LONGEST_CLAIM]).strip(" *_\t") for piece in _SENTENCE.split(text))
    said = [piece for piece in pieces if len(_stems(piece)) >= 2 and not _TALK.match(piece)]
    return said[:_MOST]


def source(text: str) -> Source:
    """Read a text; of a very long one the beginning."""
    text = text[:_LONGEST]
    sentences = tuple(piece.strip() for piece in _SENTENCE.split(text) if piece.strip())
    each = [_stems(sentence) for sentence in sentences]
    around = tuple(frozenset().union(*each[max(0, at - 1) : at + 2]) for at in range(len(each)))
    everywhere: frozenset[str] = frozenset().union(*each)
    return Source(sentences, around, everywhere, frozenset(_numbers(text)))


def support(claim: str, held: Source) -> tuple[float, str]:
    """How much of a claim stands in the text, in [0, 1], and what of it does not, in a few words."""
    stems = _stems(claim)
    if not stems:
        return 1.0, ""
    missing = [number for number in _numbers(claim) if number not in held.numbers]
    missing += [name for name in _NAME.findall(claim) if not _is_known(name, held)]
    nearest = max((len(stems & near) for near in held.stems), default=0) / len(stems)
    somewhere = len(stems & held.everywhere) / len(stems)
    share = 0.75 * nearest + 0.25 * somewhere
    return (share * _FOREIGN, ", ".join(missing[:3]).replace("#", "")) if missing else (share, "")


def _stems(text: str) -> frozenset[str]:
    words = _WORD.findall(_folded(text))
    return frozenset(word[:_STEM] for word in words if word not in _STOP)


def _numbers(text: str) -> list[str]:
    """Numbers as values: 1,000 and 1000.0 are one."""
    found = []
    for number in _NUMBER.findall(unicodedata.normalize("NFKC", text)):
        read = normal(number, "number")
        found.append(number if read is None else read.key)
    return found


def _is_known(name: str, held: Source) -> bool:
    """Whether a name stands in the text; of one of several words the last counts, in whatever case it is declined."""
    last = _WORD.findall(_folded(name))[-1:]
    return not last or last[0][:_STEM] in held.everywhere or last[0] in _STOP


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def nearest(claim: str, held: Source, most: int) -> Sequence[str]:
    """The sentences of the text that share the most words with a claim: what an entailment is asked of."""
    stems = _stems(claim)
    order = sorted(range(len(held.sentences)), key=lambda at: (-len(stems & held.stems[at]), at))
    return [held.sentences[at] for at in sorted(order[:most])]

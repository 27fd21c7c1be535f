"""How alike are two prompts? A handful of numbers from their words, in pure Python, the same whichever comes first.

What tells prompts apart that vectors take for the same: rare words that only one has, another order, another
question word, another person ("my website", "your website"), a further clause.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from zlib import crc32

BUCKETS = 1 << 14
"""Of words, hashed: a power of two. Among 20,000 texts a bucket is shared by two words at most in the mean."""
_RAREST = 16.0
"""ln of a million texts is 13.8; rarities are kept in eight bits, in steps of this / 255."""
_WORD = re.compile(r"\w+")
_MOST_WORDS = 120
"""Read of each prompt: the order of words is compared word by word."""
_STEM = 5
"""Letters by which words count as forms of one: `attract`, `attraction`."""
_PIECE = 3
_ASKING = frozenset(("what", "who", "whom", "whose", "which", "when", "where", "why", "how"))
_PERSONS_LINE = "i me my mine you your yours we us our ours he him his she her hers they them their theirs it its"
_LIGHT_LINES = """
a an the is are was were be been do does did can could should would will to of for in on at by with and or get
there any some best good way ways one
"""
_PERSONS = frozenset(_PERSONS_LINE.split())
_LIGHT = frozenset(_LIGHT_LINES.split())
NAMES = (
    "cosine",
    "cosine_over_85",
    "cosine_over_93",
    "shared",
    "shared_of_shorter",
    "shared_of_longer",
    "rarest_apart",
    "rarest_apart_of_both",
    "apart",
    "apart_of_both",
    "stems_apart",
    "stems_apart_of_both",
    "rarest_stem_apart",
    "stems_shared",
    "pieces_shared",
    "runs_shared",
    "order_of_longer",
    "order_of_shorter",
    "asks_alike",
    "asks_first_alike",
    "how_apart",
    "length",
    "longer_by",
    "begins_alike",
    "ends_alike",
    "same_order",
    "same_words",
    "persons_apart",
    "same_content",
    "content_within",
    "content_apart",
    "content_apart_of_both",
    "clauses_apart",
)


def words(text: str) -> list[str]:
    """The folded words of a prompt, of a long one the first."""
    return _WORD.findall(text.casefold())[:_MOST_WORDS]


def bucket(word: str) -> int:
    """Which number stands for a word."""
    return crc32(word.encode("utf-8", "replace")) & (BUCKETS - 1)


def rarities(texts: Sequence[str]) -> bytes:
    """How rare the word of each bucket is, ln(texts / texts that have it) in steps of 16/255."""
    having = Counter(each for text in texts for each in {bucket(word) for word in words(text)})
    most = 1 + len(texts)
    return bytes(min(255, round(math.log(most / (1 + having.get(each, 0))) * 255 / _RAREST)) for each in range(BUCKETS))


def features(first: str, second: str, cosine: float, rarity: Sequence[int]) -> list[float]:
    """The numbers, as `NAMES` says; `rarity` is what `rarities` made of the prompts it was learned from."""
    one, two = words(first), words(second)
    weight = {word: rarity[bucket(word)] * _RAREST / 255 for word in {*one, *two}}
    return [
        cosine,
        max(0.0, cosine - 0.85),
        max(0.0, cosine - 0.93),
        *_shared(set(one), set(two), weight),
        *_stems(set(one), set(two), weight),
        _pieces(one, two),
        _runs(one, two),
        *_order(one, two),
        *_asked(one, two),
        *_form(one, two),
        *_content(set(one), set(two)),
        float(_stops(first) != _stops(second)),
    ]


def _shared(one: set[str], two: set[str], weight: dict[str, float]) -> list[float]:
    """Of the weight of all words, what both have, and what only one has."""
    both = sum(weight[word] for word in one & two)
    all_ = [sum(weight[word] for word in each) or 1.0 for each in (one, two)]
    apart = [[weight[word] for word in each] for each in (one - two, two - one)]
    rarest = [max(each, default=0.0) for each in apart]
    sums = [math.fsum(each) for each in apart]
    return [
        both / max(1e-9, math.fsum(all_) - both),
        both / min(all_),
        both / max(all_),
        max(rarest),
        min(rarest),
        math.log1p(math.fsum(sums)),
        math.log1p(min(sums)),
    ]


def _stems(one: set[str], two: set[str], weight: dict[str, float]) -> list[float]:
    """The same of the words' beginnings, which their forms share."""
    stems: list[dict[str, float]] = [{}, {}]
    for of, each in zip(stems, (one, two), strict=True):
        for word in each:
            of[word[:_STEM]] = max(of.get(word[:_STEM], 0.0), weight[word])
    apart = [[weight for stem, weight in mine.items() if stem not in other] for mine, other in (stems, reversed(stems))]
    sums = [math.fsum(each) for each in apart]
    both, either = len(stems[0].keys() & stems[1].keys()), len(stems[0].keys() | stems[1].keys())
    return [
        math.log1p(math.fsum(sums)),
        math.log1p(min(sums)),
        max(map(max, filter(None, apart)), default=0.0),
        both / max(1, either),
    ]


def _pieces(one: Sequence[str], two: Sequence[str]) -> float:
    """Dice's coefficient of the letters in threes."""
    pieces = []
    for each in (one, two):
        line = f" {' '.join(each)} "
        pieces.append(Counter(line[at : at + _PIECE] for at in range(len(line) - _PIECE + 1)))
    both = sum((pieces[0] & pieces[1]).values())
    return 2 * both / max(1, sum(pieces[0].values()) + sum(pieces[1].values()))


def _runs(one: Sequence[str], two: Sequence[str]) -> float:
    """Of the words in pairs, the share that both have."""
    pairs = [set(pairwise(each)) for each in (one, two)]
    return len(pairs[0] & pairs[1]) / max(1, len(pairs[0] | pairs[1]))


def _order(one: Sequence[str], two: Sequence[str]) -> list[float]:
    """The longest common row of words, of the longer and of the shorter prompt."""
    length = [0] * (len(two) + 1)
    for word in one:
        before = 0
        for at, other in enumerate(two, 1):
            here = length[at]
            length[at] = before + 1 if word == other else max(here, length[at - 1])
            before = here
    shorter, longer = sorted((len(one), len(two)))
    return [length[-1] / max(1, longer), length[-1] / max(1, shorter)]


def _asked(one: Sequence[str], two: Sequence[str]) -> list[float]:
    """Whether the same is asked for: who, when, how."""
    asked = [[word for word in each if word in _ASKING] for each in (one, two)]
    return [
        float(set(asked[0]) == set(asked[1])),
        float(asked[0][:1] == asked[1][:1]),
        float(("how" in asked[0]) != ("how" in asked[1])),
    ]


def _form(one: Sequence[str], two: Sequence[str]) -> list[float]:
    shorter, longer = sorted((len(one), len(two)))
    has_one, has_two = set(one), set(two)
    common = [word for word in one if word in has_two]
    return [
        math.log1p(shorter),
        math.log((longer + 1) / (shorter + 1)),
        float(one[:1] == two[:1]),
        float(one[-1:] == two[-1:]),
        float(common == [word for word in two if word in has_one]),
        float(has_one == has_two),
        float(has_one & _PERSONS != has_two & _PERSONS),
    ]


def _content(one: set[str], two: set[str]) -> list[float]:
    """The same of the words that say what it is about."""
    one, two = one - _LIGHT - _ASKING - _PERSONS, two - _LIGHT - _ASKING - _PERSONS
    return [
        float(one == two),
        float(one <= two or two <= one),
        float(len(one ^ two)),
        float(min(len(one - two), len(two - one))),
    ]


def _stops(text: str) -> int:
    return sum(map(text.count, ".,;"))

"""Which route do a prompt's words point to? Pure Python, so that a cold run pays for no more than it reads."""

from __future__ import annotations

from collections.abc import Mapping

from synapse_cli.learned import words
from synapse_cli.learned.file import Tensor
from synapse_cli.learned.words import Grams

READ = Grams(head=900, tail=300)
"""Less than a predictor reads: what is wanted stands in the first or last sentences, and a router must be quick."""
_MOST = 60_000
"""Multiplications of one decision, some 3 ms; of a long prompt and many routes the heaviest words are taken."""


class Lexical:
    """A weight for each pair of a known word, or piece of one, and a route. No dataclass, as `Router` is none."""

    __slots__ = ("bias", "grams", "places", "rarities", "routes", "scales", "weights")

    def __init__(self, routes: int, grams: Grams, bias: tuple[float, ...], tensors: Mapping[str, Tensor]) -> None:
        self.routes = routes
        self.grams = grams
        self.bias = bias
        self.rarities = tensors["lexical.rarities"].numbers
        """Of each bucket; 0 where no example has it."""
        self.places = tensors["lexical.places"].numbers
        """Where each bucket's weights begin, counted in buckets that some example has."""
        self.weights = tensors["lexical.weights"].numbers
        """(known buckets, routes), whole numbers from -127 to 127."""
        self.scales = tensors["lexical.scales"].numbers
        """What each bucket's weights are multiplied by."""

    def scores(self, prompt: str) -> tuple[tuple[float, ...], float]:
        """A score for each route, and the share of the prompt's words that some example has, both in one reading."""
        counts = words.count(prompt, self.grams)
        weighed = words.weigh(counts, self.rarities, self.grams)
        known = self._known(counts)
        if len(weighed) * self.routes > _MOST:
            heaviest = sorted(weighed, key=lambda bucket: (-weighed[bucket], bucket))
            weighed = {bucket: weighed[bucket] for bucket in heaviest[: _MOST // self.routes]}
        totals, wide = list(self.bias), self.routes
        for bucket, value in weighed.items():
            place = int(self.places[bucket])
            row, much = self.weights[place * wide : (place + 1) * wide], value * self.scales[place]
            totals = [total + much * weight for total, weight in zip(totals, row, strict=True)]
        return tuple(totals), known

    def _known(self, counts: Mapping[int, int]) -> float:
        own = [bucket for bucket in counts if bucket < self.grams.word_buckets]
        return sum(1 for bucket in own if self.rarities[bucket]) / len(own) if own else 0.0


def from_file(routes: int, about: Mapping[str, object], tensors: Mapping[str, Tensor]) -> Lexical:
    """Read it back. Raises KeyError, TypeError or ValueError for what is none."""
    grams, bias = about["grams"], about["bias"]
    if not isinstance(grams, dict) or not isinstance(bias, list) or len(bias) != routes:
        raise ValueError("the words of a router are not those of its routes")
    found = Lexical(routes, words.from_about(grams), tuple(map(float, bias)), tensors)
    buckets = found.grams.buckets
    if not len(found.rarities) == len(found.places) == buckets or len(found.weights) != routes * len(found.scales):
        raise ValueError("the words of a router do not fit together")
    return found

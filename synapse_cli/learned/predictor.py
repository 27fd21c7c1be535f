"""How likely is a good answer from each way to this prompt, and how sure can that be? Lexical in pure Python.

Several heads look at the prompt: its length, its words, its surface, and the prompts nearby in an encoder's space. A
blend, learned on prompts that the heads had not seen, turns what they say into a probability for each way ("two heads",
one a way, beat one that says "needs the strong one").

What words and surface say of a prompt is what they learned of its subject. On subjects that were never seen little but
the length holds (MMLU, half the subjects held out: length .56, words .53 of APGR), so the blend believes each head by
how familiar the prompt looks, and `doubt` tells how unlike the training prompts it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from synapse_cli.core.prompt import Json
from synapse_cli.learned import linear, surface, words
from synapse_cli.learned.file import Tensor
from synapse_cli.learned.linear import Linear, numbers

if TYPE_CHECKING:
    from synapse_cli.learned.neighbours import Neighbours

_RAREST = 16.0
"""Rarities are kept in eight bits, in steps of this / 255; ln(1 + a million texts) + 1 is 14.8."""
_STEEPEST = 30.0
LEXICAL, FULL = (3, 2), (4, 4)
"""How many heads and how many signs of strangeness there are, without and with a vector."""


class Look(NamedTuple):
    """What a prompt promises."""

    chances: tuple[float, ...]
    """P(good) of each way."""
    doubt: float
    """How unlike the training prompts, from 0 to 1: the chance that it is of a subject that was not seen."""


class Blend(NamedTuple):
    """How what the heads say becomes a chance, and a prompt's strangeness a doubt."""

    weights: tuple[tuple[float, ...], ...]
    """A row a way: the bias, a weight for each head, and one for each but the first times familiarity."""
    novelty: tuple[float, ...]
    """The bias, then a weight for each sign of strangeness."""

    def mix(self, heads: Sequence[Sequence[float]], signs: Sequence[float]) -> Look:
        """`heads` holds, head by head, a number for each way."""
        familiar = familiarity(signs)
        chances = tuple(
            squash(_sum(weights, (*said, *(familiar * each for each in said[1:]))))
            for weights, said in zip(self.weights, zip(*heads, strict=True), strict=True)
        )
        return Look(chances, squash(_sum(self.novelty, signs)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """P(good | prompt, way). Without a vector only length, words and surface are asked."""

    ways: int
    grams: words.Grams
    rarities: Sequence[float]
    """Of each bucket, in steps of 16/255; 0 where no training prompt had it."""
    edges: tuple[tuple[float, ...], tuple[float, ...]]
    """The least and the greatest of each feature of the surface that was seen: what lies beyond counts as its edge."""
    lexical: Linear
    surface: Linear
    blend: Blend
    """Of these three."""
    encoder: str | None = None
    """Identity of the encoder whose vectors it wants."""
    neighbours: Neighbours | None = None
    full_blend: Blend | None = None
    """Of all four."""

    def predict(self, prompt: str, vector: Sequence[float] | None = None) -> tuple[float, ...]:
        """The chance of a good answer, a number a way."""
        return self.look(prompt, vector).chances

    def doubt(self, prompt: str, vector: Sequence[float] | None = None) -> float:
        """How unlike the training prompts, from 0 to 1."""
        return self.look(prompt, vector).doubt

    def look(self, prompt: str, vector: Sequence[float] | None = None) -> Look:
        """Chances and doubt at once; a vector of another length than the encoder's raises ValueError."""
        counts = words.count(prompt, self.grams)
        outside = [
            min(most, max(least, each)) for each, least, most in zip(surface.features(prompt), *self.edges, strict=True)
        ]
        heads = [
            (outside[0],) * self.ways,
            self.lexical.of_some(words.weigh(counts, self.rarities, self.grams)),
            self.surface.of_all(outside),
        ]
        signs = strangeness(counts, self.rarities, self.grams)
        if vector is None or self.neighbours is None or self.full_blend is None:
            return self.blend.mix(heads, signs)
        if len(vector) != self.neighbours.dimension:
            raise ValueError(f"a vector of {len(vector)} numbers, where {self.neighbours.dimension} were learned")
        nearby, nearest, around = self.neighbours.ask(vector)
        return self.full_blend.mix((*heads, nearby), (*signs, nearest, around))

    def without_vectors(self) -> Predictor:
        """The same, as it decides by the prompt's text alone: a smaller file, and no encoder is wanted."""
        return replace(self, encoder=None, neighbours=None, full_blend=None)

    def about(self) -> dict[str, Json]:
        """All but the tensors, for a file."""
        found: dict[str, Json] = {
            "ways": self.ways,
            "encoder": self.encoder,
            "grams": dict(self.grams.about()),
            "features": list(surface.NAMES),
            "edges": [list(edge) for edge in self.edges],
            "lexical": self.lexical.about(),
            "surface": self.surface.about(),
            "blend": _blend_about(self.blend),
        }
        if self.neighbours is not None and self.full_blend is not None:
            found |= {"neighbours": self.neighbours.about(), "full_blend": _blend_about(self.full_blend)}
        return found

    def tensors(self, prefix: str = "predictor.") -> dict[str, Tensor]:
        """The numbers, for a file."""
        rarities = bytes(int(each) for each in self.rarities)
        found = {
            f"{prefix}rarities": Tensor("U8", (len(rarities),), rarities),
            f"{prefix}lexical": self.lexical.tensor(),
            f"{prefix}surface": self.surface.tensor(),
        }
        if self.neighbours is not None:
            found |= self.neighbours.tensors(f"{prefix}neighbours.")
        return found


def from_file(about: Mapping[str, Json], tensors: Mapping[str, Tensor], prefix: str = "predictor.") -> Predictor:
    """What `about` and `tensors` told. Raises KeyError, TypeError or ValueError for what is none."""
    if about["features"] != list(surface.NAMES):
        raise ValueError("learned with other surface features")
    lexical = linear.from_file(_part(about, "lexical"), tensors[f"{prefix}lexical"])
    has_vectors = "neighbours" in about
    nearby = None
    if has_vectors:
        from synapse_cli.learned import neighbours

        nearby = neighbours.from_file(_part(about, "neighbours"), tensors, f"{prefix}neighbours.")
    known = Predictor(
        ways=len(lexical.bias),
        grams=words.from_about(_part(about, "grams")),  # type: ignore[arg-type]  # what is no number shows as a wrong size
        rarities=tensors[f"{prefix}rarities"].numbers,
        edges=_edges(about["edges"]),
        lexical=lexical,
        surface=linear.from_file(_part(about, "surface"), tensors[f"{prefix}surface"]),
        blend=_blend(_part(about, "blend")),
        encoder=None if about["encoder"] is None else str(about["encoder"]),
        neighbours=nearby,
        full_blend=_blend(_part(about, "full_blend")) if has_vectors else None,
    )
    if not _fits(known):
        raise ValueError("parts that do not fit together")
    return known


def _fits(known: Predictor) -> bool:
    ways = {known.ways, len(known.surface.bias)}
    if known.neighbours is not None:
        ways.add(known.neighbours.ways)
    return (
        len(ways) == 1
        and known.grams.buckets == len(known.rarities) == known.lexical.size
        and {known.surface.size, *map(len, known.edges)} == {len(surface.NAMES)}
        and _suits(known.blend, known.ways, *LEXICAL)
        and (known.full_blend is None or _suits(known.full_blend, known.ways, *FULL))
    )


def _suits(blend: Blend, ways: int, heads: int, signs: int) -> bool:
    rows = {len(row) for row in blend.weights}
    return len(blend.weights) == ways and rows == {2 * heads} and len(blend.novelty) == 1 + signs


def strangeness(counts: Mapping[int, int], rarities: Sequence[float], grams: words.Grams) -> tuple[float, float]:
    """Which share of a prompt's words no training prompt had, and how rare all are; 1 and 1 where there are none."""
    own = [rarities[bucket] for bucket in counts if bucket < grams.word_buckets]
    if not own:
        return 1.0, 1.0
    unknown = own.count(0)
    return unknown / len(own), (sum(own) / 255 + unknown) / len(own)


def familiarity(signs: Sequence[float]) -> float:
    """How like the training prompts: the likeness of the nearest few, else how common its words are there."""
    return signs[-1] if len(signs) == FULL[1] else 1 - signs[-1]


def in_steps(rarities: Sequence[float]) -> list[int]:
    """Rarities as they are kept: whole numbers from 0 to 255, and 0 only for what was never seen."""
    return [max(1, min(255, round(each * 255 / _RAREST))) if each else 0 for each in rarities]


def _edges(told: Json) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if not isinstance(told, list):
        raise TypeError("a list was expected")
    least, most = map(numbers, told)
    return least, most


def _blend_about(blend: Blend) -> dict[str, Json]:
    return {"weights": [list(row) for row in blend.weights], "novelty": list(blend.novelty)}


def _blend(about: Mapping[str, Json]) -> Blend:
    weights = about["weights"]
    if not isinstance(weights, list):
        raise TypeError("a list was expected")
    return Blend(tuple(map(numbers, weights)), numbers(about["novelty"]))


def _part(about: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    part = about[name]
    if not isinstance(part, dict):
        raise TypeError(f"{name}: a table was expected")
    return part


def squash(value: float) -> float:
    """The logistic function."""
    return 1 / (1 + math.exp(-max(-_STEEPEST, min(_STEEPEST, value))))


def _sum(weights: Sequence[float], said: Sequence[float]) -> float:
    return weights[0] + sum(weight * each for weight, each in zip(weights[1:], said, strict=True))

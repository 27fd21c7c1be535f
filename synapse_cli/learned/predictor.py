"""How likely is a good answer from each way to this prompt, and how sure can that be? Lexical in pure Python.

Several heads look at the prompt: its words, its surface, its length, its embedding, its neighbours. A blend, learned on
prompts that the heads had not seen, turns what they say into a probability for each way ("two heads", one a way, beat
one that says "needs the strong one"; RouteLLM's tables, ../data). It is learned twice: on held-out prompts of subjects
that were seen, and on subjects that were held out whole, where the heads know less. How unlike the training prompts a
prompt is decides between the two: so what was learned by heart counts little where it does not apply.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synapse_cli.core.prompt import Json
from synapse_cli.learned import linear, surface, words
from synapse_cli.learned import neighbours as near
from synapse_cli.learned.file import Tensor
from synapse_cli.learned.linear import Linear, numbers
from synapse_cli.learned.neighbours import Neighbours

_RAREST = 16.0
"""Rarities are kept in eight bits, in steps of this / 255; ln(1 + a million texts) + 1 is 14.8."""
_STEEPEST = 30.0


@dataclass(frozen=True, slots=True)
class Look:
    """What a prompt promises."""

    chances: tuple[float, ...]
    """P(good) of each way."""
    doubt: float
    """How unlike the training prompts, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Blend:
    """How what the heads say becomes a chance, and a prompt's strangeness a doubt."""

    seen: tuple[tuple[float, ...], ...]
    """A row a way: the bias, then a weight for each head; for prompts like those that were seen."""
    unseen: tuple[tuple[float, ...], ...]
    """The same for prompts of another kind."""
    novelty: tuple[float, ...]
    """The bias, then a weight for each sign of strangeness."""

    def mix(self, heads: Sequence[Sequence[float]], signs: Sequence[float]) -> Look:
        """`heads` holds, head by head, a number for each way."""
        doubt = _squash(_sum(self.novelty, signs))
        chances = tuple(
            (1 - doubt) * _squash(_sum(known, said)) + doubt * _squash(_sum(strange, said))
            for known, strange, said in zip(self.seen, self.unseen, zip(*heads, strict=True), strict=True)
        )
        return Look(chances, doubt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """P(good | prompt, way). Without a vector only words, surface and length are asked."""

    ways: int
    grams: words.Grams
    rarities: Sequence[float]
    """Of each bucket, in steps of 16/255; 0 where no training prompt had it."""
    lexical: Linear
    surface: Linear
    length: Linear
    lexical_blend: Blend
    encoder: str | None = None
    """Identity of the encoder whose vectors it wants."""
    embedding: Linear | None = None
    neighbours: Neighbours | None = None
    full_blend: Blend | None = None

    def predict(self, prompt: str, vector: Sequence[float] | None = None) -> tuple[float, ...]:
        """The chance of a good answer, a number a way."""
        return self.look(prompt, vector).chances

    def doubt(self, prompt: str, vector: Sequence[float] | None = None) -> float:
        """How unlike the training prompts, from 0 to 1."""
        return self.look(prompt, vector).doubt

    def look(self, prompt: str, vector: Sequence[float] | None = None) -> Look:
        """Chances and doubt at once; a vector of another length than the encoder's raises ValueError."""
        heads, signs = self._words_of(prompt)
        if vector is None or self.embedding is None or self.neighbours is None or self.full_blend is None:
            return self.lexical_blend.mix(heads, signs)
        if len(vector) != self.embedding.size:
            raise ValueError(f"a vector of {len(vector)} numbers, where {self.embedding.size} were learned")
        nearby, nearest, around = self.neighbours.ask(vector)
        return self.full_blend.mix((*heads, self.embedding.of_all(vector), nearby), (*signs, nearest, around))

    def _words_of(self, prompt: str) -> tuple[list[tuple[float, ...]], tuple[float, ...]]:
        """What words, surface and length say, and the signs of strangeness in the words."""
        counts = words.count(prompt, self.grams)
        weighed = words.weigh(counts, self.rarities, self.grams)
        outside = surface.features(prompt)
        heads = [
            self.lexical.of_some(weighed),
            self.surface.of_all(outside),
            self.length.of_all(outside[: self.length.size]),
        ]
        return heads, strangeness(counts, self.rarities, self.grams)

    def about(self) -> dict[str, Json]:
        """All but the tensors, for a file."""
        found: dict[str, Json] = {
            "ways": self.ways,
            "encoder": self.encoder,
            "grams": dict(self.grams.about()),
            "features": list(surface.NAMES),
            "lexical": self.lexical.about(),
            "surface": self.surface.about(),
            "length": self.length.about(),
            "lexical_blend": _blend_about(self.lexical_blend),
        }
        if self.embedding is not None and self.neighbours is not None and self.full_blend is not None:
            found |= {
                "embedding": self.embedding.about(),
                "neighbours": self.neighbours.about(),
                "full_blend": _blend_about(self.full_blend),
            }
        return found

    def tensors(self, prefix: str = "predictor.") -> dict[str, Tensor]:
        """The numbers, for a file."""
        rarities = bytes(int(each) for each in self.rarities)
        found = {
            f"{prefix}rarities": Tensor("U8", (len(rarities),), rarities),
            f"{prefix}lexical": self.lexical.tensor(),
            f"{prefix}surface": self.surface.tensor(),
            f"{prefix}length": self.length.tensor(),
        }
        if self.embedding is not None and self.neighbours is not None:
            found |= {f"{prefix}embedding": self.embedding.tensor(), **self.neighbours.tensors(f"{prefix}neighbours.")}
        return found


def from_file(about: Mapping[str, Json], tensors: Mapping[str, Tensor], prefix: str = "predictor.") -> Predictor:
    """What `about` and `tensors` told. Raises KeyError, TypeError or ValueError for what is none."""
    if about["features"] != list(surface.NAMES):
        raise ValueError("learned with other surface features")
    lexical = linear.from_file(_part(about, "lexical"), tensors[f"{prefix}lexical"])
    known = Predictor(
        ways=len(lexical.bias),
        grams=words.from_about(_part(about, "grams")),  # type: ignore[arg-type]  # a power of two that is none shows as a wrong size
        rarities=tensors[f"{prefix}rarities"].numbers,
        lexical=lexical,
        surface=linear.from_file(_part(about, "surface"), tensors[f"{prefix}surface"]),
        length=linear.from_file(_part(about, "length"), tensors[f"{prefix}length"]),
        lexical_blend=_blend(_part(about, "lexical_blend")),
    )
    encoder = about["encoder"]
    if not known.grams.buckets == len(known.rarities) == lexical.size or known.surface.size != len(surface.NAMES):
        raise ValueError("parts that do not fit together")
    if encoder is None:
        return known
    return _with_encoder(known, str(encoder), about, tensors, prefix)


def _with_encoder(
    known: Predictor, encoder: str, about: Mapping[str, Json], tensors: Mapping[str, Tensor], prefix: str
) -> Predictor:
    from dataclasses import replace

    return replace(
        known,
        encoder=encoder,
        embedding=linear.from_file(_part(about, "embedding"), tensors[f"{prefix}embedding"]),
        neighbours=near.from_file(_part(about, "neighbours"), tensors, f"{prefix}neighbours."),
        full_blend=_blend(_part(about, "full_blend")),
    )


def strangeness(counts: Mapping[int, int], rarities: Sequence[float], grams: words.Grams) -> tuple[float, float]:
    """Which share of a prompt's words, and of its pieces, no training prompt had; 1 where there are none."""
    first = grams.word_buckets
    many, unknown = [0, 0], [0, 0]
    for bucket in counts:
        part = bucket >= first
        many[part] += 1
        unknown[part] += not rarities[bucket]
    return tuple(new / all_ if all_ else 1.0 for new, all_ in zip(unknown, many, strict=True))  # type: ignore[return-value]  # two go in, two come out


def in_steps(rarities: Sequence[float]) -> list[int]:
    """Rarities as they are kept: whole numbers from 0 to 255, and 0 only for what was never seen."""
    return [max(1, min(255, round(each * 255 / _RAREST))) if each else 0 for each in rarities]


def _blend_about(blend: Blend) -> dict[str, Json]:
    return {
        "seen": [list(row) for row in blend.seen],
        "unseen": [list(row) for row in blend.unseen],
        "novelty": list(blend.novelty),
    }


def _blend(about: Mapping[str, Json]) -> Blend:
    seen, unseen = about["seen"], about["unseen"]
    if not isinstance(seen, list) or not isinstance(unseen, list):
        raise TypeError("a list was expected")
    return Blend(tuple(map(numbers, seen)), tuple(map(numbers, unseen)), numbers(about["novelty"]))


def _part(about: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    part = about[name]
    if not isinstance(part, dict):
        raise TypeError(f"{name}: a table was expected")
    return part


def _sum(weights: Sequence[float], said: Sequence[float]) -> float:
    return weights[0] + sum(weight * each for weight, each in zip(weights[1:], said, strict=True))


def _squash(value: float) -> float:
    return 1 / (1 + math.exp(-max(-_STEEPEST, min(_STEEPEST, value))))

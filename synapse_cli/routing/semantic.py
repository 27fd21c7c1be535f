"""Which route is a prompt near to in meaning? Judged by its vector; pure Python, since numpy costs more to import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul

from synapse_cli.learned.file import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Semantic:
    """For each route a weight for each number of a vector, and the middle of its examples."""

    routes: int
    encoder: str
    """Identity of the encoder whose vectors these are."""
    dimension: int
    weights: Sequence[float]
    """(routes, dimension)."""
    bias: Sequence[float]
    middles: Sequence[float]
    """(routes, dimension): centroids of length 1."""
    examples: Sequence[float] = ()
    """(examples, dimension), whole numbers; empty where there are so many that none is quoted."""

    def scores(self, vector: Sequence[float]) -> tuple[tuple[float, ...], float]:
        """A score for each route, and the cosine to the nearest of their middles; `vector` has length 1."""
        return (
            tuple(dot + bias for dot, bias in zip(self._dots(self.weights, vector), self.bias, strict=True)),
            max(self._dots(self.middles, vector)),
        )

    def nearest(self, vector: Sequence[float], places: Sequence[int]) -> int | None:
        """Which of the examples at these places is most like it; None where they are not kept."""
        wide = self.dimension
        if not len(self.examples) or not places:
            return None
        return max(places, key=lambda place: sum(map(mul, self.examples[place * wide : (place + 1) * wide], vector)))

    def _dots(self, rows: Sequence[float], vector: Sequence[float]) -> list[float]:
        wide = self.dimension
        return [sum(map(mul, rows[route * wide : (route + 1) * wide], vector)) for route in range(self.routes)]


def from_file(routes: int, about: Mapping[str, object], tensors: Mapping[str, Tensor]) -> Semantic:
    """Read it back. Raises KeyError or ValueError for what is none."""
    weights, bias, middles = (tensors[f"semantic.{name}"] for name in ("weights", "bias", "middles"))
    dimension = weights.shape[1]
    if weights.shape != (routes, dimension) or middles.shape != weights.shape or bias.shape != (routes,):
        raise ValueError("the vectors of a router are not those of its routes")
    return Semantic(
        routes=routes,
        encoder=str(about["encoder"]),
        dimension=dimension,
        weights=weights.numbers,
        bias=bias.numbers,
        middles=middles.numbers,
        examples=tensors["semantic.examples"].numbers if "semantic.examples" in tensors else (),
    )

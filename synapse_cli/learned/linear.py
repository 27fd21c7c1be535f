"""What does a weighted sum say of each way? Weights in eight bits, one row a way, read without numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter, mul

from synapse_cli.core.prompt import Json
from synapse_cli.learned.file import Tensor

_MOST = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """A weighted sum for each way."""

    size: int
    """Features."""
    bias: tuple[float, ...]
    scales: tuple[float, ...]
    """What a weight of 1 stands for, a number a way."""
    weights: Sequence[float]
    """Whole numbers from -127 to 127: `size` of the first way, then those of the next."""

    def of_some(self, features: Mapping[int, float]) -> tuple[float, ...]:
        """The sums where all other features are 0."""
        if len(features) < 2:
            features = {**dict.fromkeys((0, 1), 0.0), **features}
        pick, values = itemgetter(*features), list(features.values())
        return tuple(
            bias + scale * sum(map(mul, pick(self._row(way)), values))
            for way, (bias, scale) in enumerate(zip(self.bias, self.scales, strict=True))
        )

    def of_all(self, features: Sequence[float]) -> tuple[float, ...]:
        """The sums where every feature is given."""
        return tuple(
            bias + scale * sum(map(mul, self._row(way), features))
            for way, (bias, scale) in enumerate(zip(self.bias, self.scales, strict=True))
        )

    def _row(self, way: int) -> Sequence[float]:
        return self.weights[way * self.size : (way + 1) * self.size]

    def about(self) -> dict[str, Json]:
        """All but the weights, for a file."""
        return {"size": self.size, "bias": list(self.bias), "scales": list(self.scales)}

    def tensor(self) -> Tensor:
        """The weights, for a file."""
        return Tensor("I8", (len(self.bias), self.size), bytes(int(each) & 255 for each in self.weights))


def from_floats(rows: Sequence[Sequence[float]], bias: Sequence[float]) -> Linear:
    """The same sums in eight bits; `rows` is ways x features."""
    scales = tuple(max((abs(each) for each in row), default=0.0) / _MOST or 1.0 for row in rows)
    flat = [round(each / scale) for row, scale in zip(rows, scales, strict=True) for each in row]
    packed = bytes(each & 255 for each in flat)
    return Linear(size=len(rows[0]), bias=tuple(map(float, bias)), scales=scales, weights=memoryview(packed).cast("b"))


def from_file(about: Mapping[str, Json], tensor: Tensor) -> Linear:
    """What `about` and `tensor` told. Raises KeyError, TypeError or ValueError for what is none."""
    bias, scales, size = numbers(about["bias"]), numbers(about["scales"]), about["size"]
    if not isinstance(size, int) or tensor.dtype != "I8" or tensor.shape != (len(bias), size):
        raise ValueError("weights of another form")
    return Linear(size=size, bias=bias, scales=scales, weights=tensor.numbers)


def numbers(value: Json) -> tuple[float, ...]:
    """A list of numbers out of JSON. Raises TypeError or ValueError."""
    if not isinstance(value, list):
        raise TypeError("a list was expected")
    return tuple(float(each) for each in value)  # type: ignore[arg-type]  # float() raises for what is no number

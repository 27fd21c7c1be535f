"""Which kept prompts are nearest to this one? Signs first, then the numbers of the few that agree in most signs.

A vector is kept twice: one bit a number, its sign, and eight bits a number. How many signs differ tells the angle
within a few degrees (Charikar, Similarity Estimation Techniques from Rounding Algorithms, 2002), costs one XOR, and
needs no numpy, whose import costs as much as six Pythons. Of the nearest by signs the eight-bit cosine is computed.

The newest entries are read from the rows themselves; the others from a file a scope, which is memory-mapped, made anew
when it is too far behind, and safe to lose.
"""

from __future__ import annotations

import math
import mmap
import os
import struct
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import mul
from typing import TYPE_CHECKING

from synapse_cli.core import places

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.uint64]
    Counts = npt.NDArray[np.uint16]

FOLDER = "similar"
"""Of the files, under the cache folder."""
_MAGIC = b"SYNSIM01"
_HEADER = struct.Struct("<8sIIq")
"""Magic, numbers per vector, entries, number of the last one."""
_SHAPE = struct.Struct("<If")
"""How many numbers, and what one of them stands for."""
_BY_SIGNS = 48
"""So many of the nearest by signs are compared by numbers: the nearest of 50,000 is among them in 999 of 1,000 cases
with cosines from .8 on."""
_LEAST = 0.7
"""Cosines below are of no use to anybody: among thousands they need not be found."""
_FEW = 20_000
"""From here on numpy's import pays in a process that has not loaded it."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A vector as it is kept."""

    signs: int
    scale: float
    numbers: memoryview
    """int8; times `scale` it is the vector, of length 1."""

    @property
    def floats(self) -> list[float]:
        """The vector."""
        return [self.scale * each for each in self.numbers]


def pack(vector: Sequence[float]) -> bytes:
    """Signs, shape, then eight bits a number, of the vector at length 1."""
    length = math.sqrt(math.fsum(each * each for each in vector)) or 1.0
    highest = max(map(abs, vector), default=0.0) or 1.0
    whole = [round(each * 127 / highest) for each in vector]
    return _signs(vector) + _SHAPE.pack(len(whole), highest / 127 / length) + struct.pack(f"<{len(whole)}b", *whole)


def unpack(data: bytes) -> Packed:
    """What was packed. Raises ValueError for what was not."""
    start = _start(len(data))
    dimension, scale = _SHAPE.unpack_from(data, start)
    if _width(dimension) != len(data):
        raise ValueError(f"{len(data)} bytes are no packed vector")
    numbers = memoryview(data)[start + _SHAPE.size :].cast("b")
    return Packed(int.from_bytes(data[:start], "little"), scale, numbers)


def nearest(vector: Sequence[float], rows: Iterable[tuple[int, bytes]], most: int) -> list[tuple[float, int]]:
    """Cosine and number of the nearest of these rows, the nearest first."""
    wanted = int.from_bytes(_signs(vector), "little")
    size = _width(len(vector))
    start = _sign_bytes(len(vector))
    apart = sorted(
        ((int.from_bytes(data[:start], "little") ^ wanted).bit_count(), number, data)
        for number, data in rows
        if len(data) == size
    )
    return best(vector, ((number, data) for _, number, data in apart[:_BY_SIGNS]), most)


def best(vector: Sequence[float], rows: Iterable[tuple[int, bytes]], most: int) -> list[tuple[float, int]]:
    """Cosine and number of the nearest, every one compared by its numbers."""
    length = math.sqrt(math.fsum(each * each for each in vector)) or 1.0
    numbers, packed = [], []
    for number, data in rows:
        numbers.append(number)
        packed.append(unpack(data))
    if "numpy" in sys.modules and packed:
        import numpy as np

        table = np.frombuffer(b"".join(each.numbers for each in packed), np.int8).reshape(len(packed), -1)
        products = [float(each) for each in np.einsum("ij,j->i", table, np.asarray(vector, dtype=np.float32))]
    else:
        products = [float(sum(map(mul, vector, each.numbers))) for each in packed]
    found = [
        (product * each.scale / length, number) for product, each, number in zip(products, packed, numbers, strict=True)
    ]
    return sorted(found, key=lambda each: (-each[0], each[1]))[:most]


class Flat:
    """One scope's vectors in a file: numbers, signs column by column, then packed rows."""

    def __init__(self, data: mmap.mmap, dimension: int, many: int, last: int) -> None:
        self._data = data
        self._dimension = dimension
        self.many = many
        self.last = last
        """Number of the newest entry in it."""
        self._signs_at = _HEADER.size + 8 * many
        self._rows_at = self._signs_at + _sign_bytes(dimension) * many

    @classmethod
    def open(cls, path: str) -> Flat | None:
        """Map the file; None where there is none, or one that is not whole."""
        try:
            with open(path, "rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):
            return None
        if len(data) < _HEADER.size:
            return None
        magic, dimension, many, last = _HEADER.unpack_from(data)
        whole = _HEADER.size + many * (8 + _sign_bytes(dimension) + _width(dimension))
        return cls(data, dimension, many, last) if magic == _MAGIC and len(data) == whole else None

    def nearest(self, vector: Sequence[float], most: int) -> list[tuple[float, int]]:
        """Cosine and number of the nearest, the nearest first."""
        if len(vector) != self._dimension or not self.many:
            return []
        places = self._by_numpy(vector) if "numpy" in sys.modules or self.many > _FEW else self._by_python(vector)
        return best(vector, ((self._number(place), self._row(place)) for place in places), most)

    def close(self) -> None:
        """Let go of the file."""
        self._data.close()

    def _by_python(self, vector: Sequence[float]) -> list[int]:
        """Where the nearest by signs stand, without numpy: from the rows, one integer each."""
        wanted, size = int.from_bytes(_signs(vector), "little"), _sign_bytes(self._dimension)
        width, data = _width(self._dimension), self._data
        apart = [
            (int.from_bytes(data[at : at + size], "little") ^ wanted).bit_count()
            for at in range(self._rows_at, self._rows_at + width * self.many, width)
        ]
        return sorted(range(self.many), key=apart.__getitem__)[:_BY_SIGNS]

    def _by_numpy(self, vector: Sequence[float]) -> list[int]:
        """The same with numpy, eight bytes of all rows at a time; half of the signs rule most rows out."""
        import numpy as np

        columns = np.frombuffer(self._data, "<u8", _sign_bytes(self._dimension) // 8 * self.many, self._signs_at)
        columns = columns.reshape(-1, self.many)
        wanted = np.frombuffer(_signs(vector), "<u8")
        half = len(columns) // 2
        apart = _apart(columns[:half], wanted[:half]) if half else np.zeros(self.many, dtype=np.uint16)
        places = np.flatnonzero(apart <= _most_apart(64 * half))
        if len(places) <= _BY_SIGNS:
            return [int(each) for each in places]
        apart = apart[places] + _apart(columns[half:, places], wanted[half:])
        return [int(each) for each in places[np.argpartition(apart, _BY_SIGNS)[:_BY_SIGNS]]]

    def _number(self, place: int) -> int:
        return int.from_bytes(self._data[_HEADER.size + 8 * place : _HEADER.size + 8 * place + 8], "little")

    def _row(self, place: int) -> bytes:
        width = _width(self._dimension)
        return self._data[self._rows_at + width * place : self._rows_at + width * (place + 1)]


def write_flat(path: str, rows: Sequence[tuple[int, bytes]]) -> None:
    """Write a scope's file, whole or not at all. Raises OSError."""
    width = max((len(data) for _, data in rows), default=0)
    rows = [(number, data) for number, data in rows if len(data) == width]
    if not rows:
        raise ValueError("no rows")
    size = _start(width)
    dimension = width - size - _SHAPE.size
    columns = [b"".join(data[at : at + 8] for _, data in rows) for at in range(0, size, 8)]
    whole = (
        _HEADER.pack(_MAGIC, dimension, len(rows), rows[-1][0]),
        b"".join(number.to_bytes(8, "little") for number, _ in rows),
        *columns,
        b"".join(data for _, data in rows),
    )
    replace(path, b"".join(whole))


def replace(path: str, content: bytes) -> None:
    """Put a private file in place of another. Raises OSError."""
    places.make_private(os.path.dirname(path))
    draft = f"{path}.{os.getpid()}.part"
    with open(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
    os.replace(draft, path)


def _signs(vector: Sequence[float]) -> bytes:
    bits = 0
    for place, each in enumerate(vector):
        if each > 0:
            bits |= 1 << place
    return bits.to_bytes(_sign_bytes(len(vector)), "little")


def _sign_bytes(dimension: int) -> int:
    """Bytes of the signs: whole words of 64 bits."""
    return -(-dimension // 64) * 8


def _width(dimension: int) -> int:
    """Bytes of a packed vector."""
    return _sign_bytes(dimension) + _SHAPE.size + dimension


def _start(width: int) -> int:
    """Where the shape stands in a packed vector of so many bytes. Raises ValueError where none is so wide."""
    for words in range(max(0, (width - _SHAPE.size) // 72 - 1), (width - _SHAPE.size) // 72 + 3):
        dimension = width - _SHAPE.size - 8 * words
        if dimension > 0 and _sign_bytes(dimension) == 8 * words:
            return 8 * words
    raise ValueError(f"{width} bytes are no packed vector")


def _most_apart(signs: int) -> float:
    """How many of so many signs differ at most between vectors whose cosine is `_LEAST` or more: four deviations."""
    rate = math.acos(_LEAST) / math.pi
    return signs * rate + 4 * math.sqrt(signs * rate * (1 - rate))


def _apart(columns: Numbers, wanted: Numbers) -> Counts:
    """In how many signs each row differs."""
    import numpy as np

    apart = np.zeros(columns.shape[1], dtype=np.uint16)
    for column, bits in zip(columns, wanted, strict=True):
        apart += _bit_count(column ^ bits)
    return apart


def _bit_count(numbers: Numbers) -> npt.NDArray[np.uint8]:
    """How many bits are set in each; numpy before 2.0 has no word for it."""
    import numpy as np

    if hasattr(np, "bitwise_count"):
        return np.bitwise_count(numbers)
    ones = np.array([each.bit_count() for each in range(256)], dtype=np.uint8)
    counts: npt.NDArray[np.uint8] = ones[np.ascontiguousarray(numbers).view(np.uint8).reshape(-1, 8)].sum(
        axis=1, dtype=np.uint8
    )
    return counts

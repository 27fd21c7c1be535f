"""What stands in the header of a GGUF, byte by byte?

Plain Python, so that a file is known before llama.cpp sees it. The vocabulary is stepped over, unless it is wanted.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

Scalar: TypeAlias = bool | int | float | str

_LONGEST_TEXT = 1 << 20
"""Longest text kept; llama.cpp has no limit, but no key that is wanted here is longer."""
_LONGEST_LIST = 1024
"""Longest list of whole numbers kept: one per layer, and llama.cpp takes 512 layers."""
_LONGEST_NAME = 63
"""Bytes of a tensor's name, ggml's GGML_MAX_NAME less the end."""
_MOST_ENTRIES = 1 << 20
"""More metadata keys or tensors than this is garbage: the largest models have a few thousand."""
_MOST_DIMENSIONS = 4
_MOST_VALUES = 1 << 62
_FIXED = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_WHOLE = frozenset("BbHhIiQq")
_ALIGNMENT = 32
"""Bytes, the default; ggml wants its tensors to stand at multiples of it."""
_TEXT, _ARRAY, _UINT32 = 8, 9, 4
_TOKENS = "tokenizer.ggml.tokens"

# ggml type -> (values per block, bytes per block), from ggml.c of llama.cpp 0.5; types 4, 5, 31 to 33 and 36 to 38 were
# taken back, and llama.cpp refuses them.
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
_REMOVED = frozenset({4, 5, 31, 32, 33, 36, 37, 38})
_LAST_TYPE = 64
"""ggml has some forty types; a number beyond this is garbage. One that is not known here is not size-checked."""


class BadBytes(Exception):
    """What is wrong with the bytes, without the path."""


class More(Exception):
    """The bytes read so far end before the header does."""


class Tensor(NamedTuple):
    """One tensor as the header lists it."""

    shape: tuple[int, ...]
    """Innermost dimension first, as in the file."""
    kind: int
    """ggml's number of its type."""
    offset: int
    size: int
    """Bytes."""


@dataclass(slots=True)
class Fields:
    """Everything that a header holds and that is kept."""

    version: int
    metadata: dict[str, Scalar] = field(default_factory=dict)
    lists: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Short lists of whole numbers, such as the heads of each layer."""
    vocabulary: int = 0
    tokens: list[bytes] = field(default_factory=list)
    layout: dict[str, Tensor] = field(default_factory=dict)
    data_start: int = 0

    def text(self, key: str) -> str | None:
        """A text, or None."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def whole(self, key: str) -> int | None:
        """A whole number, or None."""
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


def parse(data: bytes, size: int, *, keep_tokens: bool = False) -> Fields:
    """Read a header from the beginning of a file of `size` bytes; the vocabulary itself only with `keep_tokens`.

    Raises BadBytes where it is wrong, and More, struct.error or OverflowError where `data` ends before it does.
    """
    return _Reader(data, size, keep_tokens=keep_tokens).read()


class _Reader:
    """Steps through the bytes of one header; `at` is the next byte."""

    def __init__(self, data: bytes, size: int, *, keep_tokens: bool) -> None:
        self.data = data
        self.size = size
        self.keep_tokens = keep_tokens
        self.at = 24

    def read(self) -> Fields:
        version, tensors, keys = struct.unpack_from("<IQQ", self.data, 4)
        if keys > _MOST_ENTRIES or tensors > _MOST_ENTRIES:
            raise BadBytes(f"it claims {tensors:,} tensors and {keys:,} keys, which is garbage")
        self.fields = Fields(version)
        for _ in range(keys):
            self._entry()
        self._tensors(tensors)
        return self.fields

    def _entry(self) -> None:
        key = self._string().decode("utf-8", "replace")
        kind = self._number("I")
        metadata = self.fields.metadata
        if key in metadata or key in self.fields.lists or not key:
            raise BadBytes(f"the key {key!r} stands in it twice" if key else "one of its keys has no name")
        if kind == _ARRAY:
            self._array(key)
        elif kind == _TEXT:
            value = self._string()
            if len(value) <= _LONGEST_TEXT:
                metadata[key] = value.decode("utf-8", "replace")
        else:
            metadata[key] = self._number(self._code(kind, key))
            if key == "general.alignment" and kind != _UINT32:
                raise BadBytes("its alignment is not written as a 32-bit number")

    def _array(self, key: str) -> None:
        kind, count = self._number("I"), self._number("Q")
        if key == _TOKENS:
            self.fields.vocabulary = count
        if count > self.size:
            raise BadBytes(f"the list {key!r} claims {count:,} values, more than the file has bytes")
        if kind == _TEXT and self.keep_tokens and key == _TOKENS:
            self.fields.tokens = [self._string() for _ in range(count)]
            return
        if kind == _TEXT:
            self._skip_strings(count)
            self._check_end()
            return
        code = self._code(kind, key)
        start = self.at
        self.at += count * struct.calcsize("<" + code)
        self._check_end()
        if code in _WHOLE and count <= _LONGEST_LIST:
            self.fields.lists[key] = struct.unpack_from(f"<{count}{code}", self.data, start)

    def _skip_strings(self, count: int) -> None:
        data, at, end = self.data, self.at, len(self.data)
        length_at = struct.Struct("<Q").unpack_from
        for _ in range(count):
            if at > end:
                break
            at += 8 + length_at(data, at)[0]
        self.at = at

    def _check_end(self) -> None:
        if self.at > self.size:
            raise BadBytes("a value reaches beyond its end (truncated or garbage)")
        if self.at > len(self.data):
            raise More

    def _string(self) -> bytes:
        length = self._number("Q")
        start = self.at
        self.at += length
        self._check_end()
        return self.data[start : self.at]

    def _number(self, code: str) -> int:
        value: int = struct.unpack_from("<" + code, self.data, self.at)[0]
        self.at += struct.calcsize("<" + code)
        return value

    @staticmethod
    def _code(kind: int, key: str) -> str:
        code = _FIXED.get(kind)
        if code is None:
            raise BadBytes(f"the key {key[:80]!r} has the unknown type {kind}")
        return code

    def _tensors(self, count: int) -> None:
        fields = self.fields
        alignment = fields.whole("general.alignment")
        alignment = _ALIGNMENT if alignment is None else alignment
        if alignment < _ALIGNMENT or alignment & (alignment - 1) or alignment > 1 << 20:
            raise BadBytes(f"its alignment is {alignment}, which is no power of two from {_ALIGNMENT} up")
        for _ in range(count):
            name, tensor = self._tensor(alignment)
            if name in fields.layout:
                raise BadBytes(f"two of its tensors have the same name, {name!r}")
            fields.layout[name] = tensor
        fields.data_start = -(-self.at // alignment) * alignment
        self._check_places(alignment)

    def _check_places(self, alignment: int) -> None:
        """Tensors stand one behind the other, and the last one ends within the file."""
        expected = 0
        for name, tensor in self.fields.layout.items():
            end = self.fields.data_start + tensor.offset + tensor.size
            if end > self.size:
                raise BadBytes(f"tensor {name} ends at byte {end:,} of {self.size:,} (truncated)")
            if tensor.kind in BLOCKS and tensor.offset != expected:
                raise BadBytes(f"tensor {name!r} stands at {tensor.offset:,} where {expected:,} is expected")
            expected = tensor.offset + -(-tensor.size // alignment) * alignment

    def _tensor(self, alignment: int) -> tuple[str, Tensor]:
        raw = self._string()
        name = raw.decode("utf-8", "replace")
        if len(raw) > _LONGEST_NAME:
            raise BadBytes(f"the name of tensor {name[:80]!r} is too long")
        dimensions = self._number("I")
        if not 1 <= dimensions <= _MOST_DIMENSIONS:
            raise BadBytes(f"tensor {name!r} has {dimensions} dimensions")
        shape = tuple(self._number("Q") for _ in range(dimensions))
        kind, offset = self._number("I"), self._number("Q")
        values = math.prod(shape)
        if kind > _LAST_TYPE or kind in _REMOVED:
            raise BadBytes(f"tensor {name!r} has the unknown type {kind}")
        if not values:
            raise BadBytes(f"tensor {name!r} is empty")
        if offset % alignment:
            raise BadBytes(f"tensor {name!r} stands at {offset}, off the alignment of {alignment}")
        per_block, block_bytes = BLOCKS.get(kind, (values, 1))
        if kind in BLOCKS and shape[0] % per_block:
            raise BadBytes(f"tensor {name!r} has rows of {shape[0]} values, and its type packs them by {per_block}")
        size = min(values, _MOST_VALUES) * block_bytes // per_block
        return name, Tensor(shape, kind, offset, size)

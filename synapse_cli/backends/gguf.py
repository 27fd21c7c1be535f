"""Is this file a GGUF that llama.cpp can load, and what does it say of itself?

A look at the header in plain Python before llama.cpp sees the file: llama.cpp answers most odd files with a
bare "failed to load", hangs on a FIFO, and costs an import to ask. The vocabulary is stepped over, not read.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, TypeAlias

from synapse_cli.core.errors import ModelMissing, ModelUnusable

Scalar: TypeAlias = bool | int | float | str

_FIRST_READ = 1 << 20
"""Bytes read at first; headers of small vocabularies fit, larger ones cost a second and a third read."""
_LONGEST_TEXT = 1 << 20
"""Longest text kept; llama.cpp has no limit, but no key that is wanted here is longer."""
_MOST_ENTRIES = 1 << 20
"""More metadata keys or tensors than this is garbage: the largest models have a few thousand."""
_MOST_DIMENSIONS = 4
_FIXED = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _ARRAY = 8, 9
_VERSIONS = (2, 3)

# ggml type -> (values per block, bytes per block), from ggml.c; types that are missing here are not size-checked.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
_LAST_TYPE = 64
"""ggml has some forty types; a number beyond this is garbage."""
_QUANTIZATIONS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip
_ENCODERS = ("bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3",
             "eurobert", "gemma-embedding", "t5encoder")  # fmt: skip
_GET_A_MODEL = "get a chat model as GGUF (a Q4_K_M file is a good start) and name it with -m PATH.gguf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a GGUF says of itself. `metadata` holds its plain values; arrays are left out."""

    path: str
    size: int
    version: int
    architecture: str
    name: str | None
    context_length: int | None
    quantization: str | None
    chat_template: str | None
    vocabulary: int
    """Number of tokens."""
    tensors: int
    metadata: Mapping[str, Scalar] = field(default_factory=dict)

    def shape(self, key: str) -> int | None:
        """A whole number under `ARCHITECTURE.key`, such as `block_count`."""
        value = self.metadata.get(f"{self.architecture}.{key}")
        return value if isinstance(value, int) and not isinstance(value, bool) else None


class _Bad(Exception):
    """What is wrong with the bytes, without the path."""


class _More(Exception):
    """The bytes read so far end before the header does."""


def read_header(path: str, *, writes: bool = True) -> Header:
    """Check the file and return its header; with `writes` a model that only makes embeddings is none.

    Raises ModelMissing where there is no regular file that can be read, ModelUnusable where it is not a usable GGUF.
    """
    with _open(path) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            return _parse(path, file, size, writes=writes)
        except _Bad as bad:
            raise ModelUnusable(f"{path} is not a usable GGUF: {bad}", "download it again, or " + _GET_A_MODEL) from bad
        except OSError as error:
            raise ModelMissing(f"cannot read the model {path}: {error.strerror or error}") from error


def _open(path: str) -> BinaryIO:
    """Open a regular file, and nothing else: a FIFO would wait for ever."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            raise ModelMissing(f"the model {path} is {_kind(mode)}, not a file", "name the .gguf file itself")
        # without O_NONBLOCK a FIFO put there since the stat would block; on a regular file it changes nothing
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(path, flags), "rb", buffering=0)
    except (OSError, ValueError) as error:
        raise _missing(path, error) from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ModelMissing(f"the model {path} is not a file", "name the .gguf file itself")
    return file


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"))
    return next((name for test, name in kinds if test(mode)), "a device")


def _missing(path: str, error: OSError | ValueError) -> ModelMissing:
    if not isinstance(error, OSError):
        return ModelMissing(f"the model path {path!r} cannot be a path: {error}")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return ModelMissing(f"no permission to read the model {path}", f"chmod u+r {path}")
    if error.errno == errno.ELOOP:
        return ModelMissing(
            f"the model {path} is a symbolic link that leads back to itself", "point it at the .gguf file"
        )
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        if os.path.islink(path):
            return ModelMissing(f"the model {path} is a symbolic link to nothing", "point it at the .gguf file")
        return ModelMissing(f"there is no model at {path}", "check the path, or the profile key models.NAME.source")
    return ModelMissing(f"cannot read the model {path}: {error.strerror or error}")


def _parse(path: str, file: BinaryIO, size: int, *, writes: bool) -> Header:
    want = _FIRST_READ
    data = b""
    while True:
        while len(data) < min(want, size):
            more = file.read(min(want, size) - len(data))
            if not more:
                break
            data += more
        _check_magic(data, size)
        try:
            return _Reader(data, size, writes=writes).header(path)
        except (_More, struct.error, OverflowError) as short:
            if len(data) < want:
                raise _Bad(f"it ends within its header, after {len(data):,} bytes (truncated)") from short
            want *= 4


def _check_magic(data: bytes, size: int) -> None:
    if size == 0:
        raise _Bad("it is empty")
    if data[:4] != b"GGUF":
        if data[:4] in {b"ggml", b"lmgg", b"tjgg", b"fmgg", b"algg"}:
            raise _Bad("it is in the older GGML format, which llama.cpp no longer reads")
        if data[:8].startswith(b"version "):
            raise _Bad("it is a Git LFS pointer, not the file itself (git lfs pull)")
        raise _Bad(f"it begins with {data[:4]!r} instead of b'GGUF'")
    if size < 24:  # magic, version, two counts
        raise _Bad(f"it ends within its header, after {size} bytes (truncated)")
    version = int.from_bytes(data[4:8], "little")
    if version not in _VERSIONS:
        if int.from_bytes(data[4:8], "big") in _VERSIONS:
            raise _Bad("it is big-endian, made for another kind of machine")
        raise _Bad(f"it has GGUF version {version}, and versions 2 and 3 are known")


class _Reader:
    """Steps through the bytes of one header; `at` is the next byte."""

    def __init__(self, data: bytes, size: int, *, writes: bool) -> None:
        self.data = data
        self.size = size
        self.writes = writes
        self.at = 24
        self.vocabulary = 0
        self.metadata: dict[str, Scalar] = {}

    def header(self, path: str) -> Header:
        version, tensors, keys = struct.unpack_from("<IQQ", self.data, 4)
        if keys > _MOST_ENTRIES or tensors > _MOST_ENTRIES:
            raise _Bad(f"it claims {tensors:,} tensors and {keys:,} keys, which is garbage")
        for _ in range(keys):
            self._entry()
        architecture = self._architecture(tensors)
        self._tensors(tensors)
        return Header(
            path=path,
            size=self.size,
            version=version,
            architecture=architecture,
            name=self._text("general.name"),
            context_length=self._whole(f"{architecture}.context_length"),
            quantization=_QUANTIZATIONS.get(self._whole("general.file_type") or 0),
            chat_template=self._text("tokenizer.chat_template"),
            vocabulary=self.vocabulary,
            tensors=tensors,
            metadata=self.metadata,
        )

    def _entry(self) -> None:
        key = self._string().decode("utf-8", "replace")
        kind = self._number("I")
        if key in self.metadata:
            raise _Bad(f"the key {key!r} stands in it twice")
        if kind == _ARRAY:
            self._array(key)
        elif kind == _TEXT:
            value = self._string()
            if len(value) <= _LONGEST_TEXT:
                self.metadata[key] = value.decode("utf-8", "replace")
        else:
            self.metadata[key] = self._number(self._code(kind, key))

    def _array(self, key: str) -> None:
        kind, count = self._number("I"), self._number("Q")
        if key == "tokenizer.ggml.tokens":
            self.vocabulary = count
        if count > self.size:
            raise _Bad(f"the list {key!r} claims {count:,} values, more than the file has bytes")
        if kind == _TEXT:
            self._skip_strings(count)
        else:
            self.at += count * struct.calcsize("<" + self._code(kind, key))
        self._check_end()

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
            raise _Bad("a value reaches beyond its end (truncated or garbage)")
        if self.at > len(self.data):
            raise _More

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
            raise _Bad(f"the key {key[:80]!r} has the unknown type {kind}")
        return code

    def _text(self, key: str) -> str | None:
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def _whole(self, key: str) -> int | None:
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def _architecture(self, tensors: int) -> str:
        """The architecture, once it is clear that this is a whole model of the kind that is wanted."""
        if (self._whole("split.count") or 1) > 1:
            raise _Bad(
                "it is one part of a split model, which is not yet supported (join it: llama-gguf-split --merge)"
            )
        kind = self._text("general.type") or "model"
        architecture = self._text("general.architecture")
        if kind != "model":
            raise _Bad(f"it is not a model but of the kind {kind!r}")
        if not architecture:
            raise _Bad("it does not name its architecture")
        if self.writes and architecture in _ENCODERS:
            raise _Bad(f"its architecture {architecture!r} makes embeddings and writes no text")
        if architecture in {"clip", "imatrix", "whisper"}:
            raise _Bad(f"its architecture {architecture!r} is no language model")
        if self._text("tokenizer.ggml.model") in {None, "none", "no_vocab"} or not self.vocabulary:
            raise _Bad("it has no tokenizer")
        if not tensors:
            raise _Bad("it holds a vocabulary and no weights")
        return architecture

    def _tensors(self, count: int) -> None:
        alignment = self._whole("general.alignment")
        alignment = 32 if alignment is None else alignment
        if alignment <= 0 or alignment & (alignment - 1) or alignment > 1 << 20:
            raise _Bad(f"its alignment is {alignment}, which is not a power of two")
        ends = [self._tensor(alignment) for _ in range(count)]
        names = {name for name, _ in ends}
        if len(names) < count:
            raise _Bad("two of its tensors have the same name")
        if "token_embd.weight" not in names:
            raise _Bad("the tensor token_embd.weight is missing")
        start = -(-self.at // alignment) * alignment
        name, end = max(ends, key=lambda item: item[1])
        if start + end > self.size:
            raise _Bad(f"tensor {name} ends at byte {start + end:,} of {self.size:,} (truncated)")

    def _tensor(self, alignment: int) -> tuple[str, int]:
        """A tensor's name and the offset where its data ends."""
        name = self._string().decode("utf-8", "replace")
        dimensions = self._number("I")
        if not 1 <= dimensions <= _MOST_DIMENSIONS:
            raise _Bad(f"tensor {name[:80]!r} has {dimensions} dimensions")
        values = 1
        for _ in range(dimensions):
            values *= self._number("Q")
        kind, offset = self._number("I"), self._number("Q")
        if kind > _LAST_TYPE or not values:
            raise _Bad(
                f"tensor {name[:80]!r} has the unknown type {kind}" if values else f"tensor {name[:80]!r} is empty"
            )
        if offset % alignment:
            raise _Bad(f"tensor {name[:80]!r} stands at {offset}, off the alignment of {alignment}")
        per_block, block_bytes = _BLOCKS.get(kind, (values, 1))
        return name, offset + values * block_bytes // per_block

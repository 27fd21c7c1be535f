"""Is this file a GGUF that llama.cpp can load, and what does it say of itself?

A look at the header in plain Python before llama.cpp sees the file: llama.cpp answers most odd files with a
bare "failed to load", hangs on a FIFO, ends the process on others, and costs an import to ask.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, TypeAlias

from synapse_cli.backends.gguf_bytes import BadBytes, Fields, More, Scalar, Tensor, parse
from synapse_cli.backends.gguf_numbers import MOST_LAYERS, check_kinds, check_numbers, check_vocabulary
from synapse_cli.core.errors import ModelMissing, ModelUnusable

Stamp: TypeAlias = tuple[tuple[int, ...], ...]
"""What tells one state of files from another: device, inode, size and times of each."""
Purpose = Literal["text", "vectors", "adapter", "any"]
"""What the file is wanted for: to write, to embed, to be laid over another model, or only to be looked at."""

_FIRST_READ = 1 << 20
"""Bytes read at first; headers of small vocabularies fit, larger ones cost a second and a third read."""
_LARGEST_HEADER = 256 << 20
"""Bytes; the largest vocabularies take some ten million."""
_VERSIONS = (2, 3)
_MOST_PARTS = 99_999
"""More have no name: the number has five digits."""
QUANTIZATIONS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip
ENCODERS = ("bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3",
            "eurobert", "gemma-embedding", "t5encoder")  # fmt: skip
_NO_LANGUAGE = frozenset({"clip", "imatrix", "whisper"})
_GET_A_MODEL = "get a chat model as GGUF (a Q4_K_M file is a good start) and name it with -m PATH.gguf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a GGUF says of itself. `metadata` holds its plain values, `lists` its short lists of whole numbers."""

    path: str
    size: int
    """Bytes, of all parts of a split model."""
    version: int
    architecture: str
    name: str | None
    context_length: int | None
    quantization: str | None
    chat_template: str | None
    vocabulary: int
    """Number of tokens."""
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    lists: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    layout: Mapping[str, Tensor] = field(default_factory=dict)
    """Every tensor by its name."""
    parts: tuple[str, ...] = ()
    """The files of a split model, this one first; one path for a whole one."""
    stamp: Stamp = ()
    """Of these files, as they were read."""

    @property
    def tensors(self) -> int:
        """How many there are."""
        return len(self.layout)

    @property
    def weights(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.size for tensor in self.layout.values())

    @property
    def is_encoder(self) -> bool:
        """Whether it makes vectors and writes no text."""
        return self.architecture in ENCODERS

    def shape(self, key: str) -> int | None:
        """A whole number under `ARCHITECTURE.key`, such as `block_count`."""
        value = self.metadata.get(f"{self.architecture}.{key}")
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def per_layer(self, key: str) -> tuple[int, ...]:
        """The number under `ARCHITECTURE.key` for each layer, whether the file has one for all or one for each."""
        layers = min(self.shape("block_count") or 0, MOST_LAYERS)
        each = self.lists.get(f"{self.architecture}.{key}")
        return each[:layers] if each is not None else (self.shape(key) or 0,) * layers


def read_header(path: str, purpose: Purpose = "text") -> Header:
    """Check the file and return its header.

    Raises ModelMissing where there is no regular file that can be read, ModelUnusable where it is not a usable GGUF
    for this purpose.
    """
    try:
        status, fields = _read(path)
        size, seen = status.st_size, [_stamp(status)]
        parts = split_parts(path, fields.whole("split.count") or 1)
        _check_kind(fields, purpose)
        for part in parts[1:]:
            status, rest = _read(part)
            size += status.st_size
            seen.append(_stamp(status))
            fields.layout.update(rest.layout)
        _check_whole(fields, purpose)
    except BadBytes as bad:
        raise _unusable(path, bad) from bad
    return _header(path, size, fields, parts, tuple(seen))


def read_beginning(name: str, size: int, chunks: Iterable[bytes]) -> Header:
    """Read the header of a file of `size` bytes that is elsewhere, from its first bytes; takes no more than it needs.

    Raises ModelUnusable where it is no GGUF.
    """
    try:
        return _header(name, size, _parse_beginning(size, chunks), (name,))
    except BadBytes as bad:
        raise _unusable(name, bad) from bad


def _parse_beginning(size: int, chunks: Iterable[bytes]) -> Fields:
    data, want = bytearray(), _FIRST_READ
    for chunk in chunks:
        data += chunk
        if len(data) < min(want, size):
            continue
        _check_magic(bytes(data[:24]), size)
        try:
            return parse(bytes(data), size)
        except (More, struct.error, OverflowError):
            want *= 2
        if want > _LARGEST_HEADER:
            break
    raise BadBytes(f"its header does not end within {len(data):,} bytes")


def _header(path: str, size: int, fields: Fields, parts: tuple[str, ...], seen: Stamp = ()) -> Header:
    architecture = fields.text("general.architecture") or ""
    return Header(
        path=path,
        size=size,
        version=fields.version,
        architecture=architecture,
        name=fields.text("general.name"),
        context_length=fields.whole(f"{architecture}.context_length"),
        quantization=QUANTIZATIONS.get(fields.whole("general.file_type") or 0),
        chat_template=fields.text("tokenizer.chat_template"),
        vocabulary=fields.vocabulary,
        metadata=fields.metadata,
        lists=fields.lists,
        layout=fields.layout,
        parts=parts,
        stamp=seen,
    )


def stamp(paths: tuple[str, ...]) -> Stamp:
    """Tell the present state of files, to compare with a header's; raises ModelMissing where one is gone."""
    try:
        return tuple(_stamp(os.stat(path)) for path in paths)
    except OSError as error:
        hint = "check the path, or the profile keys source and lora"
        raise ModelMissing(f"there is no file at {error.filename}", hint) from error


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def check_tokens(path: str) -> None:
    """Check the vocabulary, which takes reading it: 50 ms for 150,000 tokens, and so only before a file is loaded."""
    try:
        _, fields = _read(path, keep_tokens=True)
        check_vocabulary(fields.tokens)
    except BadBytes as bad:
        raise _unusable(path, bad) from bad


def check_part(path: str) -> None:
    """Check one file by itself, under whatever name; it may be a part of a split model. Raises as `read_header`."""
    try:
        _read(path)
    except BadBytes as bad:
        raise _unusable(path, bad) from bad


def _unusable(path: str, bad: BadBytes) -> ModelUnusable:
    return ModelUnusable(f"{path} is not a usable GGUF: {bad}", "download it again, or " + _GET_A_MODEL)


def split_parts(path: str, count: int) -> tuple[str, ...]:
    """The files of a model that is split into `count` parts, told from the first one's name.

    Raises BadBytes where `path` is not the first of them.
    """
    if count <= 1:
        return (path,)
    if count > _MOST_PARTS:
        raise BadBytes(f"it claims to be one part of {count:,}")
    ending = f"-00001-of-{count:05d}.gguf"
    if not path.endswith(ending):
        raise BadBytes(f"it is one part of {count} of a split model; name the first one, NAME{ending}")
    stem = path.removesuffix(ending)
    return tuple(f"{stem}-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1))


def _read(path: str, *, keep_tokens: bool = False) -> tuple[os.stat_result, Fields]:
    """State and fields of one file."""
    with _open(path) as file:
        status = os.fstat(file.fileno())
        try:
            return status, _parse(file, status.st_size, keep_tokens=keep_tokens)
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


def _parse(file: BinaryIO, size: int, *, keep_tokens: bool) -> Fields:
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
            return parse(data, size, keep_tokens=keep_tokens)
        except (More, struct.error, OverflowError) as short:
            if len(data) < want:
                raise BadBytes(f"it ends within its header, after {len(data):,} bytes (truncated)") from short
            want *= 4


def _check_magic(data: bytes, size: int) -> None:
    if size == 0:
        raise BadBytes("it is empty")
    if data[:4] != b"GGUF":
        if data[:4] in {b"ggml", b"lmgg", b"tjgg", b"fmgg", b"algg"}:
            raise BadBytes("it is in the older GGML format, which llama.cpp no longer reads")
        if data[:8].startswith(b"version "):
            raise BadBytes("it is a Git LFS pointer, not the file itself (git lfs pull)")
        raise BadBytes(f"it begins with {data[:4]!r} instead of b'GGUF'")
    if size < 24:  # magic, version, two counts
        raise BadBytes(f"it ends within its header, after {size} bytes (truncated)")
    version = int.from_bytes(data[4:8], "little")
    if version not in _VERSIONS:
        if int.from_bytes(data[4:8], "big") in _VERSIONS:
            raise BadBytes("it is big-endian, made for another kind of machine")
        raise BadBytes(f"it has GGUF version {version}, and versions 2 and 3 are known")


def _check_kind(fields: Fields, purpose: Purpose) -> None:
    """Whether this is a file of the kind that is wanted."""
    kind = fields.text("general.type") or "model"
    architecture = fields.text("general.architecture")
    if purpose == "any":
        return
    if kind != ("adapter" if purpose == "adapter" else "model"):
        wanted = "an adapter" if purpose == "adapter" else "a model"
        raise BadBytes(f"it is not {wanted} but of the kind {kind!r}")
    if not architecture:
        raise BadBytes("it does not name its architecture")
    if purpose == "text" and architecture in ENCODERS:
        raise BadBytes(f"its architecture {architecture!r} makes embeddings and writes no text")
    if architecture in _NO_LANGUAGE:
        raise BadBytes(f"its architecture {architecture!r} is no language model")


def _check_whole(fields: Fields, purpose: Purpose) -> None:
    """Whether everything is there that a model needs."""
    if purpose == "adapter":
        check_kinds(fields)
    if purpose in {"adapter", "any"}:
        return
    if fields.text("tokenizer.ggml.model") in {None, "none", "no_vocab"} or not fields.vocabulary:
        raise BadBytes("it has no tokenizer")
    if not fields.layout:
        raise BadBytes("it holds a vocabulary and no weights")
    if "token_embd.weight" not in fields.layout:
        raise BadBytes("the tensor token_embd.weight is missing")
    check_numbers(fields)

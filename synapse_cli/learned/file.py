"""How is something learned kept on disk? One safetensors file: numbers as tensors, the rest as JSON in its header.

The form is https://github.com/huggingface/safetensors: eight bytes of length, a JSON header, raw numbers. Ours adds a
proof over all of it, so that a file with one flipped byte is refused. Nothing in it is ever executed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal, NamedTuple

from synapse_cli.core.errors import InputError
from synapse_cli.core.prompt import Json

SCHEMA = 1
"""Of the header's own words; a file of a newer one is not guessed at."""
Kind = Literal["policy", "student", "router", "scorer", "similarity"]
"""What was learned: whom to ask, a route's answers, which route, if an answer is good, if two prompts are one."""
Dtype = Literal["F32", "F16", "I32", "I8", "U8"]

_CODES: dict[str, tuple[str, int]] = {"F32": ("f", 4), "I32": ("i", 4), "I8": ("b", 1), "U8": ("B", 1), "F16": ("e", 2)}
"""Of `struct` and `memoryview.cast`; a half is read by numpy or `struct` only."""
_LONGEST_HEADER = 50_000_000
_PROOF = "sha256"
_BLANK = "0" * 64
"""Stands where the proof of the whole file goes: the SHA-256 of the file with this in its place."""


class Tensor(NamedTuple):
    """Numbers of one kind, row after row, little-endian."""

    dtype: Dtype
    shape: tuple[int, ...]
    data: bytes | memoryview

    @property
    def numbers(self) -> Sequence[float]:
        """The numbers, flat, without numpy; halves are not read this way."""
        if sys.byteorder == "big":
            import struct

            code, size = _CODES[self.dtype]
            return struct.unpack(f"<{len(self.data) // size}{code}", self.data)
        return memoryview(self.data).cast("B").cast(_CODES[self.dtype][0])  # type: ignore[call-overload, no-any-return]  # each code is one that cast knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A learned thing as it is kept."""

    kind: Kind
    about: Mapping[str, Json]
    """Everything that is no tensor; its words belong to the kind."""
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    sha256: str = ""
    """The proof: what names this very file in records; empty before it is written."""


def to_bytes(learned: Learned) -> bytes:
    """The file's bytes: equal things have equal bytes. Raises ValueError for a number that JSON cannot say."""
    offsets, places, at = {}, [], 0
    for name in sorted(learned.tensors):
        tensor = learned.tensors[name]
        size = prod(tensor.shape) * _CODES[tensor.dtype][1]
        if size != len(tensor.data):
            raise ValueError(f"{name}: {len(tensor.data)} bytes for {tensor.shape} of {tensor.dtype}")
        offsets[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [at, at + size]}
        places.append(bytes(tensor.data))
        at += size
    about = {"schema": SCHEMA, "kind": learned.kind, "about": dict(learned.about)}
    told = json.dumps(about, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    header = json.dumps({"__metadata__": {_PROOF: _BLANK, "synapse": told}, **offsets}, sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    blank = len(header).to_bytes(8, "little") + header + b"".join(places)
    return blank.replace(_BLANK.encode(), hashlib.sha256(blank).hexdigest().encode(), 1)


def write(path: str, learned: Learned) -> str:
    """Write the file whole or not at all, where a link leads to; return its proof. Raises OSError."""
    content, target = to_bytes(learned), os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        with open(target, "wb") as device:  # /dev/null, a named pipe: nothing to replace
            device.write(content)
        return from_bytes(content, path, learned.kind).sha256
    draft = f"{target}.{os.getpid()}.part"
    try:
        with open(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except BaseException:  # Ctrl-C too leaves no draft
        if os.path.exists(draft):
            os.unlink(draft)
        raise
    return from_bytes(content, path, learned.kind).sha256


def read(path: str, kind: Kind) -> Learned:
    """Read a file of this kind. Raises InputError for one that is missing, another's, damaged or newer."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        what = f"the {kind} {path} cannot be read: {error.strerror or error}"
        raise InputError(what, _HINTS[kind]) from error
    return from_bytes(content, path, kind)


def from_bytes(content: bytes, path: str, kind: Kind) -> Learned:
    """Read a file's bytes; `path` is for messages. Raises InputError."""
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 0 < size <= min(_LONGEST_HEADER, len(content) - 8):
        raise _damaged(path, kind, "it is no safetensors file")
    body = memoryview(content)[8 + size :]
    try:
        header = json.loads(content[8 : 8 + size])
        metadata = header.pop("__metadata__")
        proof, about = metadata[_PROOF], json.loads(metadata["synapse"])
        tensors = {name: _tensor(entry, body) for name, entry in header.items()}
        found, schema = about["kind"], about["schema"]
        blank = content.replace(proof.encode(), _BLANK.encode(), 1)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, kind, "it is none that Synapse wrote") from error
    if hashlib.sha256(blank).hexdigest() != proof:
        raise _damaged(path, kind, "its bytes are not those that were written")
    if schema > SCHEMA:
        raise InputError(f"the {kind} {path} was written by a newer Synapse", "upgrade, or make it anew")
    if found != kind:
        raise InputError(f"{path} is a {found}, not a {kind}", _HINTS[kind])
    return Learned(kind=kind, about=about["about"], tensors=tensors, sha256=proof)


def _tensor(entry: dict[str, Any], body: memoryview) -> Tensor:
    """One tensor of the header. Raises ValueError, KeyError or TypeError for what is none."""
    dtype, shape, (start, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    if prod(shape) * _CODES[dtype][1] != end - start or not 0 <= start <= end <= len(body):
        raise ValueError("a tensor that is not there")
    return Tensor(dtype, shape, body[start:end])


_HINTS: dict[Kind, str] = {
    "policy": "write one with synapse tune -o FILE",
    "student": "write one with synapse distill ROUTE -o FILE",
    "router": "it is made anew from the examples of the profile",
    "scorer": "write one with synapse tune -o FILE",
    "similarity": "write one with synapse cache calibrate PAIRS -o FILE",
}


def _damaged(path: str, kind: Kind, why: str) -> InputError:
    return InputError(f"the {kind} {os.path.basename(path) or path} cannot be used: {why}", _HINTS[kind])

"""How are vectors written down: JSON, JSON lines, NumPy's own format, or plain numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, get_args

from synapse_cli.cli.texts import Text
from synapse_cli.core.errors import UsageError
from synapse_cli.core.vectors import Vectors

Form = Literal["json", "jsonl", "npy", "plain"]
_BY_SUFFIX: dict[str, Form] = {".json": "json", ".jsonl": "jsonl", ".npy": "npy", ".txt": "plain", ".tsv": "plain"}


def chosen(asked: str | None, output: str | None, *, records: bool) -> Form:
    """The form that was asked for, else the one that the file's name says, else JSON lines for JSON lines."""
    if asked is None:
        suffix = os.path.splitext(output or "")[1].lower()
        return _BY_SUFFIX.get(suffix, "jsonl" if records else "json")
    for known in get_args(Form):
        if asked == known:
            found: Form = known
            return found
    raise UsageError(f"--format is one of {', '.join(get_args(Form))}, found {asked!r}", "for example --format npy")


def written(form: Form, texts: Sequence[Text], parts: Iterable[Vectors], model: str) -> Iterator[bytes]:
    """The bytes of all vectors, piece by piece as they are made."""
    match form:
        case "json":
            return _json(texts, parts, model)
        case "jsonl":
            return _jsonl(texts, parts)
        case "npy":
            return _npy(len(texts), parts)
        case "plain":
            return _plain(parts)


def _json(texts: Sequence[Text], parts: Iterable[Vectors], model: str) -> Iterator[bytes]:
    from synapse_cli.flows.encoding import joined

    """One object; nothing of it is written before there is something to write."""
    seen: list[Vectors] = []
    opening = f'{{"schema_version": 1, "model": {json.dumps(model)}, "count": {len(texts)}, "vectors": ['
    for part in parts:
        rows = ", ".join(_numbers(part, number) for number in range(len(part)))
        yield ((", " if seen else opening) + rows).encode()
        seen.append(part)
    if not seen:
        yield opening.encode()
    total = joined(seen)
    rest = {
        "dimension": total.dimension,
        "tokens": {"input": total.usage.input},
        "cost_usd": None if total.cost is None else f"{total.cost:f}",
        "warnings": list(total.warnings),
    }
    yield f"], {json.dumps(rest, ensure_ascii=False)[1:]}\n".encode()


def _jsonl(texts: Sequence[Text], parts: Iterable[Vectors]) -> Iterator[bytes]:
    """The objects that were given, each with its vector; or an object with the number and the text."""
    at = 0
    for part in parts:
        lines = []
        for number in range(len(part)):
            text = texts[at + number]
            record = text.record if text.record is not None else {"index": at + number, "text": text.text}
            kept = {key: value for key, value in record.items() if key != "vector"}
            opened = json.dumps(kept, ensure_ascii=False)[:-1]
            lines.append(f'{opened}{", " if kept else ""}"vector": {_numbers(part, number)}}}\n')
        at += len(part)
        yield "".join(lines).encode("utf-8", "replace")


def _npy(count: int, parts: Iterable[Vectors]) -> Iterator[bytes]:
    """NumPy's format, version 1.0: a header padded to 64 bytes, then the rows as they are packed."""
    opened = False
    for part in parts:
        if not opened:
            yield _npy_header(count, part.dimension)
            opened = True
        yield part.packed
    if not opened:
        yield _npy_header(0, 0)


def _npy_header(count: int, dimension: int) -> bytes:
    said = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {dimension}), }}"
    said += " " * (-(len(said) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(said).to_bytes(2, "little") + said.encode("ascii")


def _plain(parts: Iterable[Vectors]) -> Iterator[bytes]:
    for part in parts:
        yield "".join(_numbers(part, number, " ", "", "\n") for number in range(len(part))).encode()


def _numbers(part: Vectors, number: int, comma: str = ", ", first: str = "[", last: str = "]") -> str:
    """One vector; nine digits say a float32 exactly."""
    return first + comma.join(f"{value:.9g}" for value in part.row(number)) + last

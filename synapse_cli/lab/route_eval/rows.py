"""Which route should each prompt take? Labelled rows, one JSON object a line, gzip or plain.

    {"text": "where is my parcel", "route": "shipping"}

`prompt` stands for `text`, `intent` or `label` for `route`; "oos" marks what belongs to no route, and so does null.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from synapse_cli.core.errors import InputError
from synapse_cli.core.prompt import Json

OUT = "oos"
_TEXTS, _LABELS = ("text", "prompt"), ("route", "intent", "label")
_HINT = 'a row is {"text": "…", "route": "NAME"}; "oos" marks what belongs to no route'


@dataclass(frozen=True, slots=True)
class Labelled:
    """A prompt, and where it belongs."""

    text: str
    route: str
    """`OUT` where it belongs to no route."""
    line: int = 0


def read(path: str) -> tuple[Labelled, ...]:
    """The rows of a file; `-` is stdin. Raises InputError for what is missing, empty, or not as it should be."""
    found = tuple(_row(line, f"{path}, line {number}", number) for number, line in _lines(path))
    if not found:
        raise InputError(f"{path} holds no row", _HINT)
    return found


def _lines(path: str) -> Iterator[tuple[int, bytes]]:
    try:
        with sys.stdin.buffer if path == "-" else open(path, "rb") as file:
            content = file.read()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path} cannot be read: {why}", "name a file of rows, gzip or plain") from error
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            yield number, line


def _row(line: bytes, where: str, number: int) -> Labelled:
    try:
        told = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: found no JSON ({error})", _HINT) from error
    if not isinstance(told, dict):
        raise InputError(f"{where}: found {_kind(told)}, expected an object", _HINT)
    text = next((told[key] for key in _TEXTS if key in told), None)
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{where}: text: found {_kind(text)}, expected a text", _HINT)
    known = [key for key in _LABELS if key in told]
    if not known:
        raise InputError(f"{where}: route: found nothing, expected the name of a route", _HINT)
    label = told[known[0]]
    if label is not None and (not isinstance(label, str) or not label.strip()):
        raise InputError(f"{where}: {known[0]}: found {_kind(label)}, expected the name of a route", _HINT)
    return Labelled(text.strip(), OUT if label is None else label.strip(), number)


def _kind(value: Json) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "nothing"}
    return (
        ("a text" if value.strip() else "an empty text")
        if isinstance(value, str)
        else names.get(type(value), "a number")
    )

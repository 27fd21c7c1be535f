"""Put the prompts of a bench together: arguments, tables, text files and stdin.

Arguments are prompts. A table's rows are prompts, or, where they have only an input, inputs for each argument. A text
file is the input of each argument; without arguments it is a prompt. Piped stdin is the same: an input beside
arguments, else prompts, one a line or one JSON object a line.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from synapse_cli.context import reading
from synapse_cli.context.inputs import gather
from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.core.witness import Witness
from synapse_cli.lab.bench import rows
from synapse_cli.lab.bench.item import Item, told_apart

STDIN = "-"
_LARGEST = 200_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was typed and piped. `stdin` is None at a terminal."""

    words: Sequence[str]
    files: Sequence[str]
    stdin: bytes | None
    columns: Mapping[str, str]
    cwd: str
    encoding: str = "utf-8"


def prompts(given: Given) -> list[Item]:
    """Every item, in order; none where nothing was given. Raises InputError for what cannot be read."""
    files = [name for pattern in given.files for name in _expanded(pattern, given)]
    tables = [name for name in files if rows.is_table(name) or name == STDIN]
    texts = [name for name in files if name not in tables]
    found = [row for name in tables for row in _table(name, given)]
    attached = _texts(texts, given)
    piped = "" if STDIN in tables else _decoded(given.stdin or b"", "stdin", given.encoding).strip("\n")
    if given.words:
        attached = [part for part in (*attached, piped) if part]
    elif piped and not tables:
        found += _piped(piped, given)
    _check_columns(found, given.columns)
    items = _items(given.words, found, attached)
    empty = next((item for item in items if not item.text.strip()), None)
    if empty is not None:
        raise InputError(f"the prompt of {empty.where} is empty", "say something")
    return told_apart(items)


def _check_columns(found: Sequence[rows.Row], columns: Mapping[str, str]) -> None:
    """A column that was named and that no row has is a slip: without it nothing would be graded, say."""
    for name, column in columns.items():
        if found and all(getattr(row.item, name) in (None, "", ()) for row in found):
            raise UsageError(f"--column {name}={column}: no row has a {column!r}", "see the header of the table")


def _items(words: Sequence[str], found: Sequence[rows.Row], attached: Sequence[str]) -> list[Item]:
    whole = [row.item for row in found if row.has_prompt]
    inputs = [row for row in found if not row.has_prompt]
    if not words:
        bare = [replace(row.item, prompt=row.item.input, input="") for row in inputs]
        return [*whole, *bare, *(Item(prompt=text, where="a text file") for text in attached)]
    common = "\n\n".join(attached)
    if inputs:
        return [*whole, *(_under(row, word, common) for word in words for row in inputs)]
    named = [Item(prompt=word, input=common, where=f"argument {at}") for at, word in enumerate(words, 1)]
    return [*named, *whole]


def _under(row: rows.Row, prompt: str, common: str) -> Item:
    item = rows.with_prompt(row, prompt)
    return replace(item, input="\n\n".join(part for part in (common, item.input) if part))


def _table(name: str, given: Given) -> list[rows.Row]:
    if name == STDIN:
        return _piped(_decoded(given.stdin or b"", "stdin", given.encoding), given)
    text = _decoded(_bytes(name, given), name, given.encoding)
    return rows.read(text, name, given.columns, os.path.dirname(os.path.join(given.cwd, name)))


def _piped(text: str, given: Given) -> list[rows.Row]:
    """Rows of stdin: JSON where it begins like an object or a list, else a prompt a line."""
    if text.lstrip()[:1] == "{":
        return rows.read(text, "stdin.jsonl", given.columns, given.cwd)
    if text.lstrip()[:1] == "[":
        return rows.read(text, "stdin.json", given.columns, given.cwd)
    lines = [line for line in text.splitlines() if line.strip()]
    return [rows.Row(Item(prompt=line, where=f"stdin, line {at}"), True) for at, line in enumerate(lines, 1)]


def _texts(names: Sequence[str], given: Given) -> list[str]:
    """Text files, as `run` reads them: named and fenced beside a prompt, bare where they are prompts themselves."""
    if not names:
        return []
    if given.words:
        return [_gathered(names, given)]
    return [_decoded(_bytes(name, given), name, given.encoding).rstrip("\n") for name in names]


def _gathered(names: Sequence[str], given: Given) -> str:
    read = gather([], list(names), None, cwd=given.cwd, encoding=given.encoding, max_bytes=_LARGEST, witness=Witness())
    return read.attached


def _bytes(name: str, given: Given) -> bytes:
    try:
        return reading.read(os.path.join(given.cwd, os.path.expanduser(name)), name, _LARGEST)[0]
    except reading.TooLarge as error:
        raise InputError(f"{name} is larger than {_LARGEST // 1_000_000} MB", "bench a part of it") from error


def _expanded(pattern: str, given: Given) -> list[str]:
    """The files that a `-f` stands for: itself, or those that a glob matches."""
    if pattern == STDIN or os.path.lexists(os.path.join(given.cwd, pattern)) or not glob.has_magic(pattern):
        return [pattern]
    found = sorted(glob.glob(pattern, root_dir=given.cwd, recursive=True))
    if not found:
        raise InputError(f"no file matches {pattern!r}", f"looked in {given.cwd}")
    return found


def _decoded(data: bytes, name: str, encoding: str) -> str:
    try:
        return data.decode("utf-8-sig" if encoding.lower().replace("_", "-") == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not {encoding} (byte {error.start})", "name its --encoding") from error
    except LookupError as error:
        raise UsageError(f"there is no text encoding named {encoding!r}", "for example utf-8, latin-1") from error

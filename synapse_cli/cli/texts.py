"""Which texts did the user give: arguments, files and stdin, each as one, by lines, or a field of JSON lines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.core.prompt import Json

MOST_BYTES = 2_000_000_000
"""Of all that is given. What is embedded is many texts, not a prompt: the profile's cap is not meant for it."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text, and where it stands."""

    text: str
    file: str
    """As the user named it; `-` is stdin, empty an argument."""
    line: int | None = None
    record: dict[str, Json] | None = None
    """The JSON object that holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How files and stdin are read: whole, by lines, or as JSON lines with the text in a field."""

    lines: bool = False
    field: str | None = None
    encoding: str = "utf-8"


def read_texts(words: Sequence[str], files: Sequence[str], how: Reading, *, stdin_is_asked: bool = True) -> list[Text]:
    """Every text in order: arguments, files, and stdin where nothing else was given, or where `-` names it.

    Raises UsageError where nothing was given, InputError for what cannot be read.
    """
    from synapse_cli.context.reading import check_encoding

    check_encoding(how.encoding)
    texts: list[Text] = []
    for word in words:
        texts += _parts(_bytes("-"), "-", how) if word == "-" else [Text(_word(word), "")]
    for pattern in files:
        for name in _expanded(pattern):
            texts += _parts(_bytes(name), name, how)
    if not files and not words and stdin_is_asked:
        if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
            raise UsageError("there is no text", "give one as an argument, with -f FILE, or on stdin")
        texts += _parts(_bytes("-"), "-", how)
        if [text.text for text in texts] == [""]:
            raise UsageError("there is no text", "give one as an argument, with -f FILE, or on stdin")
    return texts


def _word(word: str) -> str:
    try:
        word.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError("an argument is not UTF-8", "pass the text through stdin, with --encoding") from None
    return word


def _expanded(pattern: str) -> list[str]:
    """The file itself, or the sorted files that a glob matches."""
    if pattern == "-" or os.path.lexists(pattern) or not any(letter in pattern for letter in "*?["):
        return [pattern]
    import glob

    found = sorted(name for name in glob.glob(pattern, recursive=True) if not os.path.isdir(name))
    if not found:
        raise InputError(f"no file matches {pattern!r}", f"looked in {os.getcwd()}")
    return found


def _bytes(name: str) -> bytes:
    from synapse_cli.context import reading

    try:
        if name == "-":
            return sys.stdin.buffer.read()
        return reading.read(name, name, MOST_BYTES)[0]
    except reading.TooLarge:
        raise InputError(f"{name} has more than {MOST_BYTES:,} bytes", "split it") from None
    except OSError as error:
        raise InputError(f"stdin cannot be read: {error.strerror}", "give a file with -f instead") from error


def _parts(data: bytes, name: str, how: Reading) -> Iterator[Text]:
    from synapse_cli.context import reading

    shown = "stdin" if name == "-" else name
    whole = reading.decode(data, shown, how.encoding)
    if not how.lines and how.field is None:
        yield Text(whole, name)
        return
    text = data.decode(how.encoding).removeprefix("\ufeff").replace("\r\n", "\n")
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), 1):
        if how.field is None:
            yield Text(line, name, number)
        elif line.strip():
            record = _record(line, f"{shown}, line {number}")
            yield Text(_field(record, how.field, f"{shown}, line {number}"), name, number, record)


def _record(line: str, where: str) -> dict[str, Json]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{where}, is not JSON: {error}", "one JSON object a line; for plain text use --lines"
        ) from error
    if not isinstance(record, dict):
        raise InputError(f"{where}, is no JSON object", "one JSON object a line; for plain text use --lines")
    return record


def _field(record: dict[str, Json], name: str, where: str) -> str:
    value = record.get(name)
    if isinstance(value, str):
        return value
    known = ", ".join(repr(key) for key, each in record.items() if isinstance(each, str)) or "none"
    raise InputError(f"{where}, has no text in {name!r}", f"fields that hold text: {known}; name one with --field")

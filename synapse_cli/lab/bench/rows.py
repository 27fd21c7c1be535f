"""Read prompts from tables: JSONL, JSON, CSV and TSV.

Columns: `prompt`, `input`, `expected`, `choices`, `schema`, `system`, `grade`; others are left alone.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.core.prompt import Json
from synapse_cli.lab.bench import grade
from synapse_cli.lab.bench.item import Item

COLUMNS = ("prompt", "input", "expected", "choices", "schema", "system", "grade")
ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
_LONGEST_FIELD = 10_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """An item in the making: its prompt may still come from the command line."""

    item: Item
    has_prompt: bool


def is_table(name: str) -> bool:
    """Whether a file holds rows, by its ending."""
    return name.lower().endswith(ENDINGS)


def read(text: str, name: str, columns: Mapping[str, str], folder: str) -> list[Row]:
    """The rows of a text. `columns` says which column is which; schemas are files of `folder`. Raises InputError."""
    rows = [_row(values, f"{name}, row {at}", columns, folder) for at, values in enumerate(_values(text, name), 1)]
    if not rows:
        raise InputError(f"{name} holds no rows", "one JSON object a line, or a CSV with a header line")
    return rows


def with_prompt(row: Row, prompt: str) -> Item:
    """The row under a prompt of the command line."""
    return replace(row.item, prompt=prompt)


def _values(text: str, name: str) -> Iterator[dict[str, Json]]:
    ending = os.path.splitext(name.lower())[1]
    if ending in {".csv", ".tsv"}:
        return _from_csv(text, name, "\t" if ending == ".tsv" else ",")
    return _from_json(text, name) if ending == ".json" else _from_lines(text, name)


def _from_csv(text: str, name: str, delimiter: str) -> Iterator[dict[str, Json]]:
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for values in reader:
            if None in values:
                raise InputError(f"{name}, line {reader.line_num}: more fields than the header has", "quote commas")
            yield {key: value for key, value in values.items() if value}
    except csv.Error as error:
        raise InputError(f"{name}, line {reader.line_num}: {error}", "the first line names the columns") from error


def _from_json(text: str, name: str) -> Iterator[dict[str, Json]]:
    value = _parsed(text, name)
    for at, each in enumerate(value if isinstance(value, list) else [value], 1):
        yield _as_row(each, f"{name}, row {at}")


def _from_lines(text: str, name: str) -> Iterator[dict[str, Json]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _as_row(_parsed(line, f"{name}, line {number}"), f"{name}, line {number}")


def _parsed(text: str, where: str) -> Json:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON: {error}", 'for example {"prompt": "2 + 2", "expected": "4"}') from error
    return value


def _as_row(value: Json, where: str) -> dict[str, Json]:
    if isinstance(value, str):
        return {"prompt": value}
    if not isinstance(value, dict):
        raise InputError(f"{where} is no object", 'for example {"prompt": "2 + 2", "expected": "4"}')
    return {key: each for key, each in value.items() if each is not None}


def _row(values: Mapping[str, Json], where: str, columns: Mapping[str, str], folder: str) -> Row:
    known = {name: values.get(columns.get(name, name)) for name in COLUMNS}
    if known["prompt"] is None and known["input"] is None:
        found = ", ".join(values) or "none"
        hint = f"columns found: {found}; name them with --column prompt=NAME"
        raise InputError(f"{where} has neither a prompt nor an input", hint)
    schema = _schema(known["schema"], where, folder)
    rule = known["grade"]
    item = Item(
        prompt=_text(known["prompt"]),
        input=_text(known["input"]),
        expected=known["expected"],
        choices=_choices(known["choices"], where),
        schema=schema,
        system=None if known["system"] is None else _text(known["system"]),
        grade=None if rule is None else _grade(_text(rule), where),
        where=where,
    )
    if item.choices and schema is not None:
        raise InputError(f"{where} has choices and a schema", "an answer is bound by one of them")
    return Row(item, known["prompt"] is not None)


def _grade(text: str, where: str) -> grade.Grade:
    """A row's own rule; a program to be run is named by the user alone, since tables come from anywhere."""
    try:
        rule = grade.parse(text, where)
    except UsageError as error:
        raise InputError(error.message, error.hint) from error
    if rule.kind == "command":
        raise InputError(f"{where}: a table may not name a program to run", "name it yourself: --grade command=PROGRAM")
    if rule.kind == "judge":
        raise InputError(f"{where}: a table may not name a model to pay", "name it yourself: --judge MODEL")
    return rule


def _choices(value: Json, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str) and value.strip().startswith("["):
        value = _parsed(value, where)
    listed = value if isinstance(value, list) else _text(value).split("|" if "|" in _text(value) else ",")
    labels = tuple(dict.fromkeys(_text(label).strip() for label in listed if _text(label).strip()))
    if len(labels) < 2:
        raise InputError(f"{where}: choices need two labels or more", "for example yes,no")
    return labels


def _schema(value: Json, where: str, folder: str) -> Json:
    """An object, its JSON text, or the name of a file beside the table."""
    if value is None:
        return None
    if isinstance(value, str):
        value = _parsed(value if value.lstrip().startswith("{") else _file(value, where, folder), where)
    from synapse_cli.checks.schema import fault

    problem = fault(value)
    if problem:
        raise InputError(f"{where}: the schema is no JSON Schema: {problem}", "see https://json-schema.org")
    return value


def _file(name: str, where: str, folder: str) -> str:
    path = os.path.join(folder, os.path.expanduser(name))
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{where}: the schema {path!r} cannot be read: {error}", "name a JSON file") from error


def _text(value: Json) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)

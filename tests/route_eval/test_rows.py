"""Labelled rows as they are read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from synapse_cli.core.errors import InputError
from synapse_cli.lab.route_eval.rows import OUT, read


def _written(folder: Path, *rows: object, name: str = "rows.jsonl") -> str:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_each_word_for_text_and_route_is_read(tmp_path: Path) -> None:
    rows = read(
        _written(
            tmp_path,
            {"text": " hello ", "route": "greeting"},
            {"prompt": "bye", "intent": "parting", "split": "test"},
            {"text": "?", "label": None},
            {"text": "!", "intent": "oos"},
        )
    )

    assert [(row.text, row.route, row.line) for row in rows] == [
        ("hello", "greeting", 1),
        ("bye", "parting", 2),
        ("?", OUT, 3),
        ("!", OUT, 4),
    ]


def test_gzip_and_plain_read_alike(tmp_path: Path) -> None:
    plain = _written(tmp_path, {"text": "a", "route": "b"})
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(Path(plain).read_bytes()))

    assert read(str(packed)) == read(plain)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": 3, "route": "a"}, "text: found a number, expected a text"),
        ({"text": "  ", "route": "a"}, "text: found an empty text"),
        ({"route": "a"}, "text: found nothing"),
        ({"text": "hello"}, "route: found nothing, expected the name of a route"),
        ({"text": "hello", "intent": ["a"]}, "intent: found a list"),
        (["hello"], "found a list, expected an object"),
    ],
)
def test_a_wrong_row_names_file_line_and_key(tmp_path: Path, row: object, said: str) -> None:
    path = _written(tmp_path, {"text": "fine", "route": "a"}, row)

    with pytest.raises(InputError) as caught:
        read(path)

    assert f"{path}, line 2: " in caught.value.message
    assert said in caught.value.message


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x1f\x8bbroken", b"{", b"\xff\xfe"])
def test_what_is_no_table_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_bytes(content)

    with pytest.raises(InputError, match=r"odd\.jsonl"):
        read(str(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nosuch\.jsonl cannot be read"):
        read(str(tmp_path / "nosuch.jsonl"))

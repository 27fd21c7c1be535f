"""A table of outcomes is read as it stands, and what is wrong with it is named by file and line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from synapse_cli.core.errors import InputError
from synapse_cli.lab import outcomes
from tests.tune import made

GOOD = {
    "id": "a",
    "task": "t",
    "prompt": "p",
    "outcomes": {"m": {"score": 1, "cost": 0.5}, "n": {"score": 0, "cost": 0}},
}


def test_a_table_comes_back_from_its_file_packed_or_not(tmp_path: Path) -> None:
    table = made.table(20)
    plain = made.written(tmp_path, table)
    packed = tmp_path / "made.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    assert outcomes.read(str(plain)).rows == table.rows
    assert outcomes.read(str(packed)).rows == table.rows
    assert outcomes.read(str(plain)).models == ("small", "other", "large")


def test_the_hash_of_a_table_is_that_of_its_rows_in_any_order() -> None:
    table = made.table(30)

    assert made.turned(table).sha256 == table.sha256
    assert made.table(30, seed=1).sha256 != table.sha256


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outcomes": {"m": {"score": 1.5, "cost": 0}}}, "outcomes.m.score: found 1.5, expected a number, 0 to 1"),
        ({"outcomes": {"m": {"score": "good", "cost": 0}}}, 'outcomes.m.score: found "good"'),
        ({"outcomes": {"m": {"score": 1, "cost": -0.1}}}, "outcomes.m.cost: found -0.1, expected a number, 0 or more"),
        ({"outcomes": {"m": {"score": 1}}}, "outcomes.m.cost: found nothing"),
        ({"outcomes": {"m": {"cost": 1}}}, "outcomes.m.score: found nothing"),
        ({"outcomes": {"m": 1}}, "outcomes.m: found a number, expected an object"),
        ({"outcomes": {}}, "outcomes: found an empty object"),
        ({"outcomes": {"m": {"score": 1, "cost": 1}}}, "outcomes: found none of 'n', which line 1 has"),
        ({"prompt": None}, "prompt: found nothing, expected a text"),
        ({"task": 7}, "task: found a number, expected a text"),
        ({"id": "a"}, "id: found 'a' again, after line 1"),
    ],
)
def test_a_row_that_is_wrong_is_named_by_file_and_line(change: dict[str, object], said: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps(GOOD) + "\n\n" + json.dumps({**GOOD, "id": "b", **change}) + "\n")

    with pytest.raises(InputError) as raised:
        outcomes.read(str(path))

    assert raised.value.message.startswith(f"{path}, line 3: {said}")


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe", b'{"id": NaN'])
def test_what_is_no_json_object_is_named_by_file_and_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)

    with pytest.raises(InputError, match=r"bad\.jsonl, line 1"):
        outcomes.read(str(path))


@pytest.mark.parametrize("content", [b"", b"\n\n", gzip.compress(b"x" * 999)[:-12]])
def test_an_empty_or_cut_table_is_an_error_of_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)

    with pytest.raises(InputError, match=r"bad\.jsonl") as raised:
        outcomes.read(str(path))

    assert "\n" not in raised.value.message


def test_recorded_rows_that_lack_a_model_are_left_out_and_counted() -> None:
    rows = [made.told(row) for row in made.table(10).rows]
    for row in rows[:3]:
        del row["outcomes"]["large"]  # type: ignore[attr-defined]  # it is a table
    rows[4]["outcomes"]["rare"] = {"score": 1, "cost": 1}  # type: ignore[index]  # as above

    table, left_out = outcomes.complete(rows, "the ledger")  # type: ignore[arg-type]  # JSON as objects

    assert (len(table.rows), left_out) == (7, 3)
    assert table.models == ("small", "other", "large")
    with pytest.raises(InputError, match="two models"):
        outcomes.complete([{**rows[0], "outcomes": {"m": {"score": 1, "cost": 0}}}], "the ledger")  # type: ignore[dict-item]  # as above

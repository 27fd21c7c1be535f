"""Prompts from arguments, tables, text files and stdin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synapse_cli.core.errors import InputError, SynapseError, UsageError
from synapse_cli.lab.bench.item import Item
from synapse_cli.lab.bench.prompts import Given, prompts


def _read(
    folder: Path, *words: str, files: tuple[str, ...] = (), stdin: str | None = None, **columns: str
) -> list[Item]:
    piped = None if stdin is None else stdin.encode()
    return prompts(Given(words=words, files=files, stdin=piped, columns=columns, cwd=str(folder)))


def test_each_argument_is_a_prompt(tmp_path: Path) -> None:
    assert [item.text for item in _read(tmp_path, "one", "two words")] == ["one", "two words"]


def test_what_is_piped_beside_arguments_is_the_input_of_each(tmp_path: Path) -> None:
    found = _read(tmp_path, "Summarise", "Translate", stdin="a text\n")

    assert [item.text for item in found] == ["Summarise\n\na text", "Translate\n\na text"]


def test_piped_lines_are_prompts_and_piped_objects_are_rows(tmp_path: Path) -> None:
    lines = _read(tmp_path, stdin="one\n\ntwo\n")
    rows = _read(tmp_path, stdin='{"prompt": "one", "expected": 1}\n{"prompt": "two"}\n')
    listed = _read(tmp_path, stdin='["one", {"prompt": "two"}]')

    assert [item.prompt for item in lines] == [item.prompt for item in rows] == [item.prompt for item in listed]
    assert rows[0].expected == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", 'prompt,expected,choices\n"yes, or no?",yes,yes|no\n'),
        ("t.tsv", "prompt\texpected\tchoices\nyes, or no?\tyes\tyes,no\n"),
        ("t.jsonl", '\n{"prompt": "yes, or no?", "expected": "yes", "choices": ["yes", "no"]}\n\n'),
        ("t.json", '[{"prompt": "yes, or no?", "expected": "yes", "choices": "yes|no"}]'),
    ],
)
def test_tables_of_every_kind_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text("\ufeff" + text, encoding="utf-8")

    (item,) = _read(tmp_path, files=(name,))

    assert (item.prompt, item.expected, item.choices) == ("yes, or no?", "yes", ("yes", "no"))


def test_a_table_of_inputs_is_asked_each_argument(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("input,expected\nred,colour\ntwo,number\n")

    found = _read(tmp_path, "What is it?", "Which kind?", files=("t.csv",))

    assert [item.text for item in found] == [
        "What is it?\n\nred",
        "What is it?\n\ntwo",
        "Which kind?\n\nred",
        "Which kind?\n\ntwo",
    ]
    assert [item.expected for item in found] == ["colour", "number"] * 2


def test_columns_of_other_names_are_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("question,label\nred?,colour\n")

    (item,) = _read(tmp_path, files=("t.csv",), prompt="question", expected="label")

    assert (item.prompt, item.expected) == ("red?", "colour")


def test_a_text_file_is_fenced_beside_a_prompt_and_bare_without_one(tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("All is ```well```.\n")

    (beside,) = _read(tmp_path, "Summarise", files=("report.md",))
    (alone,) = _read(tmp_path, files=("report.md",))

    assert beside.text == "Summarise\n\nFile: report.md\n````\nAll is ```well```.\n````"
    assert alone.text == "All is ```well```."


def test_a_glob_is_every_file_that_it_matches(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt"):
        (tmp_path / name).write_text(name)

    assert [item.text for item in _read(tmp_path, files=("*.txt",))] == ["a.txt", "b.txt"]


def test_a_schema_stands_in_the_row_or_in_a_file_beside_the_table(tmp_path: Path) -> None:
    schema = {"type": "object"}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "s.json").write_text(json.dumps(schema))
    rows = [
        {"prompt": "a", "schema": schema},
        {"prompt": "b", "schema": json.dumps(schema)},
        {"prompt": "c", "schema": "s.json"},
    ]
    (tmp_path / "in" / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))

    assert [item.schema for item in _read(tmp_path, files=("in/t.jsonl",))] == [schema] * 3


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.jsonl", '{"prompt": "a"}\n{"prompt": \n', "t.jsonl, line 2 is not JSON"),
        ("t.jsonl", "17\n", "t.jsonl, line 1 is no object"),
        ("t.jsonl", '{"question": "a"}\n', "has neither a prompt nor an input"),
        ("t.jsonl", "", "holds no rows"),
        ("t.csv", "prompt,expected\na,b,c\n", "more fields than the header"),
        ("t.csv", 'prompt\n"open\n', "t.csv, line"),
        ("t.csv", "prompt,grade\na,exat\n", "there is no grade 'exat'"),
        ("t.csv", "prompt,choices\na,only\n", "choices need two labels"),
        ("t.csv", "prompt,schema\na,none.json\n", "cannot be read"),
        ("t.jsonl", '{"prompt": "a", "schema": {"type": 7}}\n', "no JSON Schema"),
        ("t.jsonl", '{"prompt": "a", "schema": {}, "choices": ["a", "b"]}\n', "choices and a schema"),
        ("t.csv", "prompt,input\n , \n", "is empty"),
        ("empty.txt", "", "is empty"),
        ("none.csv", None, "cannot read none.csv"),
        ("t.csv", b"prompt\n\xff\n", "is not utf-8"),
    ],
)
def test_a_table_that_is_wrong_is_said_with_its_place(
    tmp_path: Path, name: str, text: str | bytes | None, said: str
) -> None:
    if text is not None:
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)

    with pytest.raises(SynapseError) as raised:
        _read(tmp_path, files=(name,))

    assert said in raised.value.message
    assert isinstance(raised.value, InputError)


def test_what_the_model_is_not_told_does_not_make_another_item(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("prompt,expected\na,b\n")
    (tmp_path / "two.csv").write_text("prompt,expected,note\na,c,looked at\n")

    (one,), (two,) = _read(tmp_path, files=("one.csv",)), _read(tmp_path, files=("two.csv",))

    assert one.key == two.key


def test_a_named_column_that_no_row_has_is_a_slip(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("prompt,label\na,b\n")
    (tmp_path / "two.csv").write_text("prompt,note\nc,d\n")

    assert len(_read(tmp_path, files=("one.csv", "two.csv"), expected="label")) == 2
    with pytest.raises(UsageError, match="no row has a 'lable'"):
        _read(tmp_path, files=("one.csv", "two.csv"), expected="lable")

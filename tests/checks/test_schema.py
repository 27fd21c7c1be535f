import json
import time

import pytest

from synapse_cli.checks import schema as schemas
from synapse_cli.core.control import Control
from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Message, Request

TICKET = {
    "type": "object",
    "properties": {"label": {"enum": ["bug", "billing"]}, "urgent": {"type": "boolean"}},
    "required": ["label"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("answer", "passed"),
    [
        ('{"label": "bug"}', True),
        ('{"label": "bug", "urgent": 1}', False),
        ("{}", False),
        ('{"label": "x"}', False),
        ("no", False),
    ],
)
def test_an_answer_is_held_to_the_inline_schema(judge, answer, passed):
    assert judge("schema", {"inline": TICKET}, answer).passed is passed


def test_the_reason_says_where_and_what(judge):
    reason = judge("schema", {"inline": TICKET}, '{"label": "bug", "urgent": "yes"}').reason

    assert reason == "$.urgent: 'yes' is not of type 'boolean'"


def test_a_fence_around_the_answer_is_taken_off_in_what_is_printed(judge):
    assert judge("schema", {"inline": TICKET}, '```json\n{"label": "bug"}\n```').canonical == '{"label": "bug"}'


def test_the_file_is_found_beside_the_profile_that_names_it(judge, parse, tmp_path):
    (tmp_path / "ticket.json").write_text(json.dumps(TICKET))
    file = str(tmp_path / "synapse.toml")

    assert judge("schema", {"file": "ticket.json"}, '{"label": "bug"}', file=file).passed
    assert parse("schema", {"file": "ticket.json"}, file)[0].files == (str(tmp_path / "ticket.json"),)


def test_the_schema_of_the_request_counts_where_the_rule_has_none(judge):
    assert judge("schema", {}, "3", schema='{"type": "integer"}').passed
    assert not judge("schema", {}, '"3"', schema='{"type": "integer"}').passed


def test_a_rule_without_a_schema_anywhere_is_an_error_of_the_command_line():
    with pytest.raises(UsageError, match="no schema"):
        schemas.Schema().ready(Request(messages=(Message("user", "?"),)))


WRONG = [
    {"type": "objekt"},
    {"properties": []},
    {"type": "string", "minLength": -1},
    {"required": "label"},
    {"$ref": "#/$defs/nowhere"},
    {"$ref": "https://example.invalid/schema.json"},
    {"properties": {"a": {"$ref": "other.json#/x"}}},
    {"pattern": "("},
]


@pytest.mark.parametrize("schema", WRONG)
def test_a_wrong_schema_is_a_problem_before_any_answer(parse, schema):
    _, problems = parse("schema", {"inline": schema})

    assert [problem.where for problem in problems] == ["cascades.c.accept[0].inline"]


@pytest.mark.parametrize(
    "schema",
    [
        {},
        True,
        {"$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"},
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"x": {}}, "$ref": "#/definitions/x"},
    ],
)
def test_a_right_schema_has_no_fault(schema):
    assert schemas.fault(schema) is None


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"\xff\xfe", b"null", b"3", b"[" * 100_000, b"{}" + b" " * 1_000_001]
)
def test_a_schema_file_that_is_no_use_is_one_problem(parse, tmp_path, content):
    if content is not None:
        (tmp_path / "s.json").write_bytes(content)

    _, problems = parse("schema", {"file": "s.json"}, str(tmp_path / "synapse.toml"))

    assert len(problems) == 1
    assert problems[0].where.endswith(".file")


@pytest.mark.parametrize("options", [{"file": "a.json", "inline": {}}, {"inline": "text"}, {"file": 3}])
def test_two_schemas_or_something_else_is_a_problem(parse, options):
    _, problems = parse("schema", options)

    assert problems


def test_a_folder_as_schema_file_is_a_problem(parse, tmp_path):
    assert parse("schema", {"file": "."}, str(tmp_path / "synapse.toml"))[1]


def test_a_pattern_without_end_is_killed_and_does_not_pass(judge):
    control = Control(time.monotonic() + 1.0)

    verdict = judge("schema", {"inline": {"pattern": "(a+)+$"}}, json.dumps("a" * 40 + "!"), control=control)

    assert (verdict.passed, verdict.evaluated) == (False, False)


def test_a_pattern_that_might_have_no_end_is_judged_right_in_the_child(judge):
    options = {"inline": {"pattern": r"^(?:\w+ ?)+$"}}

    assert judge("schema", options, json.dumps("many small words in a row")).passed
    assert judge("schema", options, json.dumps("not this!")).reason.startswith("$: 'not this!' does not match")


def test_the_child_imports_nothing_from_the_working_folder(judge, tmp_path, monkeypatch):
    for name in ("json", "jsonschema", "synapse_cli"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'trap')!r}, 'w')\nraise SystemExit(9)\n")
    monkeypatch.chdir(tmp_path)

    assert judge("schema", {"inline": {"pattern": r"^(?:\w+ ?)+$"}}, json.dumps("many small words in a row")).passed
    assert not (tmp_path / "trap").exists()


def test_a_deep_value_under_a_recursive_schema_does_not_end_in_a_traceback(judge):
    nest = {"$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}

    verdict = judge("schema", {"inline": nest}, "[" * 900 + "]" * 900)

    assert "\n" not in verdict.reason


def test_a_long_value_does_not_make_a_long_reason(judge):
    assert len(judge("schema", {"inline": {"type": "integer"}}, json.dumps("x" * 10_000)).reason) <= 200

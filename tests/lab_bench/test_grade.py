"""What is a right answer? One rule a kind, and each says what it needs."""

from __future__ import annotations

import sys

import pytest

from synapse_cli.core.control import Control
from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Json
from synapse_cli.lab.bench import grade
from synapse_cli.lab.bench.grade import Question

PERSON: Json = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


def _score(rule: str, answer: str, expected: Json = None, **more: object) -> float | None:
    question = Question(expected=expected, **more)  # type: ignore[arg-type]
    return grade.score(grade.parse(rule), question, answer, Control())


@pytest.mark.parametrize(
    ("rule", "answer", "expected", "right"),
    [
        ("exact", " Paris\n", "Paris", True),
        ("exact", "paris", "Paris", False),
        ("exact", "Lyon", ["Paris", "Lyon"], True),
        ("contains", "It is PARIS, of course", "Paris", True),
        ("contains", "It is Lyon", "Paris", False),
        ("choices", "'Positive'.", "positive", True),
        ("choices", "rather positive", "positive", False),
        ("regex=^\\d+$", "42", None, True),
        ("regex=^\\d+$", "It is 42", None, False),
        ("regex", "order 17-B", "\\d+-[A-Z]", True),
        ("json", '{"b": [1, 2.0], "a": true}', '{"a": true, "b": [1.0, 2]}', True),
        ("json", '```json\n{"a": 1}\n```', {"a": 1}, True),
        ("json", '{"a": 1}', {"a": True}, False),
        ("json", "[1, 2]", [2, 1], False),
        ("json", "no JSON at all", {"a": 1}, False),
        ("json", "[]", None, True),
    ],
)
def test_an_answer_is_right_or_wrong(rule: str, answer: str, expected: Json, right: bool) -> None:
    assert _score(rule, answer, expected) == float(right)


@pytest.mark.parametrize(
    ("rule", "answer", "expected", "right"),
    [
        ("number", "17 + 25 = 42.", "42", True),
        ("number", "about 1,234.5 in all", 1234.5, True),
        ("number", "1 234", "1234", False),  # a space may as well part two numbers
        ("number", "\N{MINUS SIGN}3", -3, True),
        ("number", "6.02e23", "6.02e23", True),
        ("number", "first 42, then 43", 42, False),  # the result stands last
        ("number", "no number", 42, False),
        ("number=0.5", "41.6", 42, True),
        ("number=0.5", "41.4", 42, False),
        ("number=1%", "99.2", 100, True),
        ("number=1%", "98.9", 100, False),
        ("number", "0.1", "0.10", True),
    ],
)
def test_the_last_number_is_the_answer(rule: str, answer: str, expected: Json, right: bool) -> None:
    assert _score(rule, answer, expected) == float(right)


def test_a_schema_is_the_rows_own() -> None:
    assert _score("schema", '{"age": 3}', schema=PERSON) == 1.0
    assert _score("schema", '{"age": "three"}', schema=PERSON) == 0.0


def test_a_program_reads_the_answer_and_is_given_what_is_expected_as_one_word() -> None:
    program = "import sys; sys.exit(sys.stdin.read().strip() != sys.argv[1])"
    rule = f'command={sys.executable} -c "{program}" {{expected}}'

    assert _score(rule, "two words; $HOME", "two words; $HOME") == 1.0
    assert _score(rule, "other words", "two words; $HOME") == 0.0


def test_a_program_that_is_not_there_gives_no_score() -> None:
    assert _score("command=/no/such/program", "an answer", "x") is None


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        (Question(expected="a", choices=("a", "b")), "choices"),
        (Question(expected="a"), "exact"),
        (Question(expected=["a", "b"]), "exact"),
        (Question(expected=3), "number"),
        (Question(expected={"a": 1}), "json"),
        (Question(schema=PERSON), "schema"),
    ],
)
def test_an_expected_answer_speaks_for_itself(question: Question, kind: str) -> None:
    implied = grade.implied(question)

    assert implied is not None
    assert implied.kind == kind
    assert grade.lacks(implied, question) is None


def test_nothing_expected_is_nothing_graded() -> None:
    assert grade.implied(Question()) is None


@pytest.mark.parametrize("rule", ["exact", "contains", "number", "choices", "regex", "schema"])
def test_a_rule_says_what_it_lacks(rule: str) -> None:
    assert grade.lacks(grade.parse(rule), Question())


@pytest.mark.parametrize("expected", ["(", 7, ["a", "b"], None])
def test_a_pattern_in_the_expected_column_is_checked_before_anybody_is_asked(expected: Json) -> None:
    assert grade.lacks(grade.parse("regex"), Question(expected=expected))


@pytest.mark.parametrize(
    "rule", ["exat", "exact=x", "number=much", "number=-1", "number=nan", "regex=(", "command", "command='open"]
)
def test_a_rule_that_is_wrong_is_a_usage_error(rule: str) -> None:
    with pytest.raises(UsageError):
        grade.parse(rule)

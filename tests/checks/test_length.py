import pytest

from synapse_cli.core.completion import Usage


@pytest.mark.parametrize(
    ("options", "answer", "passed"),
    [
        ({"min": 3}, "abc", True),
        ({"min": 3}, "ab ", False),
        ({"max": 3}, " abc\n", True),
        ({"max": 3}, "abcd", False),
        ({"min": 1, "max": 2, "unit": "words"}, "one two", True),
        ({"min": 1, "max": 2, "unit": "words"}, "one two three", False),
        ({"min": 1, "unit": "words"}, " \n", False),
        ({"max": 0}, "", True),
    ],
)
def test_chars_and_words_are_counted_without_the_space_around(judge, options, answer, passed):
    assert judge("length", options, answer).passed is passed


def test_tokens_are_those_of_the_answer_without_its_reasoning(judge):
    verdict = judge("length", {"max": 5, "unit": "tokens"}, "x", usage=Usage(9, 25, reasoning=20))

    assert (verdict.passed, verdict.score) == (True, 5.0)


def test_an_unknown_number_of_tokens_does_not_pass(judge):
    verdict = judge("length", {"max": 5, "unit": "tokens"}, "x", usage=Usage(9, None))

    assert (verdict.passed, verdict.evaluated) == (False, False)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({}, "min"),
        ({"min": 5, "max": 4}, "min"),
        ({"min": -1}, "min"),
        ({"max": 1, "unit": "bytes"}, "unit"),
        ({"max": 1.5}, "max"),
    ],
)
def test_bounds_that_make_no_sense_are_a_problem(parse, options, key):
    _, problems = parse("length", options)

    assert [problem.where.rpartition(".")[2] for problem in problems] == [key]

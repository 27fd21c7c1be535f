"""Two answers are the same, or not, whatever dress they wear."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.learned.arithmetic import value
from synapse_cli.learned.normalised import FORMS, normal, same

SAME = [
    ("1/2", "0.5", "\\frac{1}{2}", "\\\\frac{1}{2}", "½", "$\\dfrac12$", "\\boxed{\\frac{1}{2}}", ".5"),
    ("1,000", "1000", "1 000", "1e3", "1000.0", "The answer is 1,000.", "#### 1000", "**1000**"),
    ("$43,200", "43200 dollars", "\\$43{,}200".replace("{,}", ",")),
    ("50%", "50 \\%", "50 percent", "50"),
    ("5 cm", "5", "5\\text{ cm}"),
    ("90^\\circ", "90 degrees", "90°"),
    ("7 + 2*sqrt(2)", "7+2\\sqrt{2}", "7 + 2√2", "2\\sqrt{2} + 7"),
    ("10²", "100", "10^2", "10^{2}"),
    ("x = 5", "5", '{"reasoning": "x", "answer": "5"}', "We get\n\nx = 5."),
    ("1\\frac{1}{2}", "1 1/2", "1.5"),
    ("2, -2", "-2 and 2", "-2,2", "{-2, 2}"),
    ("Paris", "the Paris", "PARIS.", "**Paris**", "The answer is: Paris", "\uff30aris", "Pa\u200bris"),
    ("x^2+2x+1", "x² + 2 x + 1", "x^{2}+2x+1"),
    ("12 + 18 = 30", "30"),
    ("€2.5 million", "2,500,000 euros", "2.5 Million"),
    ("twelve", "12", "The answer is twelve."),
]
"""In each line all are one answer."""
DIFFERENT = [
    ("10²", "102"),
    ("9n", "9"),
    ("5 cm", "5 m"),
    ("(1, 2)", "(2, 1)"),
    ("2*3", "23"),
    ("-1", "1"),
    ("1/3", "0.333"),
    ("112102_3", "112102"),
    ("Paris", "London"),
    ("70 cents", "$70"),
    ("1 + i", "1"),
    ("2021-03-04", "2014"),
    ("10-20", "-10"),
    ("5 million", "5"),
    ("1/2/2020", "1/4040"),
    ("192.168.0.1", "192.168.01"),
]
NOTHING = [
    "",
    " \n",
    "None",
    "null",
    "N/A",
    "I don't know.",
    "I\u2019m not sure",
    "Unknown",
    "I cannot determine it.",
    "---",
    "?",
]


@pytest.mark.parametrize("answers", SAME, ids=[line[0] for line in SAME])
def test_one_answer_in_many_dresses_is_the_same(answers):
    assert [(a, b) for a in answers for b in answers if not same(a, b)] == []


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_different_answers_stay_different_however_alike_they_look(left, right):
    assert not same(left, right)


@pytest.mark.parametrize("text", NOTHING)
def test_what_says_nothing_is_not_even_the_same_as_itself(text):
    """Two models that both gave up must not count as two that agree."""
    assert not same(text, text)
    assert not same(text, text, "text") or text == "---"


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "b"),
        ("The answer is (B).", "b"),
        ("**B)** because it is", "b"),
        ("b. Paris", "b"),
        ("Long talk of A and C.\nAnswer: B", "b"),
        ("Yes, it is.", "yes"),
    ],
)
def test_a_choice_without_labels_is_a_letter_or_yes_or_no(text, letter):
    assert normal(text, "choice") == (f"={letter}", "")


@pytest.mark.parametrize("text", ["I think so", "A or B", "", "Perhaps"])
def test_what_chooses_nothing_is_no_choice(text):
    assert normal(text, "choice") is None


def test_a_choice_among_labels_is_the_one_that_is_named_alone():
    labels = ("bug", "feature request", "request")

    assert same("Bug.", "It is a **bug**", "choice", labels)
    assert same("FEATURE REQUEST", "The label is: feature request.", "choice", labels)
    assert normal("bug or request", "choice", labels) is None
    assert normal("debugging", "choice", labels) is None


def test_json_is_compared_as_a_value():
    assert same('{"a": 1, "b": [2.0]}', '```json\n{"b":[2],"a":1.0}\n```', "json")
    assert not same('{"a": 1}', '{"a": true}', "json")
    assert not same("{}", "{}", "json")
    assert not same("{", "{", "json")


def test_code_is_compared_without_comments_and_layout():
    assert same("def f( x ):\n    # why\n    return (x)", "```python\ndef f(x): return x\n```", "code")
    assert same("int f() { return 1; } // one", "int f()\n{\n  return 1; /* 1 */\n}", "code")
    assert not same("f(1)", "f(2)", "code")
    assert not same("```\n```", "```\n```", "code")


def test_the_number_form_takes_the_last_number_of_the_answer():
    assert same("In 1999 there were 12 of them, so 24.", "answer: 24 apples", "number")
    assert not same("no number here", "no number here", "number")


def test_whole_texts_are_compared_without_case_and_punctuation():
    assert same("Hello,  World!", "hello world", "text")
    assert not same("Hello, World!", "hello word", "text")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *[("2(3+1)", 8), ("2sqrt(16)", 8), ("-2^2", -4), ("2^3^2", 512)],
        *[("1/0", None), ("9^9^9", None), ("2 3", None), ("", None), ("__import__", None), ("(-1)^(1/2)", None)],
    ],
)
def test_an_expression_is_worked_out_or_nothing(text, number):
    assert value(text) == number


@pytest.mark.parametrize(
    "piece", ["a", "```\n", "\\frac{", "1,", "9", '"answer": "', "((", "\\boxed{", "²", "answer is "]
)
def test_an_answer_of_megabytes_takes_no_longer_than_its_end(piece):
    """CPU, in which nothing but the work counts; a search that goes over all of it takes seconds."""
    text = piece * (3_000_000 // len(piece))

    began = time.process_time()
    for form in FORMS:
        normal(text, form)

    assert time.process_time() - began < 5


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from(FORMS))
def test_sameness_is_symmetric_and_no_text_makes_it_raise(left, right, form):
    assert same(left, right, form) == same(right, left, form)


@settings(max_examples=100, deadline=None)
@given(st.integers(-(10**12), 10**12), st.integers(1, 999))
def test_a_fraction_is_the_same_however_it_is_written(numerator, denominator):
    assert same(f"{numerator}/{denominator}", f"\\frac{{{numerator}}}{{{denominator}}}")
    assert same(f"{numerator}", f"{numerator:,}")

"""Some differences are never passed over, however alike two prompts are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_cli.learned.exact_parts import difference

DIFFER = {
    "a number": [
        ("What happened in 2016?", "What happened in 2014?"),
        ("convert 5 km to miles", "convert 50 km to miles"),
        ("rooms for two people", "rooms for three people"),
        ("from 5 to 7", "from 7 to 5"),
        ("the 2nd chapter", "the 3rd chapter"),
        ("list ten rivers", "list rivers"),
        ("at 10:30", "at 10:45"),
    ],
    "a name": [
        ("Who is the mayor of Paris?", "Who is the mayor of Berlin?"),
        ("import from Canada and sell in India", "import from India and sell in Canada"),
        ("Do Indian women like it?", "Do Pakistani women like it?"),
        ("Obama was born where?", "Trump was born where?"),
        ("what is the NASA budget", "what is the budget"),
        ("Did Apple win? Google lost.", "Did Google win? Apple lost."),
        ("wie heißt der Ort", "wie heißt der Fluss"),
    ],
    "a negation": [
        ("is it safe to eat", "is it not safe to eat"),
        ("why can I delete it", "why can't I delete it"),
        ("coffee with sugar", "coffee without sugar"),
        ("ist das gut", "ist das nicht gut"),
        ("why doesn\u2019t it start", "why does it start"),
    ],
    "code": [
        ("what does `a + b` do", "what does `a - b` do"),
        ("learn C++ quickly", "learn C# quickly"),
        ("open src/main.py", "open src/test.py"),
        ("what does os.path do", "what does os.environ do"),
        ("explain get_user()", "explain set_user()"),
        ("mail me at a@b.org", "mail me at c@b.org"),
        ("is x<y here", "is x>y here"),
        ("a rise of 5%", "a rise of 5"),
    ],
    "a quotation": [
        ('translate "good night" to french', 'translate "good day" to french'),
        ("say “yes” politely", "say “maybe” politely"),
    ],
    "a word of its script": [("北京的天气怎么样", "上海的天气怎么样"), ("ما هو الطقس", "ما هي العاصمة")],
}
ALIKE = [
    ("How do I reset my password?", "how can I reset my password"),
    ("What is the capital of France?", "what's the capital of France"),
    ("Please explain photosynthesis", "explain photosynthesis to me"),
    ("Tell me about trees.", "Describe trees."),
    ("how do trees grow", "How do trees grow?"),
    ("fix my bike (fast)", "fix my bike, fast!"),
]


@pytest.mark.parametrize(("what", "first", "second"), [(what, *pair) for what, each in DIFFER.items() for pair in each])
def test_what_must_be_equal_is_told_whichever_prompt_comes_first(what: str, first: str, second: str) -> None:
    found = difference(first, second)

    assert found
    assert difference(second, first) == found
    assert found == what


@pytest.mark.parametrize(("first", "second"), ALIKE)
def test_other_words_are_not_for_this_rule_to_judge(first: str, second: str) -> None:
    assert difference(first, second) == ""


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_is_too_odd_and_the_order_does_not_matter(first: str, second: str) -> None:
    assert difference(first, second) == difference(second, first)
    assert difference(first, first) == ""


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.text("abcdefgh ", max_size=30))
def test_two_numbers_are_never_one(one: int, other: int, around: str) -> None:
    assert (difference(f"{around} {one}", f"{around} {other}") == "") == (one == other)

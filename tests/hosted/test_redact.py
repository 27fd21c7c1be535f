"""A foreign text is shown on one line, and no part of a key is in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_cli.core.redact import HIDDEN, one_line, redact

KEY = "sk-live-0123456789abcdefghijKLMN"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"bad key {KEY}!", f"bad key {HIDDEN}!"),
        (f"bad key {KEY[:12]}", f"bad key {HIDDEN}"),
        (f"…{KEY[9:]} cut", f"…{HIDDEN} cut"),
        (f"{KEY}{KEY}", HIDDEN),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_a_key_is_hidden_whole_and_in_pieces(text: str, shown: str) -> None:
    assert redact(text, [KEY]) == shown


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-AbCdEfGhIjKlMnOp",
        "sk-ant-api03-AbCdEfGhIjKl",
        "gsk_AbCdEfGhIjKlMnOp",
        "AIzaSyA1234567890abcdef",
        "Bearer AbCdEf",
        "https://h/x?key=AbCdEf&alt=sse",
        "sk-ab***********wxyz",
        "abcd****wxyz",
    ],
)
def test_what_looks_like_a_key_is_hidden_unknown(text: str) -> None:
    shown = redact(f"no {text} here")

    assert HIDDEN in shown
    assert "AbCdEf" not in shown
    assert "wxyz" not in shown


@pytest.mark.parametrize(
    "text", ["a skateboarding championship", "gpt-4o-mini", "claude-haiku-4-5-20251001", "2 ** 3 * 4"]
)
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert redact(text, [KEY]) == text


def test_a_line_has_no_control_characters_and_an_end() -> None:
    shown = one_line("a\x1b[31mred\nb\r\n\x00c " + "x" * 500, at_most=40)

    assert shown.startswith("a [31mred b c xxx")
    assert (len(shown), shown[-1]) == (40, "…")


def test_a_short_secret_is_hidden_as_a_word_only() -> None:
    assert redact("key abc in alphabet abc.", ["abc"]) == f"key {HIDDEN} in alphabet {HIDDEN}."


@given(st.text(), st.text(), st.text(alphabet="abcdef0123456789-_", min_size=9, max_size=60))
def test_no_eight_characters_of_a_key_survive(before: str, after: str, key: str) -> None:
    shown = redact(before + key + after, [key])

    assert [key[at : at + 8] for at in range(len(key) - 7) if key[at : at + 8] in shown.replace(HIDDEN, "\0")] == []


def test_a_long_text_takes_no_long_time() -> None:
    assert len(redact("a" * 200_000 + "*" * 200_000, [KEY])) < 500_000

"""A pattern of a schema becomes a grammar that lets through what the pattern matches, and nothing else."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.backends.gbnf_match import Matcher
from synapse_cli.backends.grammar import from_schema
from synapse_cli.backends.json_patterns import FORMATS


def _follows(pattern: str) -> Matcher:
    return Matcher.of(from_schema(json.dumps({"type": "string", "pattern": pattern})))


def _takes(followed: Matcher, text: str) -> bool:
    raw = json.dumps(text, ensure_ascii=False).encode()
    state = followed.after(followed.start, raw.translate(followed.kinds))
    return state is not None and state.may_end


PATTERNS = [
    r"^[a-z]+$", r"b", r"^a", r"a$", r"^(ab|c)*$", r"^[^a-c]{2}$", r"^\d{1,2}-\w\s?$", r"^a.c$", r"^(?:a|b){2,}c?$",
    r"^(?P<x>a)[\d_-]\.$", r"^[\]\\\"/]$", r"^\x41\u00e9$", r"^\S\D$", r"^a|b$", r"^$", r"^(a(b(c)?)?)?$", r"^[a-]+?$",
]  # fmt: skip
texts = st.text(st.sampled_from('abcABC0129_-./é "\\\n]'), max_size=5)


@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("pattern", PATTERNS)
@given(samples=st.lists(texts, min_size=1, max_size=20))
def test_a_pattern_lets_through_what_it_matches(pattern: str, samples: list[str]) -> None:
    followed, expression = _follows(pattern), re.compile(pattern.replace("$", r"\Z"), re.ASCII)

    for text in samples:
        assert _takes(followed, text) == (expression.search(text) is not None), text


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("date", ["2026-11-21"], ["2026-13-01", "26-11-21"]),
        ("time", ["23:59:59Z", "00:00:00.5+02:00"], ["24:00:00Z", "12:00"]),
        ("date-time", ["2026-11-21T12:00:00Z"], ["2026-11-21"]),
        ("uuid", ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567"]),
        ("ipv4", ["255.0.10.1"], ["256.0.0.1", "1.2.3"]),
        ("email", ["a.b@example.org"], ["a.b", "@example.org"]),
    ],
)
def test_a_format_is_written_in_its_shape(name: str, inside: list[str], outside: list[str]) -> None:
    followed = Matcher.of(from_schema(json.dumps({"type": "string", "format": name})))

    assert all(_takes(followed, text) for text in inside)
    assert not any(_takes(followed, text) for text in outside)
    assert name in FORMATS


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?=a)b",
        r"(a)\1",
        r"\bword\b",
        r"\p{L}+",
        r"a++",
        r"a{3,1}",
        r"(",
        r"[",
        r"a)",
        r"*",
        r"x^y",
        "(" * 99 + ")" * 99,
    ],
)
def test_what_cannot_be_said_lets_every_text_through(pattern: str) -> None:
    followed = _follows(pattern)

    assert _takes(followed, "anything at all")
    assert _takes(followed, "")


@given(pattern=st.text(st.sampled_from("ab()[]{}|*+?^$.\\d-0129,<>:=!P"), max_size=16))
def test_no_pattern_breaks_the_grammar(pattern: str) -> None:
    _follows(pattern)

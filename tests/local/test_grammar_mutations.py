"""Grammars and schemas that were damaged at random are refused or written by; the process that does it lives on."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from .test_gbnf import CHESS, JSON, REFUSED, SUMS
from .test_grammar import FIXED, TOO_MUCH
from .writer import Writer

COUNT = 100
AMBIGUOUS = [
    'root ::= ("a"*)* "b"',
    'root ::= "a" root "b" | "a" root "c" | ""',
    'root ::= (("a" | "b" | [a-z])* " "?){1,99999}',
    'root ::= x x x x x x x x\nx ::= "a"* ("b" | "a")*',
    'root ::= [^"]{0,90000} "."',
]
PARTS = ["(", ")", "*", "+", "?", "{2}", "{0,900000}", "{9999999999}", "|", '"', "[", "]", "^", "\\", "\\x", "root",
         " ::= ", "\n", "#", "<", ">", "!", ".", "\x00", "\ud800", "ü", "a", "ws", "-", "{3,1}"]  # fmt: skip
VALUES: list[Any] = [None, True, -1, 10**9, 1e308, "", "x", [], {}, {"$ref": "#"}, [{}], "#/$defs/node", "(" * 50]


@pytest.fixture(scope="module")
def writer() -> Iterator[Writer]:
    made = Writer("builtin:nano")
    yield made
    made.close()


def _mutated(text: str, chance: random.Random) -> str:
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at = chance.randint(8, len(text))
        size = chance.choice((0, 0, 1, 1, 5, 40))
        new = chance.choice((*PARTS, "", "", text[at : at + 30] * 2, text[at - 8 : at], text[at + 1 : at + 2]))
        text = text[:at] + new + text[at + size :]
    return text


def _damaged(schema: Any, chance: random.Random) -> Any:
    whole = json.dumps(schema)
    schema = json.loads(whole)
    for _ in range(chance.randint(1, 3)):
        where = schema
        while isinstance(where, dict | list) and where and chance.random() < 0.8:
            key = chance.choice(list(where) if isinstance(where, dict) else range(len(where)))
            if chance.random() < 0.3 or not isinstance(where[key], dict | list):
                where[key] = json.loads(json.dumps(chance.choice([*VALUES, json.loads(whole)])))
                break
            where = where[key]
    return schema


def _is_told(answer: dict[str, Any]) -> bool:
    """Whether it was answered, or refused in one line with a hint."""
    if answer["finish"] is not None:
        return True
    return bool(answer["error"] and "\n" not in answer["error"] and answer["hint"])


def test_no_damaged_grammar_kills_or_hangs_the_engine(writer: Writer) -> None:
    chance = random.Random(4)
    written = 0
    for number in range(COUNT):
        source = chance.choice([JSON, CHESS, SUMS, *AMBIGUOUS])
        grammar = _mutated(source, chance).encode("utf-8", "replace").decode()

        answer = writer.write({"grammar": grammar, "max_tokens": 12}, number)

        assert _is_told(answer), (grammar, answer)
        written += answer["finish"] is not None
    assert 10 <= written <= COUNT - 10


@pytest.mark.parametrize("grammar", [grammar for grammar, *_ in REFUSED], ids=range(len(REFUSED)))
def test_what_kills_llama_cpp_is_one_line_here(writer: Writer, grammar: str) -> None:
    answer = writer.write({"grammar": grammar})

    assert answer["finish"] is None
    assert "line" in answer["error"]


@pytest.mark.parametrize("grammar", AMBIGUOUS)
def test_an_ambiguous_grammar_is_written_by(writer: Writer, grammar: str) -> None:
    assert writer.write({"grammar": grammar, "max_tokens": 60})["finish"] in {"stop", "length"}


def test_no_damaged_schema_kills_or_hangs_the_engine(writer: Writer) -> None:
    chance = random.Random(5)
    written = 0
    for number in range(COUNT):
        schema = _damaged(chance.choice([*FIXED, *TOO_MUCH[:4]]), chance)

        answer = writer.write({"schema": schema, "max_tokens": 12}, number)

        assert _is_told(answer), (schema, answer)
        written += answer["finish"] is not None
    assert 10 <= written <= COUNT - 10

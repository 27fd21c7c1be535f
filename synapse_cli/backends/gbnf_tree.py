"""What is a grammar made of? Rules of texts, classes, tokens and each other, with the places where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from synapse_cli.core.errors import UsageError

LAST_CHARACTER = 0x10FFFF
MOST_REPEATS = 100_000
"""No answer is as long; llama.cpp itself bears 2,000."""


class GrammarError(UsageError):
    """A grammar that cannot be decoded by: where, why, and what to do."""

    def __init__(self, line: int, column: int, reason: str, hint: str) -> None:
        super().__init__(f"the grammar is wrong at line {line}, column {column}: {reason}", hint)
        self.line, self.column, self.reason = line, column, reason


@dataclass(frozen=True, slots=True)
class Text:
    """Exactly these characters."""

    text: str


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of these ranges."""

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Token:
    """One token of the model, by its number or its spelling; or any but this one."""

    number: int | None
    spelling: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Ref:
    """What a rule says."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several sequences."""

    options: tuple[tuple[Item, ...], ...]


@dataclass(frozen=True, slots=True)
class Many:
    """The same again, so many times; without `most`, any number."""

    item: Item
    least: int
    most: int | None


Item: TypeAlias = Text | Chars | Token | Ref | OneOf | Many


@dataclass(frozen=True, slots=True)
class Rule:
    """One name and what it stands for."""

    name: str
    body: OneOf
    at: int


@dataclass(frozen=True, slots=True)
class Grammar:
    """The rules by name, and the text they were read from."""

    text: str
    rules: dict[str, Rule]

    def wrong(self, at: int, reason: str, hint: str) -> GrammarError:
        """An error at a place of the text."""
        return error_at(self.text, at, reason, hint)


def error_at(text: str, at: int, reason: str, hint: str) -> GrammarError:
    """An error at a place of a text."""
    before = text[:at].replace("\r\n", "\n").replace("\r", "\n")
    return GrammarError(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1, reason, hint)

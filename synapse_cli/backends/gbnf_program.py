"""What is done at each place of a grammar? Rules as steps over bytes, few however often something repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from synapse_cli.backends.gbnf_bytes import Way, by_first_byte, ways
from synapse_cli.backends.gbnf_check import ROOT, is_empty, may_be_empty
from synapse_cli.backends.gbnf_tree import Chars, Grammar, GrammarError, Item, Many, OneOf, Ref, Text, Token

_MOST_STEPS = 200_000
"""Some seconds of work, and more than a hundred times what people write."""


@dataclass(frozen=True, slots=True)
class Bytes:
    """Takes one byte: each arc is a set of bytes, as bits, and where it leads."""

    arcs: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """Takes one token as such."""

    token: Token
    then: int


@dataclass(slots=True)
class Fork:
    """Goes all of these ways."""

    ways: tuple[int, ...] = ()


@dataclass(slots=True)
class Call:
    """Goes through a rule, and then on."""

    rule: str
    then: int


@dataclass(slots=True)
class Return:
    """Ends a rule."""


@dataclass(slots=True)
class Enter:
    """Begins to count the rounds of a loop."""

    loop: int


@dataclass(slots=True)
class Loop:
    """Between two rounds: once more, or on."""

    least: int
    most: int | None
    body: int = -1
    then: int = -1


Step: TypeAlias = Bytes | Whole | Fork | Call | Return | Enter | Loop


@dataclass(frozen=True, slots=True)
class Program:
    """Steps, the first step of each rule, and where to begin."""

    steps: list[Step]
    entries: dict[str, int]
    start: int


def program(grammar: Grammar, prefix: str = "") -> Program:
    """Lay a checked grammar out; the answer may begin with `prefix`. Raises GrammarError where it is too large."""
    return _Layout(grammar).program(prefix)


class _TooManySteps(Exception):
    """The grammar is larger than anything that makes sense."""


class _Layout:
    """Writes the steps from the end of each rule to its beginning, so that each knows where it leads."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._empty = may_be_empty(grammar)
        self._steps: list[Step] = [Return()]
        self._known: dict[tuple[tuple[Way, ...], int], int] = {}

    def program(self, prefix: str) -> Program:
        entries: dict[str, int] = {}
        for name, rule in self._grammar.rules.items():
            try:
                entries[name] = self._item(rule.body, 0)
            except (_TooManySteps, RecursionError) as error:
                raise self._grammar.wrong(
                    rule.at, "the grammar is too large", "allow fewer or shorter texts"
                ) from error
        begin = self._add(Call(ROOT, 0))
        if prefix:
            begin = self._add(Fork((self._text(prefix.encode(), begin), begin)))
        return Program(self._steps, entries, begin)

    def _add(self, step: Step) -> int:
        self._steps.append(step)
        if len(self._steps) > _MOST_STEPS:
            raise _TooManySteps
        return len(self._steps) - 1

    def _item(self, item: Item, then: int) -> int:
        match item:
            case Text():
                return self._text(item.text.encode(), then)
            case Chars():
                return self._bytes(ways(item.ranges), then)
            case Token():
                return self._add(Whole(item, then))
            case Ref():
                return self._add(Call(item.name, then))
            case OneOf():
                return self._one_of(item, then)
            case Many():
                return self._many(item, then)

    def _one_of(self, item: OneOf, then: int) -> int:
        """Any option. Those that begin with a text share what is common, as a list of thousands of words does."""
        texts: list[tuple[bytes, int]] = []
        others: list[int] = []
        for option in item.options:
            match option:
                case (Text(text), *rest) if text:
                    texts.append((text.encode(), self._sequence(rest, then)))
                case _:
                    others.append(self._sequence(option, then))
        if len(texts) == 1:
            others.append(self._text(*texts.pop()))
        return self._any([*others, *([self._words(texts)] if texts else [])])

    def _words(self, texts: list[tuple[bytes, int]]) -> int:
        """One of these texts, and where each leads."""
        by_first: dict[int, list[tuple[bytes, int]]] = {}
        for text in dict.fromkeys(texts):
            by_first.setdefault(text[0][0], []).append(text)
        arcs = []
        for first, group in by_first.items():
            common = _common(min(group)[0], max(group)[0])
            rests = [(raw[len(common) :], entry) for raw, entry in group]
            ways = [entry for rest, entry in rests if not rest]
            longer = [(rest, entry) for rest, entry in rests if rest]
            inner = self._any([*ways, *([self._words(longer)] if longer else [])])
            arcs.append((1 << first, self._text(common[1:], inner)))
        return self._add(Bytes(tuple(arcs)))

    def _any(self, options: Sequence[int]) -> int:
        distinct = tuple(dict.fromkeys(options))
        return distinct[0] if len(distinct) == 1 else self._add(Fork(distinct))

    def _sequence(self, items: Sequence[Item], then: int) -> int:
        for item in reversed(items):
            then = self._item(item, then)
        return then

    def _text(self, raw: bytes, then: int) -> int:
        for byte in reversed(raw):
            then = self._bytes((((byte, byte),),), then)
        return then

    def _bytes(self, found: tuple[Way, ...], then: int) -> int:
        key = (found, then)
        if key not in self._known:
            arcs = [
                (bits, then if rest == [()] else self._bytes(tuple(rest), then))
                for bits, rest in by_first_byte(found).items()
            ]
            self._known[key] = self._add(Bytes(tuple(arcs)))
        return self._known[key]

    def _many(self, item: Many, then: int) -> int:
        least, most = (0 if is_empty(item.item, self._empty) else item.least), item.most
        if most == 0:
            return then
        if (least, most) == (1, 1):
            return self._item(item.item, then)
        if (least, most) == (0, 1):
            return self._add(Fork((self._item(item.item, then), then)))
        if most is None and least <= 1:
            fork = Fork()
            again = self._add(fork)
            body = self._item(item.item, again)
            fork.ways = (body, then)
            return body if least else again
        loop = Loop(least, most)
        place = self._add(loop)
        loop.body, loop.then = self._item(item.item, place), then
        return self._add(Enter(place))


def alphabet(found: Program) -> tuple[bytes, list[Step]]:
    """Bytes that the grammar tells apart: the number of each byte's kind, and the steps in terms of kinds."""
    sets = {bits for step in found.steps if isinstance(step, Bytes) for bits, _ in step.arcs}
    seen: dict[tuple[int, ...], int] = {}
    member: list[list[int]] = [[] for _ in range(256)]
    for number, bits in enumerate(sorted(sets)):
        for byte in _members(bits):
            member[byte].append(number)
    kinds = bytes(seen.setdefault(tuple(numbers), len(seen)) for numbers in member)
    in_kinds: Mapping[int, int] = {bits: sum(1 << kind for kind in {kinds[b] for b in _members(bits)}) for bits in sets}
    steps = [
        Bytes(tuple((in_kinds[bits], then) for bits, then in step.arcs)) if isinstance(step, Bytes) else step
        for step in found.steps
    ]
    return kinds, steps


def _common(one: bytes, other: bytes) -> bytes:
    """What both begin with: of the first and the last in order it is what all begin with."""
    size = next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), len(one))
    return one[:size]


def _members(bits: int) -> list[int]:
    return [byte for byte in range(256) if bits >> byte & 1]


def too_large(grammar: Grammar) -> GrammarError:
    """An error for a grammar that opens too many ways before anything is written."""
    rule = grammar.rules[ROOT]
    return grammar.wrong(
        rule.at, "too many ways to begin before anything is written", "give common beginnings one rule"
    )

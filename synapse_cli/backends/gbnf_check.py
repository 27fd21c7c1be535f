"""Can anything be written by this grammar? All rules are there, one is the root, and none waits for itself."""

from __future__ import annotations

from collections.abc import Iterator

from synapse_cli.backends.gbnf_text import read
from synapse_cli.backends.gbnf_tree import Chars, Grammar, Item, Many, OneOf, Ref, Rule, Text, Token

ROOT = "root"


def checked(text: str) -> Grammar:
    """Read a grammar and make sure that it can be decoded by; raises GrammarError with line and column."""
    grammar = read(text)
    _all_defined(grammar)
    if ROOT not in grammar.rules:
        raise grammar.wrong(0, "no rule is named root", "the answer begins with root: root ::= …")
    _no_left_recursion(grammar, may_be_empty(grammar))
    return grammar


def may_be_empty(grammar: Grammar) -> frozenset[str]:
    """The rules that nothing at all satisfies too."""
    users: dict[str, set[str]] = {}
    for name, rule in grammar.rules.items():
        for ref in _refs(rule.body):
            users.setdefault(ref.name, set()).add(name)
    empty: set[str] = set()
    waiting = list(grammar.rules)
    while waiting:
        name = waiting.pop()
        if name not in empty and is_empty(grammar.rules[name].body, empty):
            empty.add(name)
            waiting.extend(users.get(name, ()))
    return frozenset(empty)


def is_empty(item: Item, empty: frozenset[str] | set[str]) -> bool:
    """Whether nothing at all satisfies it, given the rules of which that is known."""
    match item:
        case Text():
            return not item.text
        case Chars() | Token():
            return False
        case Ref():
            return item.name in empty
        case Many():
            return item.least == 0 or is_empty(item.item, empty)
        case OneOf():
            return any(all(is_empty(part, empty) for part in option) for option in item.options)


def _all_defined(grammar: Grammar) -> None:
    for rule in grammar.rules.values():
        for ref in _refs(rule.body):
            if ref.name not in grammar.rules:
                import difflib

                close = difflib.get_close_matches(ref.name, grammar.rules, n=1)
                hint = f"did you mean {close[0]}?" if close else f"add a line: {ref.name} ::= …"
                raise grammar.wrong(ref.at, f"the rule {ref.name} is not defined", hint)


def _refs(item: Item) -> Iterator[Ref]:
    match item:
        case Ref():
            yield item
        case Many():
            yield from _refs(item.item)
        case OneOf():
            for option in item.options:
                for part in option:
                    yield from _refs(part)
        case _:
            pass


def _no_left_recursion(grammar: Grammar, empty: frozenset[str]) -> None:
    """Raise where a rule can come to itself with nothing written in between: it would be followed for ever."""
    edges = {name: list(_leftmost(rule.body, empty)) for name, rule in grammar.rules.items()}
    done: set[str] = set()
    for name in grammar.rules:
        trail: dict[str, Iterator[Ref]] = {}
        if name not in done:
            trail[name] = iter(edges[name])
        while trail:
            here = next(reversed(trail))
            ref = next(trail[here], None)
            if ref is None:
                del trail[here]
                done.add(here)
            elif ref.name in trail:
                raise _recursion(grammar, grammar.rules[here], ref, [*trail][[*trail].index(ref.name) :])
            elif ref.name not in done:
                trail[ref.name] = iter(edges[ref.name])


def _recursion(grammar: Grammar, rule: Rule, ref: Ref, way: list[str]) -> Exception:
    through = "" if rule.name == ref.name else f" (through {', '.join(way[1:])})"
    return grammar.wrong(
        ref.at,
        f"the rule {ref.name} begins with itself{through}: left recursion",
        f"put what comes first first, for example {ref.name} ::= item {ref.name} | item",
    )


def _leftmost(item: Item, empty: frozenset[str]) -> Iterator[Ref]:
    """The rules that may be followed before a character is written."""
    match item:
        case Ref():
            yield item
        case Many():
            if item.most != 0:
                yield from _leftmost(item.item, empty)
        case OneOf():
            for option in item.options:
                for part in option:
                    yield from _leftmost(part, empty)
                    if not is_empty(part, empty):
                        break
        case _:
            pass

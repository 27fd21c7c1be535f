"""Which JSON strings does a regular expression match? As a grammar, where one can say it.

A `pattern` of JSON Schema is looked for anywhere in the text, unless it is anchored. What a grammar cannot say
(lookaround, backreferences, word borders) is left to the check.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from synapse_cli.backends.gbnf import Rules, literal
from synapse_cli.backends.gbnf_tree import LAST_CHARACTER, MOST_REPEATS

FORMATS = {
    "date": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
    "time": r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
    "date-time": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
    "uuid": r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    "ipv4": r"^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])$",
    "email": r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?(\.[A-Za-z]{2,20}){1,3}$",
}
"""Formats whose shape is simple, a little narrower than their standards allow."""

_DEEPEST = 30
_Ranges = list[tuple[int, int]]
_DIGIT: _Ranges = [(0x30, 0x39)]
_WORD: _Ranges = [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)]
_SPACE: _Ranges = [(0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x2028, 0x2029), (0xFEFF, 0xFEFF)]
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CONTROLS = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D, "0": 0x00}
_SHORT = {0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0C: "\\f", 0x0D: "\\r", 0x22: '\\"', 0x5C: "\\\\"}
_LINE_ENDS: _Ranges = [(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)]
_QUANTIFIER = re.compile(r"(?:[*+?]|\{(?P<least>\d{1,6})(?P<comma>,)?(?P<most>\d{1,6})?\})(?P<lazy>\?)?")
_GROUP = re.compile(r"\((?:\?:|\?P?<[A-Za-z_]\w*>)?(?!\?)")
_HEX = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\})")


def from_pattern(pattern: str, rules: Rules, any_character: str) -> str | None:
    """What may stand between the quotes of a string that matches; None where a grammar cannot say it."""
    try:
        return _Reader(pattern, rules, any_character).whole()
    except _NotSayable:
        return None


class _NotSayable(Exception):
    """It is no regular expression, or one that a grammar cannot say."""


class _Reader:
    """Goes through the pattern once; `at` is where it stands."""

    def __init__(self, pattern: str, rules: Rules, any_character: str) -> None:
        self._pattern = pattern
        self._rules = rules
        self._anything = rules.repeat(any_character, 0, None)
        self._at = 0
        self._depth = 0

    def whole(self) -> str:
        options = [self._anchored()]
        while self._take("|"):
            options.append(self._anchored())
        if self._at < len(self._pattern):
            raise _NotSayable
        return self._rules.either(options)

    def _anchored(self) -> str:
        """One option of the whole: it may begin and end anywhere in the text unless it says otherwise."""
        before = "" if self._take("^") else self._anything
        inner = self._sequence()
        after = "" if self._take("$") else self._anything
        return self._rules.rule(" ".join(part for part in (before, inner, after) if part) or '""')

    def _options(self) -> str:
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        return self._rules.either([self._rules.rule(option) for option in options])

    def _sequence(self) -> str:
        parts = []
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)$":
            parts.append(self._repeated(self._atom()))
        return " ".join(parts) or '""'

    def _repeated(self, atom: str) -> str:
        found = _QUANTIFIER.match(self._pattern, self._at)
        if found is None:
            return atom
        self._at = found.end()
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(found.group()[0], (0, None))
        if found["least"] is not None:
            least = int(found["least"])
            most = int(found["most"]) if found["most"] else (None if found["comma"] else least)
        if least > MOST_REPEATS or (most is not None and most < least) or self._pattern[self._at : self._at + 1] == "+":
            raise _NotSayable
        return self._rules.repeat(atom, least, most)

    def _atom(self) -> str:
        character = self._pattern[self._at]
        if character == "(":
            return self._group()
        if character == "[":
            return self._one_of(self._class())
        if character == ".":
            self._at += 1
            return self._one_of(_others(_LINE_ENDS))
        if character == "\\":
            return self._one_of(self._escaped())
        if character in "^*+?{}":
            raise _NotSayable
        self._at += 1
        return self._one_of([(ord(character), ord(character))])

    def _group(self) -> str:
        found = _GROUP.match(self._pattern, self._at)
        self._depth += 1
        if found is None or self._depth > _DEEPEST:
            raise _NotSayable
        self._at = found.end()
        inner = self._options()
        if not self._take(")"):
            raise _NotSayable
        self._depth -= 1
        return inner

    def _class(self) -> _Ranges:
        self._at += 1
        negated = self._take("^")
        ranges: _Ranges = []
        while not self._take("]"):
            if self._at >= len(self._pattern):
                raise _NotSayable
            first = self._member()
            if self._pattern[self._at : self._at + 1] == "-" and self._pattern[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                last = self._member()
                if len(first) > 1 or len(last) > 1 or last[0][1] < first[0][0]:
                    raise _NotSayable
                first = [(first[0][0], last[0][1])]
            ranges += first
        return _others(ranges) if negated else ranges

    def _member(self) -> _Ranges:
        if self._at >= len(self._pattern):
            raise _NotSayable
        if self._pattern[self._at] == "\\":
            if self._pattern.startswith("\\b", self._at):
                self._at += 2
                return [(0x08, 0x08)]
            return self._escaped()
        self._at += 1
        return [(ord(self._pattern[self._at - 1]),) * 2]

    def _escaped(self) -> _Ranges:
        coded = _HEX.match(self._pattern, self._at)
        if coded is not None:
            self._at = coded.end()
            code = int(coded.group(1) or coded.group(2) or coded.group(3), 16)
            return [(code, code)]
        kind = self._pattern[self._at + 1 : self._at + 2]
        self._at += 2
        if kind.lower() in _CLASSES and kind:
            ranges = _CLASSES[kind.lower()]
            return ranges if kind.islower() else _others(ranges)
        if kind in _CONTROLS:
            return [(_CONTROLS[kind], _CONTROLS[kind])]
        if not kind or kind.isalnum():
            raise _NotSayable  # a border, a reference, a property
        return [(ord(kind), ord(kind))]

    def _one_of(self, ranges: _Ranges) -> str:
        """One character as JSON writes it: some only behind a backslash."""
        plain = _without(ranges, [(0x00, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0x7F, 0x7F), (0xD800, 0xDFFF)])
        options = ["[" + "".join(f"{_coded(first)}-{_coded(last)}" for first, last in plain) + "]"] if plain else []
        options += [literal(text) for code, text in _SHORT.items() if any(a <= code <= b for a, b in ranges)]
        if not options:
            raise _NotSayable
        return self._rules.either(options)

    def _take(self, text: str) -> bool:
        found = self._pattern.startswith(text, self._at)
        self._at += len(text) * found
        return found


def _coded(code: int) -> str:
    return f"\\U{code:08x}"


def _others(ranges: Sequence[tuple[int, int]]) -> _Ranges:
    return _without([(0, LAST_CHARACTER)], ranges)


def _without(ranges: Sequence[tuple[int, int]], less: Sequence[tuple[int, int]]) -> _Ranges:
    """The ranges, less others."""
    kept = [(first, min(last, LAST_CHARACTER)) for first, last in ranges]
    for low, high in less:
        kept = [
            part
            for first, last in kept
            for part in ((first, min(last, low - 1)), (max(first, high + 1), last))
            if part[0] <= part[1]
        ]
    return kept

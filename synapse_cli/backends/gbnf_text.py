"""What does a grammar say that somebody wrote? GBNF, read as llama.cpp reads it, with the place of every mistake."""

from __future__ import annotations

import re

from synapse_cli.backends.gbnf_tree import (
    LAST_CHARACTER,
    MOST_REPEATS,
    Chars,
    Grammar,
    GrammarError,
    Item,
    Many,
    OneOf,
    Ref,
    Rule,
    Text,
    Token,
    error_at,
)

_MOST_CHARACTERS = 1_000_000
_MOST_RULES = 5_000
_DEEPEST = 100
"""Brackets within brackets; grammars that people write have three or four."""
_NAME = re.compile(r"[a-zA-Z0-9-]+")
_NUMBER = re.compile(r"[0-9]+")
_HEX = {"x": 2, "u": 4, "U": 8}
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n", "\\": "\\", '"': '"', "[": "[", "]": "]", "-": "-"}
_INLINE_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_PLAIN_TEXT = re.compile(r'[^"\\]+')


def read(text: str) -> Grammar:
    """Read a grammar. Raises GrammarError for the first thing that is wrong with its form."""
    if len(text) > _MOST_CHARACTERS:
        raise GrammarError(1, 1, f"it has {len(text):,} characters", f"at most {_MOST_CHARACTERS:,} are read")
    return Grammar(text, _Reader(text).rules())


class _Reader:
    """Goes through the text once; `at` is where it stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def rules(self) -> dict[str, Rule]:
        rules: dict[str, Rule] = {}
        self._skip(lines=True)
        while self._at < len(self._text):
            rule = self._rule()
            known = rules.setdefault(rule.name, rule)
            if known is not rule and _unplaced(known.body) != _unplaced(rule.body):
                raise self._wrong(f"the rule {rule.name} is defined twice", "keep one of them", rule.at)
            if len(rules) > _MOST_RULES:
                raise self._wrong(f"it has more than {_MOST_RULES:,} rules", "allow less", rule.at)
        if not rules:
            raise self._wrong("it has no rules", 'the smallest grammar is: root ::= "yes" | "no"', 0)
        return rules

    def _rule(self) -> Rule:
        begin = self._at
        name = self._name(starts=True)
        self._skip()
        if not self._text.startswith("::=", self._at):
            underscore = self._peek() == "_"
            hint = "use a hyphen: my-rule" if underscore else f"write {name} ::= and what it stands for"
            raise self._wrong("a name has no underscore" if underscore else "::= is missing here", hint)
        self._at += 3
        self._skip(lines=True)
        body = self._options(nested=False)
        if self._at < len(self._text) and self._peek() not in "\r\n":
            raise self._stray()
        self._skip(lines=True)
        return Rule(name, body, begin)

    def _name(self, *, starts: bool) -> str:
        found = _NAME.match(self._text, self._at)
        if found is None:
            if self._peek() == "|":
                raise self._wrong(
                    "a rule ends with its line, so this | belongs to none",
                    "put the | at the end of the line before, or brackets around all options",
                )
            what = "a rule begins with its name" if starts else "a name is missing here"
            raise self._wrong(what, 'rules look like: name ::= "text" other-rule')
        self._at = found.end()
        return found.group()

    def _stray(self) -> GrammarError:
        character = self._peek()
        if character == ")":
            return self._wrong("this ) closes nothing", "remove it, or open a bracket before")
        if character == ":" and self._text.startswith("::=", self._at):
            return self._wrong("a rule begins within another", "begin each rule on a line of its own")
        if character == "_":
            return self._wrong("a name has no underscore", "use a hyphen: my-rule")
        hint = 'text stands in double quotes: "text"' if character.isprintable() else "remove it"
        return self._wrong(f"{character!r} means nothing here", hint)

    def _options(self, *, nested: bool) -> OneOf:
        options = [self._sequence(nested=nested)]
        while self._peek() == "|":
            self._at += 1
            self._skip(lines=True)
            options.append(self._sequence(nested=nested))
        return OneOf(tuple(options))

    def _sequence(self, *, nested: bool) -> tuple[Item, ...]:
        items: list[Item] = []
        repeats = 0
        while (character := self._peek()) and character not in "|)\r\n":
            repeat = self._repeats(nested=nested) if character in "*+?{" else None
            if repeat is not None:
                if not items:
                    raise self._wrong(f"{character} repeats nothing", "put it after what is repeated")
                repeats += 1
                if repeats > _DEEPEST:
                    raise self._wrong(f"more than {_DEEPEST} repeats of one thing", "one is enough: *")
                items[-1] = Many(items[-1], *repeat)
            else:
                repeats = 0
                item = self._item(character)
                if item is None:
                    break
                items.append(item)
            self._skip(lines=nested)
        return tuple(items)

    def _item(self, character: str) -> Item | None:
        match character:
            case '"':
                return self._quoted()
            case "[":
                return self._class()
            case "(":
                return self._group()
            case ".":
                self._at += 1
                return Chars(((1, LAST_CHARACTER),))
            case "<" | "!":
                return self._token()
        if not _NAME.match(character):
            return None
        at = self._at
        return Ref(self._name(starts=False), at)

    def _group(self) -> OneOf:
        begin = self._at
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong(f"more than {_DEEPEST} brackets within brackets", "give the inner ones a rule")
        self._at += 1
        self._skip(lines=True)
        inner = self._options(nested=True)
        if self._peek() != ")":
            if self._at < len(self._text):
                raise self._stray()
            raise self._wrong("this ( is never closed", "close it with )", begin)
        self._at += 1
        self._depth -= 1
        return inner

    def _quoted(self) -> Text:
        begin = self._at
        self._at += 1
        out: list[str] = []
        while self._peek() != '"':
            if self._at >= len(self._text):
                raise self._wrong("this text is never closed", 'close it with "', begin)
            plain = _PLAIN_TEXT.match(self._text, self._at)
            if plain is not None:
                out.append(plain.group())
                self._at = plain.end()
            else:
                out.append(self._character(in_class=False))
        self._at += 1
        return Text("".join(out))

    def _class(self) -> Chars:
        begin = self._at
        self._at += 1
        negated = self._peek() == "^"
        self._at += negated
        ranges: list[tuple[int, int]] = []
        while self._peek() != "]":
            if self._at >= len(self._text):
                raise self._wrong("this [ is never closed", "close it with ]", begin)
            place = self._at
            first = last = ord(self._character(in_class=True))
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                last = ord(self._character(in_class=True))
            if last < first:
                raise self._wrong("this range runs backwards", "write the lower character first", place)
            ranges.append((first, last))
        self._at += 1
        if not ranges:
            raise self._wrong("these brackets name no character", "any character at all is a dot: .", begin)
        merged = _merged(ranges)
        return Chars(_others(merged) if negated else merged)

    def _character(self, *, in_class: bool) -> str:
        character = self._text[self._at]
        if character != "\\":
            self._at += 1
            return character
        kind = self._text[self._at + 1 : self._at + 2]
        if kind in _HEX:
            return self._coded(_HEX[kind])
        if kind not in _ESCAPES or not kind:
            where = "a class" if in_class else "a text"
            raise self._wrong(f"\\{kind} is no escape", f'in {where}: \\n \\r \\t \\\\ \\" \\[ \\] \\- \\x41 \\u0041')
        self._at += 2
        return _ESCAPES[kind]

    def _coded(self, size: int) -> str:
        digits = self._text[self._at + 2 : self._at + 2 + size]
        if len(digits) < size or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
            raise self._wrong(f"{self._text[self._at : self._at + 2]} needs {size} hex digits", "for example \\x41")
        code = int(digits, 16)
        if code > LAST_CHARACTER or 0xD800 <= code <= 0xDFFF:
            raise self._wrong(f"U+{code:X} is no character", "characters are U+0 to U+10FFFF without the surrogates")
        self._at += 2 + size
        return chr(code)

    def _token(self) -> Token:
        begin = self._at
        negated = self._peek() == "!"
        self._at += negated
        if self._peek() != "<":
            raise self._wrong("! says that a token may not come", "for example !<[42]> or !</think>", begin)
        end = self._text.find(">", self._at)
        line_end = min((at for mark in "\r\n" if (at := self._text.find(mark, self._at)) >= 0), default=len(self._text))
        if end < 0 or end > line_end:
            raise self._wrong("this < is never closed", "a token is written <[42]> or <think>", begin)
        spelling = self._text[self._at : end + 1]
        self._at = end + 1
        numbered = re.fullmatch(r"<\[([0-9]{1,9})\]>", spelling)
        if spelling.startswith("<[") and numbered is None:
            raise self._wrong(f"{spelling} names no token", "a token's number is written <[42]>", begin)
        return Token(int(numbered.group(1)) if numbered else None, spelling, negated)

    def _repeats(self, *, nested: bool) -> tuple[int, int | None]:
        character = self._peek()
        self._at += 1
        if character != "{":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[character]
        begin = self._at - 1
        least = self._count(nested=nested)
        most: int | None = least
        if self._peek() == ",":
            self._at += 1
            self._skip(lines=nested)
            most = self._count(nested=nested) if self._peek() != "}" else None
        if self._peek() != "}":
            raise self._wrong("this { is not closed with }", "write {2}, {2,} or {2,5}", begin)
        self._at += 1
        if most is not None and most < least:
            raise self._wrong(f"{most} is less than {least}", "write the lower number first", begin)
        if least > MOST_REPEATS:
            raise self._wrong(f"{least:,} repetitions are too many", f"at most {MOST_REPEATS:,}", begin)
        return least, None if most is not None and most > MOST_REPEATS else most

    def _count(self, *, nested: bool) -> int:
        self._skip(lines=nested)
        found = _NUMBER.match(self._text, self._at)
        if found is None:
            raise self._wrong("a number is missing here", "write {2}, {2,} or {2,5}")
        if len(found.group()) > 9:
            raise self._wrong("this number is too large", f"at most {MOST_REPEATS:,} repetitions")
        self._at = found.end()
        self._skip(lines=nested)
        return int(found.group())

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self, *, lines: bool = False) -> None:
        found = (_SPACE if lines else _INLINE_SPACE).match(self._text, self._at)
        if found is not None:
            self._at = found.end()

    def _wrong(self, reason: str, hint: str, at: int | None = None) -> GrammarError:
        return error_at(self._text, self._at if at is None else at, reason, hint)


def _merged(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same characters in order, without overlap."""
    out: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(last, out[-1][1]))
        else:
            out.append((first, last))
    return tuple(out)


def _others(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """All other characters; NUL only where it is asked for by name."""
    out, begin = [], 1
    for first, last in ranges:
        if first > begin:
            out.append((begin, first - 1))
        begin = max(begin, last + 1)
    if begin <= LAST_CHARACTER:
        out.append((begin, LAST_CHARACTER))
    return tuple(out)


def _unplaced(item: Item) -> Item:
    """The same without places, to compare by."""
    match item:
        case Ref():
            return Ref(item.name, 0)
        case Many():
            return Many(_unplaced(item.item), item.least, item.most)
        case OneOf():
            return OneOf(tuple(tuple(_unplaced(part) for part in option) for option in item.options))
        case _:
            return item

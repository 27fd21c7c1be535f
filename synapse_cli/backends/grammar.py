"""Which texts does a JSON Schema allow? A grammar to decode by.

What the grammar lets through has the schema's shape. What a grammar cannot say (`multipleOf`, `uniqueItems`, `not`,
`if`, bounds of fractions, a `pattern` with lookaround) is left to the `schema` check, which judges the answer by the
whole schema; a keyword that nobody knows is refused by name. Recursion is followed a few levels deep, so that an answer
ends.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from synapse_cli.backends import json_schema as read
from synapse_cli.backends.gbnf import Rules, TooLarge, literal, whole_numbers
from synapse_cli.backends.json_patterns import FORMATS, from_pattern
from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Json

_DEEPEST_RECURSION = 5
"""Levels at which a schema may refer to itself within itself."""
_DEEPEST_SCHEMA = 60
_DEEPEST_ANY = 3
"""Levels of an answer where the schema says nothing about its shape."""

_SPACE = '" "?'
_HEX = "[0-9a-fA-F]"
_ESCAPE = f'"\\\\" (["\\\\/bfnrt] | "u" ([0-9a-cA-CefEF] {_HEX}{{3}} | [dD] [0-7] {_HEX}{{2}}))'
"""Half of a surrogate pair, which is no character, cannot be written."""
_CHARACTER = f'[^"\\\\\\x00-\\x1f\\x7f] | {_ESCAPE}'
_FRACTION = '("." [0-9]{1,12})?'
"""Without an exponent, which few texts hold and small models like to fall into."""
_PLAIN_NUMBER = '("0" | [1-9] [0-9]{0,15})'


def from_schema(schema: str) -> str:
    """The grammar of a JSON Schema given as JSON text.

    Raises UsageError, naming the place as a JSON pointer, where the schema is wrong or cannot be decoded by.
    """
    root: Json = json.loads(schema)
    try:
        return _Converter(root).grammar()
    except (TooLarge, RecursionError) as error:
        raise UsageError("the schema is too large to decode by", "allow less: fewer values, lower maxItems") from error


def from_choices(labels: Sequence[str]) -> str:
    """The grammar of a set of labels, for one that is too large to compare label by label."""
    rules = Rules()
    try:
        return rules.text(rules.either([literal(label) for label in labels]))
    except TooLarge as error:
        raise UsageError("the choices are too many to decode by", "give fewer, or shorter ones") from error


class _Converter:
    """Turns one schema into rules. Every method returns an expression, or None where nothing can match."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._rules = Rules()
        self._memory: dict[tuple[str, int], str | None] = {}
        self._open: list[str] = []
        """References being followed without a bracket in between: meeting one again would go round for ever."""

    def grammar(self) -> str:
        expression = self._value(self._root, "#", 0)
        if expression is None:
            raise UsageError("nothing can match the schema", "see whether its bounds and required fields contradict")
        return self._rules.text(expression)

    def _value(self, schema: Json, at: str, depth: int) -> str | None:
        """Texts of one schema; `depth` counts references that come round to themselves."""
        if schema is True or schema == {}:
            return self._anything(_DEEPEST_ANY)
        if schema is False:
            return None
        if not isinstance(schema, dict):
            raise read.wrong(at, "a schema must be an object, true or false")
        if at.count("/") > 2 * _DEEPEST_SCHEMA:
            raise TooLarge
        read.refuse_unknown(schema, at)
        if "$ref" in schema:
            return self._reference(schema, at, depth)
        if "allOf" in schema:
            return self._value(self._merged_all(schema, at), at, depth)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._any_of(schema, keyword, at, depth)
        expression = self._plain(schema, at, depth)
        if schema.get("nullable") is True:
            return self._either([expression, '"null"'])
        return expression

    def _plain(self, schema: Mapping[str, Json], at: str, depth: int) -> str | None:
        if "const" in schema:
            return _constant(schema["const"])
        if "enum" in schema:
            return self._enumeration(schema, at)
        types = read.types(schema, at)
        return self._either([self._typed(kind, schema, at, depth) for kind in types])

    def _typed(self, kind: str, schema: Mapping[str, Json], at: str, depth: int) -> str | None:
        match kind:
            case "object":
                return self._object(schema, at, depth)
            case "array":
                return self._array(schema, at, depth)
            case "string":
                return self._string(schema, at)
            case "integer":
                return whole_numbers(self._rules, *read.bounds(schema, at))
            case "number":
                least = read.bounds(schema, at)[0]
                sign = "" if least is not None and least >= 0 else '"-"? '
                return self._rules.rule(f"{sign}{_PLAIN_NUMBER} {_FRACTION}")
            case "boolean":
                return self._rules.rule('"true" | "false"')
            case _:
                return '"null"'

    def _reference(self, schema: Mapping[str, Json], at: str, depth: int) -> str | None:
        pointer = schema["$ref"]
        if not isinstance(pointer, str) or not pointer.startswith("#"):
            raise read.wrong(at, f"$ref {pointer!r} leads out of the schema", "put it under $defs")
        beside: dict[str, Json] = {key: value for key, value in schema.items() if key in read.SHAPES and key != "$ref"}
        if beside:
            return self._value(read.merge(self._root, beside, {"$ref": pointer}, at), at, depth)
        if pointer in self._open:
            raise read.wrong(at, f"{pointer} refers to itself without anything in between")
        target = read.find(self._root, pointer, at)
        depth += self._comes_round(pointer)
        if depth > _DEEPEST_RECURSION:
            return None
        key = (pointer, depth)
        if key not in self._memory:
            self._open.append(pointer)
            self._memory[key] = self._value(target, pointer, depth)
            self._open.pop()
        return self._memory[key]

    def _comes_round(self, pointer: str) -> bool:
        """Whether following this reference can lead to it again."""
        seen: set[str] = set()
        waiting = [pointer]
        while waiting:
            for found in read.references(read.find(self._root, waiting.pop(), pointer)):
                if found == pointer:
                    return True
                if found not in seen and found.startswith("#"):
                    seen.add(found)
                    waiting.append(found)
        return False

    def _inside(self, schema: Json, at: str, depth: int) -> str | None:
        """A value within brackets: references may come round here, because a character lies in between."""
        outside, self._open = self._open, []
        try:
            return self._value(schema, at, depth)
        finally:
            self._open = outside

    def _merged_all(self, schema: dict[str, Json], at: str) -> Json:
        parts = schema["allOf"]
        if not isinstance(parts, list) or not parts:
            raise read.wrong(f"{at}/allOf", "it must be a list of schemas")
        merged: dict[str, Json] = {
            key: value for key, value in schema.items() if key != "allOf" and key not in read.NOTES
        }
        if len(parts) == 1 and not merged:
            return parts[0]
        for index, part in enumerate(parts):
            merged = read.merge(self._root, merged, part, f"{at}/allOf/{index}")
        return merged

    def _any_of(self, schema: dict[str, Json], keyword: str, at: str, depth: int) -> str | None:
        parts = schema[keyword]
        if not isinstance(parts, list) or not parts:
            raise read.wrong(f"{at}/{keyword}", "it must be a list of schemas")
        base = {key: value for key, value in schema.items() if key != keyword and key not in read.NOTES}
        options = []
        for index, part in enumerate(parts):
            here = f"{at}/{keyword}/{index}"
            options.append(self._value(read.merge(self._root, base, part, here) if base else part, here, depth))
        return self._either(options)

    def _either(self, options: list[str | None]) -> str | None:
        possible = [option for option in options if option is not None]
        return self._rules.either([self._rules.rule(option) for option in possible]) if possible else None

    def _enumeration(self, schema: Mapping[str, Json], at: str) -> str | None:
        values = schema["enum"]
        if not isinstance(values, list) or not values:
            raise read.wrong(f"{at}/enum", "it must be a list of values")
        kinds = read.types(schema, at) if "type" in schema else read.TYPES
        possible = [_constant(value) for value in values if read.is_one_of(value, kinds)]
        return self._rules.either(possible) if possible else None

    def _string(self, schema: Mapping[str, Json], at: str) -> str | None:
        least, most = read.size(schema, "minLength", at) or 0, read.size(schema, "maxLength", at)
        if most is not None and least > most:
            return None
        inside = self._shaped(schema, at) or self._rules.repeat(_CHARACTER, least, most)
        return self._rules.rule(f'"\\"" {inside} "\\""')

    def _shaped(self, schema: Mapping[str, Json], at: str) -> str | None:
        """What a pattern or a format lets through; lengths beside it are left to the check."""
        pattern, form = schema.get("pattern"), schema.get("format")
        if pattern is not None and not isinstance(pattern, str):
            raise read.wrong(f"{at}/pattern", "it must be a text")
        if pattern is None and isinstance(form, str):
            pattern = FORMATS.get(form)
        return None if pattern is None else from_pattern(pattern, self._rules, _CHARACTER)

    def _array(self, schema: Mapping[str, Json], at: str, depth: int) -> str | None:
        least, most = read.size(schema, "minItems", at) or 0, read.size(schema, "maxItems", at)
        first, others = read.items(schema)
        if first:
            parts = [self._inside(item, f"{at}/items/{index}", depth) for index, item in enumerate(first)]
            if len(first) < least or (most is not None and len(first) > most):
                raise read.wrong(at, f"{len(first)} described items do not fit minItems and maxItems")
            if any(part is None for part in parts):
                return None
            return self._rules.rule(f'"[" {self._comma().join(part for part in parts if part)} "]"')
        item = None if most == 0 else self._inside(others, f"{at}/items", depth)
        if item is None:
            return '"[]"' if least == 0 else None
        if most is not None and least > most:
            return None
        more = self._rules.repeat(f"{self._comma()} {item}", max(0, least - 1), None if most is None else most - 1)
        some = f'"[" {item} {more} "]"'
        return self._rules.rule(some) if least else self._rules.rule(f'"[]" | {some}')

    def _comma(self) -> str:
        return f' "," {_SPACE} '

    def _object(self, schema: Mapping[str, Json], at: str, depth: int) -> str | None:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, dict):
            raise read.wrong(f"{at}/properties", "it must be an object")
        if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
            raise read.wrong(f"{at}/required", "it must be a list of names")
        more = schema.get("additionalProperties", True)
        described = {**properties, **{str(name): more for name in required if name not in properties}}
        if not described:
            return self._map(schema, at, depth)
        fields: list[tuple[str, bool]] = []
        for name, value in described.items():
            expression = self._inside(value, f"{at}/properties/{read.escaped(name)}", depth)
            if expression is not None:
                fields.append((f"{literal(_dump(name))} {literal(':')} {_SPACE} {expression}", name in required))
            elif name in required:
                return None
        return self._rules.rule(f'"{{" {self._fields(fields)} "}}"')

    def _fields(self, fields: list[tuple[str, bool]]) -> str:
        """The fields in order, of which some may be left out; commas only between those that are there."""
        after, first = '""', '""'
        for field, required in reversed(fields):
            name = self._rules.rule(field)
            with_comma = f"{self._comma()} {name} {after}"
            alone = f"{name} {after}"
            if required:
                after, first = self._rules.rule(with_comma), self._rules.rule(alone)
            else:
                after, first = self._rules.rule(f"{with_comma} | {after}"), self._rules.rule(f"{alone} | {first}")
        return first

    def _map(self, schema: Mapping[str, Json], at: str, depth: int) -> str | None:
        """An object with any names, or with those of some patterns."""
        patterns = schema.get("patternProperties", {})
        if not isinstance(patterns, dict):
            raise read.wrong(f"{at}/patternProperties", "it must be an object")
        kinds: list[tuple[dict[str, Json], Json]] = [
            ({"pattern": pattern}, value) for pattern, value in patterns.items()
        ]
        if schema.get("additionalProperties", not patterns) is not False:
            kinds.append(({}, schema.get("additionalProperties", True)))
        pairs: list[str | None] = []
        for name, value in kinds:
            expression = self._inside(value, f"{at}/additionalProperties", depth)
            key = self._string(name, f"{at}/patternProperties")
            pairs.append(f'{key} ":" {_SPACE} {expression}' if expression and key else None)
        pair = self._either(pairs)
        if pair is None:
            return '"{}"'
        return self._rules.rule(f'"{{}}" | "{{" {pair} {self._rules.repeat(f"{self._comma()} {pair}", 0, None)} "}}"')

    def _anything(self, levels: int) -> str:
        """Any JSON, nested so deep."""
        kinds = [self._typed(kind, {}, "", 0) for kind in read.TYPES[2:]]
        if levels:
            inner = self._anything(levels - 1)
            pair = self._rules.rule(f'{self._string({}, "")} ":" {_SPACE} {inner}')
            for left, part, right in (("{", pair, "}"), ("[", inner, "]")):
                more = self._rules.repeat(f"{self._comma()} {part}", 0, None)
                kinds.append(self._rules.rule(f'"{left}{right}" | "{left}" {part} {more} "{right}"'))
        return self._either(kinds) or '"null"'


def _constant(value: Json) -> str:
    return literal(_dump(value))


def _dump(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if text.isascii() or text.isprintable() else json.dumps(value, separators=(",", ":"))

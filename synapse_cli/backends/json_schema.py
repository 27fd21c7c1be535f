"""What does a JSON Schema say? Its keywords, read and refused by name, with the place of every mistake."""

from __future__ import annotations

import math
from collections.abc import Mapping
from urllib.parse import unquote

from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Json

SHAPES = {
    "type", "properties", "required", "additionalProperties", "enum", "const", "items", "prefixItems", "minItems",
    "maxItems", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "anyOf",
    "oneOf", "allOf", "$ref", "nullable", "pattern", "format",
}  # fmt: skip
_LEFT_TO_THE_CHECK = {
    "multipleOf", "uniqueItems", "minProperties", "maxProperties", "contentEncoding", "contentMediaType",
    "contentSchema", "unevaluatedProperties", "unevaluatedItems", "additionalItems", "not", "if", "then", "else",
    "contains", "minContains", "maxContains", "propertyNames", "patternProperties", "dependentRequired",
    "dependentSchemas", "dependencies", "$dynamicAnchor", "$recursiveAnchor",
}  # fmt: skip
"""Each of them only forbids more: the grammar lets too much through, and the check says so."""
NOTES = {"$schema", "$id", "id", "$comment", "$defs", "definitions", "$anchor", "title", "description", "default",
          "examples", "example", "deprecated", "readOnly", "writeOnly", "discriminator", "$vocabulary"}  # fmt: skip
TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")


def wrong(at: str, what: str, hint: str = "") -> UsageError:
    """An error that names the place."""
    return UsageError(
        f"the schema at {at}: {what}", hint or "see which keywords local models decode by: synapse run --help"
    )


def refuse_unknown(schema: Mapping[str, Json], at: str) -> None:
    """Raise for a keyword that would be passed over."""
    for keyword in schema:
        if keyword not in SHAPES and keyword not in _LEFT_TO_THE_CHECK and keyword not in NOTES:
            if keyword.startswith("x-"):
                continue
            raise wrong(at, f"{keyword!r} cannot be decoded by", "leave it out here and judge it by a check")


def types(schema: Mapping[str, Json], at: str) -> tuple[str, ...]:
    """The types that a schema names, or else those that its keywords are about."""
    named = schema.get("type")
    if named is None:
        about = (
            ("object", ("properties", "required", "additionalProperties", "patternProperties", "propertyNames")),
            ("array", ("items", "prefixItems", "minItems", "maxItems", "contains")),
            ("string", ("minLength", "maxLength", "pattern", "format")),
            ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
        )
        return tuple(kind for kind, keywords in about if any(word in schema for word in keywords)) or TYPES
    kinds = named if isinstance(named, list) else [named]
    for kind in kinds:
        if kind not in TYPES:
            raise wrong(f"{at}/type", f"{kind!r} is no type", "one of " + ", ".join(TYPES))
    return tuple(str(kind) for kind in kinds)


def items(schema: Mapping[str, Json]) -> tuple[list[Json], Json]:
    """Schemas of the first items one by one, and of all others."""
    others = schema.get("items", True)
    if isinstance(others, list):
        return others, True
    first = schema.get("prefixItems")
    return (first, others) if isinstance(first, list) else ([], others)


def bounds(schema: Mapping[str, Json], at: str) -> tuple[int | None, int | None]:
    """The least and the greatest whole number."""
    found: dict[str, float] = {}
    for keyword in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"):
        value = schema.get(keyword)
        if value is None:
            continue
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or (isinstance(value, float) and not math.isfinite(value))
        ):
            raise wrong(f"{at}/{keyword}", "it must be a number")
        found[keyword] = value
    lows = [math.ceil(found[key]) for key in ("minimum",) if key in found]
    lows += [math.floor(found[key]) + 1 for key in ("exclusiveMinimum",) if key in found]
    highs = [math.floor(found[key]) for key in ("maximum",) if key in found]
    highs += [math.ceil(found[key]) - 1 for key in ("exclusiveMaximum",) if key in found]
    return max(lows, default=None), min(highs, default=None)


def size(schema: Mapping[str, Json], keyword: str, at: str) -> int | None:
    """A length or a number of items."""
    value = schema.get(keyword)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0 or value != int(value):
        raise wrong(f"{at}/{keyword}", "it must be a whole number from 0 up")
    return int(value)


def references(schema: Json) -> list[str]:
    """Every $ref anywhere in a schema."""
    found = []
    waiting = [schema]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            pointer = here.get("$ref")
            if isinstance(pointer, str):
                found.append(pointer)
            waiting.extend(here.values())
        elif isinstance(here, list):
            waiting.extend(here)
    return found


def is_one_of(value: Json, kinds: tuple[str, ...]) -> bool:
    """Whether a value has one of these types."""
    if isinstance(value, bool):
        return "boolean" in kinds
    if isinstance(value, (int, float)):
        return "number" in kinds or ("integer" in kinds and value == int(value))
    names = {str: "string", list: "array", dict: "object", type(None): "null"}
    return names[type(value)] in kinds


def escaped(name: str) -> str:
    """A name as part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def find(root: Json, pointer: str, at: str) -> Json:
    """What a reference within the schema leads to."""
    found = root
    for part in pointer.removeprefix("#").split("/")[1:]:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            raise wrong(at, f"$ref {pointer!r} leads nowhere")
    return found


def merge(root: Json, base: dict[str, Json], part: Json, at: str) -> dict[str, Json]:
    """Both at once, where that can be said by putting their keywords together."""
    followed: list[Json] = []
    while isinstance(part, dict) and "$ref" in part:
        if part in followed:
            raise wrong(at, f"{part['$ref']} refers to itself without anything in between")
        followed.append(part)
        part = find(root, str(part["$ref"]), at)
    if not isinstance(part, dict):
        raise wrong(at, "a schema in allOf must be an object")
    merged = dict(base)
    for key, value in part.items():
        mine = merged.get(key)
        if key not in merged or mine == value or key in NOTES:
            merged[key] = value
        elif key == "properties" and isinstance(mine, dict) and isinstance(value, dict):
            both = mine.keys() & value.keys()
            if any(mine[name] != value[name] for name in both):
                raise wrong(at, f"the property {min(both)!r} is described twice")
            merged[key] = {**mine, **value}
        elif key == "required" and isinstance(mine, list) and isinstance(value, list):
            merged[key] = [*mine, *(name for name in value if name not in mine)]
        else:
            raise wrong(at, f"two different {key!r} cannot be put together")
    return merged

"""A JSON Schema becomes a grammar that llama.cpp takes, and what is written by it has the schema's shape."""

from __future__ import annotations

import json
from collections.abc import Iterator

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapse_cli.backends.grammar import from_schema
from synapse_cli.core.errors import UsageError

from .tiny_gguf import write
from .writer import Writer


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    made = Writer(f"file:{write(tmp_path_factory.mktemp('grammar') / 'tiny.gguf')}")
    yield made
    made.close()


NODE = {"type": "object", "properties": {"v": {"type": "boolean"}, "next": {"$ref": "#/$defs/node"}}, "required": ["v"]}
FIXED = [
    {"type": "object"},
    {},
    True,
    {"enum": ['a"b\\', "ü\n", 1, 1.5, None, True, [1, "x"], {"k": "\x7f"}, "\ud800"]},
    {"const": {"a": [1, 2]}},
    {"type": ["string", "null"], "maxLength": 3},
    {"type": "integer", "minimum": -17, "maximum": 305},
    {"type": "integer", "exclusiveMinimum": 99, "exclusiveMaximum": 1001},
    {"type": "integer", "maximum": -5},
    {"type": "integer", "minimum": 10},
    {"type": "number", "minimum": 0},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 4},
    {"type": "array", "items": {"type": "null"}, "maxItems": 0},
    {"type": "array", "prefixItems": [{"type": "null"}, {"type": "boolean"}], "items": False},
    {"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}}, "additionalProperties": False},
    {"type": "object", "properties": {"a b": {"type": "boolean"}, 'ü"': {"type": "null"}}, "required": ['ü"', "z"]},
    {"type": "object", "additionalProperties": {"type": "boolean"}},
    {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
    {"type": "array", "items": {"$ref": "#"}},
    {"allOf": [{"$ref": "#/$defs/p"}, {"required": ["x"]}], "$defs": {"p": {"properties": {"x": {"type": "boolean"}}}}},
    {"properties": {"a": {"const": 1}, "b": {"const": 2}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {"oneOf": [{"type": "boolean"}, {"type": "null"}]},
    {"type": "string", "format": "date"},
    {"type": "string", "maxLength": 100_000},
    {"type": "object", "properties": {f"p{n}": {"type": "boolean"} for n in range(60)}},
    {"type": "string", "pattern": r"^[A-Z]{2,3}-\d{4}$"},
    {"type": "string", "pattern": r'^("|\\|\n|[^a-z]){1,9}$'},
    {"type": "string", "pattern": r"^(?:yes|no(?:ne)?)(, \w+)?$|^$"},
    {"type": "object", "patternProperties": {"^x-[a-c]$": {"type": "boolean"}}, "additionalProperties": False},
    *({"type": "string", "format": name} for name in ("date", "time", "date-time", "uuid", "ipv4", "email")),
]  # fmt: skip


@pytest.mark.parametrize("schema", FIXED, ids=lambda schema: json.dumps(schema)[:60])
def test_what_is_written_by_a_schema_matches_it(writer: Writer, schema: object) -> None:
    for seed in range(3):
        written = writer.write({"schema": schema}, seed)

        if written["finish"] == "stop":
            jsonschema.validate(json.loads(str(written["text"])), schema)  # type: ignore[arg-type]
        else:
            assert written["finish"] == "length"


LOOSENED = [
    {"type": "string", "pattern": "^(?=a)b"},
    {"type": "integer", "not": {"const": 3}},
    {"type": "boolean", "if": {"const": True}, "then": {"const": True}, "else": {"const": False}},
    {"type": "array", "items": {"type": "boolean"}, "contains": {"const": True}, "maxItems": 3},
    {"type": "object", "additionalProperties": {"type": "null"}, "propertyNames": {"maxLength": 2}},
    {"$ref": "#/$defs/a", "maxLength": 9, "$defs": {"a": {"type": "string"}}},
]


@pytest.mark.parametrize("schema", LOOSENED, ids=lambda schema: json.dumps(schema)[:50])
def test_what_a_grammar_cannot_say_is_left_to_the_check(writer: Writer, schema: object) -> None:
    assert writer.write({"schema": schema})["finish"] in {"stop", "length"}


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=4)
scalars = st.none() | st.booleans() | st.integers(-1000, 1000) | names
sizes = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def _string(size: tuple[int, int]) -> dict[str, object]:
    return {"type": "string", "minLength": size[0], "maxLength": size[1]}


def _integer(bounds: tuple[int, int]) -> dict[str, object]:
    return {"type": "integer", "minimum": min(bounds), "maximum": max(bounds)}


leaves = st.one_of(
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": "number"}, {"type": "integer"}]),
    st.lists(scalars, min_size=1, max_size=4).map(lambda values: {"enum": values}),
    scalars.map(lambda value: {"const": value}),
    sizes.map(_string),
    st.tuples(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6)).map(_integer),
)


def _grown(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    objects = st.dictionaries(names, inner, max_size=3).flatmap(
        lambda properties: st.sets(st.sampled_from(sorted(properties)) if properties else st.nothing()).map(
            lambda required: {
                "type": "object",
                "properties": properties,
                "required": sorted(required),
                "additionalProperties": False,
            }
        )
    )
    arrays = st.tuples(inner, sizes).map(
        lambda pair: {"type": "array", "items": pair[0], "minItems": pair[1][0], "maxItems": pair[1][1]}
    )
    return objects | arrays | st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts})


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schema=st.recursive(leaves, _grown, max_leaves=8), seed=st.integers(0, 1000))
def test_any_schema_gives_a_grammar_that_llama_cpp_takes_and_keeps(writer: Writer, schema: object, seed: int) -> None:
    written = writer.write({"schema": schema}, seed)

    assert written["finish"] in {"stop", "length"}
    if written["finish"] == "stop":
        jsonschema.validate(json.loads(str(written["text"])), schema)  # type: ignore[arg-type]


REFUSED = [
    ({"properties": {"a/b": {"minlength": 3}}}, "#/properties/a~1b"),
    ({"type": "string", "pattern": 3}, "#/pattern"),
    ({"patternProperties": []}, "#/patternProperties"),
    ({"$ref": "#/$defs/a", "type": "object", "$defs": {"a": {"type": "null"}}}, "#"),
    ({"type": "strin"}, "#/type"),
    ({"type": "string", "minLength": -1}, "#/minLength"),
    ({"minItems": "2"}, "#/minItems"),
    ({"enum": []}, "#/enum"),
    ({"anyOf": []}, "#/anyOf"),
    ({"anyOf": [{"type": "null"}, 3]}, "#/anyOf/1"),
    ({"$ref": "#/$defs/gone"}, "#"),
    ({"$ref": "https://example.org/x.json"}, "#"),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "#/$defs/b"),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]}}}, "#/$defs/a/anyOf/0"),
    ({"allOf": [{"type": "string"}, {"type": "null"}]}, "#/allOf/1"),
    ({"required": "a"}, "#/required"),
    ({"properties": []}, "#/properties"),
    ([], "#"),
]


@pytest.mark.parametrize(("schema", "place"), REFUSED, ids=lambda value: json.dumps(value)[:50])
def test_a_schema_that_cannot_be_decoded_by_is_refused_with_its_place(schema: object, place: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_schema(json.dumps(schema))

    assert f"at {place}:" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


TOO_MUCH = [
    {"type": "string", "minLength": 500_000},
    {"type": "array", "items": {}, "minItems": 10**9},
    {"enum": ["x" * 1000 + str(n) for n in range(2000)]},
    {"type": "integer", "minimum": 10**500},
    json.loads('{"items":' * 200 + "{}" + "}" * 200),
    {"type": "object", "properties": {f"p{n}": {"type": "string", "maxLength": n} for n in range(3000)}},
]


@pytest.mark.parametrize("schema", TOO_MUCH, ids=range(len(TOO_MUCH)))
def test_a_schema_that_would_be_a_huge_grammar_is_refused(schema: object) -> None:
    with pytest.raises(UsageError, match="too large"):
        from_schema(json.dumps(schema))


IMPOSSIBLE = [
    False,
    {"type": "integer", "minimum": 3, "maximum": 2},
    {"type": "string", "minLength": 3, "maxLength": 2},
    {"type": "object", "properties": {"a": False}, "required": ["a"]},
    {"type": "object", "properties": {"me": {"$ref": "#"}}, "required": ["me"]},
]


@pytest.mark.parametrize("schema", IMPOSSIBLE, ids=json.dumps)
def test_a_schema_that_nothing_matches_is_refused(schema: object) -> None:
    with pytest.raises(UsageError, match="nothing can match"):
        from_schema(json.dumps(schema))

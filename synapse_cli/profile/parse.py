"""Turn a profile's merged table into strict tables, and everything that is wrong with it into problems."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from synapse_cli.profile.sources import KeyPath, Sources, Table

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    from synapse_cli.profile.schema import ProfileTable

BROKEN = "\0broken"
"""Stands in place of a tier or a rule that is wrong, so that the rest of its cascade is judged all the same.

No file can say it: `sources` lets no NUL through.
"""

_NOT_YET: dict[tuple[str, ...], str] = {
    ("tools",): "",
    ("flows",): "",
    ("indexes",): "",
}
"""Keys of the pinned interface whose behaviour is not built; with what to use meanwhile."""

_SECRET = ("keys", "headers", "base_url")
"""Keys whose values are never shown: people paste secrets there."""

_ROUNDS = 12
_MOST_GUESSES = 300
"""Looking for the nearest name takes time, and nobody reads further."""

_EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "finite_number": "a finite number",
    "too_short": "at least one",
}


class _Wrong(NamedTuple):
    where: KeyPath
    found: str
    expected: str
    hint: str = ""


def parse(sources: Sources) -> ProfileTable:
    """The tables of a profile; what is wrong is reported to `sources` and left out."""
    _refuse_not_yet(sources)
    from pydantic import ValidationError

    from synapse_cli.profile.schema import ProfileTable

    data = copy.deepcopy(sources.data)
    for attempt in range(_ROUNDS):
        try:
            return ProfileTable.model_validate(data)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            if attempt == 0:
                for number, detail in enumerate(errors):
                    sources.problem(*_wrong(detail, sources.data, may_guess=number < _MOST_GUESSES))
            _prune(data, errors)
    return ProfileTable.model_validate({})


def nearest(name: str, names: Iterable[str], *, likeness: float = 0.6) -> str:
    """A hint with the name that was probably meant, or nothing."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=likeness)
    return f"did you mean {close[0]!r}?" if close else ""


def shown(value: object) -> str:
    """A value as messages show it: one short line."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…" + text[-1]


def _refuse_not_yet(sources: Sources) -> None:
    for path, hint in _NOT_YET.items():
        for table, where in _tables(sources.data, path[:-1], ()):
            if path[-1] in table:
                del table[path[-1]]
                found, expected = "a key whose behaviour is not built", "it left out: not yet"
                sources.problem((*where, path[-1]), found, expected, hint)


def _tables(table: object, path: tuple[str, ...], at: KeyPath) -> Iterable[tuple[Table, KeyPath]]:
    """Every table at a path where `*` stands for any name."""
    if not isinstance(table, dict):
        return
    if not path:
        yield table, at
        return
    for key in list(table) if path[0] == "*" else [path[0]]:
        yield from _tables(table.get(key), path[1:], (*at, key))


def _place(detail: ErrorDetails) -> KeyPath:
    loc = detail["loc"]
    if loc[:1] == ("models",) and len(loc) > 2:  # the third is pydantic's tag of the union, not a key
        return (*loc[:2], *loc[3:])
    return loc


def _wrong(detail: ErrorDetails, data: Table, *, may_guess: bool) -> _Wrong:
    where, kind = _place(detail), detail["type"]
    if kind == "missing":
        return _Wrong(where, "nothing", _needed(where))
    if kind == "extra_forbidden":
        return _unknown_key(where, data) if may_guess else _Wrong(where, "an unknown key", "another key")
    found = _unshown(detail["input"]) if _is_secret(where) else shown(detail["input"])
    context = detail.get("ctx", {})
    return _Wrong(where, found, _expected(kind, context))


def _expected(kind: str, context: Mapping[str, object]) -> str:
    if kind == "literal_error":
        return "one of " + str(context["expected"]).replace(" or ", ", ")
    bounds = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    for key, words in bounds.items():
        if key in context:
            return f"a number {words} {context[key]}"
    return str(context["expected"]) if "expected" in context else _EXPECTED.get(kind, "another value")


def _needed(where: KeyPath) -> str:
    from synapse_cli.profile.fields import SOURCES

    words = {
        "backend": '"llama.cpp", "litellm", "encoder", "scripted", "student" or a plugin\'s name',
        "source": SOURCES,
        "model": "a LiteLLM name such as openai/gpt-5-mini",
        "tiers": "a list of models, from cheap to dear",
        "prompt": "the text of the template",
        "kind": "the name of a check",
        "input": "dollars per million tokens",
        "output": "dollars per million tokens",
    }
    return words.get(str(where[-1]), "a value")


def _unshown(value: object) -> str:
    """What stands where a key may stand, without quoting it."""
    return "a text that is not shown" if isinstance(value, str) else shown(value)


def _is_secret(where: KeyPath) -> bool:
    return where[:1] == ("models",) and any(key in where[2:] for key in _SECRET)


def _unknown_key(where: KeyPath, data: Table) -> _Wrong:
    name, known = str(where[-1]), _known_keys(where[:-1], data)
    hint = nearest(name, known)
    if not hint and where[0] == "models":
        hint = _other_backend(name)
    return _Wrong(where, "an unknown key", "one of " + ", ".join(known), hint)


def _other_backend(key: str) -> str:
    from synapse_cli.profile import schema

    tables = ((schema.LiteLLMTable, "litellm"), (schema.LlamaCppTable, "llama.cpp"), (schema.EncoderTable, "encoder"))
    for table, backend in tables:
        if key in table.model_fields:
            return f"{key!r} is a key of {backend} models"
    return ""


def _known_keys(where: KeyPath, data: Table) -> list[str]:
    """Names of the keys of the table at `where`."""
    from synapse_cli.profile import schema

    inner: dict[KeyPath, type[BaseModel]] = {
        ("models", "price"): schema.PriceTable,
        ("models", "limits"): schema.LimitsTable,
        ("models", "deployments"): schema.DeploymentTable,
        ("models", "deployments", "limits"): schema.LimitsTable,
        ("hosts",): schema.HostsTable,
        ("retry",): schema.RetryTable,
        ("breaker",): schema.BreakerTable,
        ("telemetry",): schema.TelemetryTable,
        ("tenants",): schema.TenantTable,
        ("tenants", "budget"): schema.BudgetTable,
        ("routes", "budget"): schema.BudgetTable,
        ("routes",): schema.RouteTable,
        ("routes", "when"): schema.WhenTable,
        ("cascades",): schema.CascadeTable,
        ("templates",): schema.TemplateTable,
        ("budget",): schema.BudgetTable,
        ("routing",): schema.RoutingTable,
        ("shadow",): schema.ShadowTable,
        ("cache",): schema.CacheTable,
        ("cache", "semantic"): schema.SemanticTable,
        ("ledger",): schema.LedgerTable,
        ("defaults",): schema.DefaultsTable,
    }
    inside = tuple(
        key for key in (where[1:] if where[:1] == ("cache",) else where[2:]) if not isinstance(key, int)
    )  # of whichever entry of a list
    table: type[BaseModel] = inner.get((*where[:1], *inside), schema.ProfileTable)
    if len(where) == 2 and where[0] == "models":  # models.NAME
        models = data["models"]
        assert isinstance(models, dict)
        local: dict[str, type[BaseModel]] = {"llama.cpp": schema.LlamaCppTable, "encoder": schema.EncoderTable}
        local["student"] = schema.StudentTable
        table = local.get(schema.backend_tag(models[where[1]]), schema.LiteLLMTable)
    names = [field.alias or name for name, field in table.model_fields.items()]
    return ["extends", *names] if table is schema.ProfileTable else names


def _prune(data: Table, errors: list[ErrorDetails]) -> None:
    """Take out what is wrong, so that the rest can be looked at in the same pass; inner things first."""
    for detail in sorted(errors, key=lambda each: len(_place(each)), reverse=True):
        _take_out(data, _place(detail), is_missing=detail["type"] == "missing")


def _take_out(data: Table, where: KeyPath, *, is_missing: bool = False) -> None:
    if where[:1] == ("cascades",) and where[2:3] in (("tiers",), ("accept",)) and _replace_in_cascade(data, where):
        return
    if is_missing:  # what needs it goes too
        where = where[:-1]
    holder: object = data
    for key in where[:-1]:
        holder = holder.get(key) if isinstance(holder, dict) else None
    if isinstance(holder, dict):
        holder.pop(where[-1], None)
    elif where:
        _take_out(data, where[:-1])


def _replace_in_cascade(data: Table, where: KeyPath) -> bool:
    """Put a placeholder, so that the rest of the cascade can still be judged; False where that is not enough."""
    cascades = data["cascades"]
    cascade = cascades.get(where[1]) if isinstance(cascades, dict) else None
    if not isinstance(cascade, dict):
        return False
    if where[2] == "tiers":
        cascade["tiers"] = [BROKEN]
        return True
    rules, number = cascade.get("accept"), where[3] if len(where) > 3 else None  # accept itself, or accept[number]
    if not isinstance(rules, list) or not isinstance(number, int):
        return False
    rules[number] = {"kind": BROKEN}
    return True

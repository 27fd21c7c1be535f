"""Make every path in a profile absolute, from the folder of the file that names it."""

from __future__ import annotations

import os

from synapse_cli.profile.sources import KeyPath, Sources, Table

_WITH_FILES = ("schema", "scorer")
"""Accept rules that read a `file`."""


def resolve(sources: Sources) -> None:
    """Change the merged table in place; what has the wrong type is left for others to report."""
    for name, model in _entries(sources.data, "models"):
        at: KeyPath = ("models", name)
        _replace(sources, model, "source", at, prefix="file:")
        _replace(sources, model, "record", at)
        for number, adapter in enumerate(adapters if isinstance(adapters := model.get("lora"), list) else ()):
            if isinstance(adapter, dict):
                _replace(sources, adapter, "file", (*at, "lora", number))
        _keys(sources, model, at)
        places = model.get("deployments")
        for number, place in enumerate(places if isinstance(places, list) else ()):
            if isinstance(place, dict):
                _keys(sources, place, (*at, "deployments", number))
    telemetry = sources.data.get("telemetry")
    if isinstance(telemetry, dict):
        _replace(sources, telemetry, "file", ("telemetry",))
    for name, route in _entries(sources.data, "routes"):
        _replace(sources, route, "schema", ("routes", name))
        _replace(sources, route, "policy", ("routes", name))
        examples = route.get("examples")
        if isinstance(examples, list):
            route["examples"] = [_absolute(sources, each, ("routes", name, "examples"), "@") for each in examples]
    for name, cascade in _entries(sources.data, "cascades"):
        rules = cascade.get("accept")
        for rule in rules if isinstance(rules, list) else ():
            if isinstance(rule, dict) and rule.get("kind") in _WITH_FILES:
                rule["file"] = _absolute(sources, rule.get("file"), ("cascades", name, "accept"), "")
                if rule["file"] is None:
                    del rule["file"]
    cache = sources.data.get("cache")
    if isinstance(cache, dict) and isinstance(semantic := cache.get("semantic"), dict):
        _replace(sources, semantic, "similarity", ("cache", "semantic"))


def _entries(data: Table, kind: str) -> list[tuple[str, Table]]:
    entries = data.get(kind)
    pairs = entries.items() if isinstance(entries, dict) else ()
    return [(name, entry) for name, entry in pairs if isinstance(entry, dict)]


def _keys(sources: Sources, holder: Table, at: KeyPath) -> None:
    keys = holder.get("keys")
    if isinstance(keys, list):
        holder["keys"] = [_absolute(sources, key, (*at, "keys"), "file:") for key in keys]


def _replace(sources: Sources, table: Table, key: str, at: KeyPath, prefix: str = "") -> None:
    if key in table:
        table[key] = _absolute(sources, table[key], (*at, key), prefix)


def _absolute(sources: Sources, value: object, where: KeyPath, prefix: str) -> object:
    if not isinstance(value, str) or not value.startswith(prefix) or not value.removeprefix(prefix).strip():
        return value
    folder = os.path.dirname(sources.file_of(where))
    return prefix + os.path.abspath(os.path.join(folder, os.path.expanduser(value.removeprefix(prefix))))

"""Decide what a stranger's profile may do, and remember which files the user trusts.

A profile that was found by walking up from the working directory came with somebody's project. Until
`synapse trust`, it may not run commands, read keys from files, load plugins, write files, shorten the record, or send
a key or a prompt to an address of its own. Nothing it names is run or imported before this is decided.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping

from synapse_cli.core import registry
from synapse_cli.core.witness import Witness
from synapse_cli.profile.origin import Danger, Source
from synapse_cli.profile.paths import config_dir, write_private
from synapse_cli.profile.sources import KeyPath, Sources, Table, dotted

_KEYLESS = ("ollama", "ollama_chat", "lm_studio", "llamafile")
"""Providers that are called without a key."""

_LOOPBACK = re.compile(r"https?://(127\.[0-9.]+|localhost|\[::1\])(:[0-9]+)?(/|$)")

_LEADS_AWAY = re.compile(r"@(/|~|[A-Za-z]:|.*\.\.)")
"""A file that is not the project's own."""

_KEY_NAMES = {"gemini": ("GEMINI", "GOOGLE"), "huggingface": ("HF_", "HUGGINGFACE"), "together_ai": ("TOGETHER",)}
"""How a provider's variables begin where it is not with the provider's name."""

_HARMLESS_PARAMS = frozenset(
    {
        *("temperature", "top_p", "top_k", "min_p", "seed", "stop", "max_tokens", "max_completion_tokens"),
        *("repeat_penalty", "presence_penalty", "frequency_penalty", "logprobs", "contextual_calibration"),
    }
)


_SHARED = (
    ("cache", "max_size", "limits the kept answers"),
    ("ledger", "max_size", "limits the record"),
    ("ledger", "keep", "shortens the record"),
    ("hosts", "idle", "sets how long models stay warm"),
    ("hosts", "max_memory", "limits the memory of local models"),
)
"""What a project would take from others: cache, ledger and hosts are one for all, and pruning loses what they hold."""

_LONGEST = 500


def trust_file(env: Mapping[str, str]) -> str:
    """Where the trusted files are kept."""
    return os.path.join(config_dir(env), "trusted.json")


def trusted(env: Mapping[str, str]) -> dict[str, str]:
    """Path and SHA-256 of each trusted file; nothing where the list cannot be read."""
    try:
        with open(trust_file(env), encoding="utf-8") as file:
            files = json.load(file)["files"]
        return {str(path): str(digest) for path, digest in files.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def is_trusted(files: Iterable[Source], env: Mapping[str, str], witness: Witness) -> bool:
    """Whether the user trusts every one of these files as it is now."""
    path = trust_file(env)
    if not os.path.exists(path):
        witness.looked_for(path)
        return False
    witness.read(path)
    known = trusted(env)
    return all(known.get(os.path.realpath(file.path)) == file.sha256 for file in files if file.is_profile)


def trust(files: Iterable[Source], env: Mapping[str, str]) -> None:
    """Trust these files as they are now. Raises OSError."""
    _keep({**trusted(env), **{os.path.realpath(file.path): file.sha256 for file in files if file.is_profile}}, env)


def distrust(path: str, env: Mapping[str, str]) -> bool:
    """Stop trusting a file; False where it was not trusted. Raises OSError."""
    known = trusted(env)
    if known.pop(os.path.realpath(path), None) is None:
        return False
    _keep(known, env)
    return True


def dangers(sources: Sources) -> list[Danger]:
    """Everything in a profile that only a trusted one may do; the table need not be right otherwise."""
    return [Danger(sources.file_of(where), dotted(where), what) for where, what in _dangers(sources.data)]


def _keep(files: dict[str, str], env: Mapping[str, str]) -> None:
    from pathlib import Path

    write_private(Path(trust_file(env)), json.dumps({"schema": 1, "files": files}, indent=1, sort_keys=True) + "\n")


def _dangers(data: Table) -> Iterator[tuple[KeyPath, str]]:
    for name, model in _entries(data, "models"):
        yield from _of_model(("models", name), model)
    for name, route in _entries(data, "routes"):
        if "run" in route:
            yield ("routes", name, "run"), f"runs a command: {_words(route['run'])}"
        examples = route.get("examples")
        for number, each in enumerate(examples if isinstance(examples, list) else []):
            if isinstance(each, str) and _LEADS_AWAY.match(each):
                yield ("routes", name, "examples", number), f"reads the lines of {_clean(each[1:])}"
    for name, cascade in _entries(data, "cascades"):
        rules = cascade.get("accept")
        for number, rule in enumerate(rules if isinstance(rules, list) else []):
            yield from _of_rule(("cascades", name, "accept", number), rule)
    for where, budget in _budgets(data):
        if "alert_command" in budget:
            yield (*where, "alert_command"), f"runs a command: {_words(budget['alert_command'])}"
    yield from _of_telemetry(data.get("telemetry"))
    for table, key, what in _SHARED:
        entry = data.get(table)
        if isinstance(entry, dict) and key in entry:
            yield (table, key), f"{what} of all your projects: {_clean(entry[key])}"
    defaults = data.get("defaults")
    if isinstance(defaults, dict):
        yield from _of_params(("defaults", "params"), defaults.get("params"))


def _entries(data: Table, kind: str) -> Iterator[tuple[str, Table]]:
    entries = data.get(kind)
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if isinstance(entry, dict):
            yield name, entry


def _budgets(data: Table) -> Iterator[tuple[KeyPath, Table]]:
    places: list[tuple[KeyPath, object]] = [(("budget",), data.get("budget"))]
    for kind in ("routes", "tenants"):
        places += [((kind, name, "budget"), entry.get("budget")) for name, entry in _entries(data, kind)]
    for where, budget in places:
        if isinstance(budget, dict):
            yield where, budget


def _of_telemetry(telemetry: object) -> Iterator[tuple[KeyPath, str]]:
    if not isinstance(telemetry, dict):
        return
    if "file" in telemetry:
        yield ("telemetry", "file"), f"writes what you do to {_clean(telemetry['file'])}"
    if "endpoint" in telemetry:
        yield ("telemetry", "endpoint"), f"sends what you do to {_address(telemetry['endpoint'])}"
    if telemetry.get("content", False) is not False:
        yield ("telemetry", "content"), "tells whoever hears of your runs what was asked and answered"


def _of_model(at: KeyPath, model: Table) -> Iterator[tuple[KeyPath, str]]:
    backend = model.get("backend")
    if isinstance(backend, str) and _is_plugin("backends", backend):
        yield (*at, "backend"), f"loads the plugin {backend!r}"
    yield from _of_place(at, model)
    places = model.get("deployments")
    for number, place in enumerate(places if isinstance(places, list) else []):
        if isinstance(place, dict):
            inherited = {key: model[key] for key in ("model",) if key in model}
            yield from _of_place((*at, "deployments", number), {**inherited, **place})
    if "record" in model:
        yield (*at, "record"), f"writes prompts to {_clean(model['record'])}"
    yield from _of_params((*at, "params"), model.get("params"))


def _of_place(at: KeyPath, model: Table) -> Iterator[tuple[KeyPath, str]]:
    """Who is asked where, and with which keys."""
    provider = str(model.get("model", "")).partition("/")[0]
    keys = model.get("keys")
    for number, key in enumerate(keys if isinstance(keys, list) else []):
        yield from _of_key((*at, "keys", number), str(key), provider)
    if "base_url" in model and (keys or not _is_keyless(provider, str(model["base_url"]))):
        yield (
            (*at, "base_url"),
            f"sends prompts and your key for {_clean(provider) or 'it'} to {_address(model['base_url'])}",
        )
    if "://" in str(model.get("model", "")):
        yield (*at, "model"), "names an address of its own"
    if model.get("headers"):
        yield (*at, "headers"), "sends headers of its own"


def _of_key(at: KeyPath, key: str, provider: str) -> Iterator[tuple[KeyPath, str]]:
    kind, _, rest = key.partition(":")
    if kind == "cmd":
        yield at, f"runs a command: {_clean(rest)}"
    elif kind in ("file", "keyring"):
        yield at, f"reads a key from {kind}:{_clean(rest)}"
    elif kind == "env" and not _is_own_variable(rest, provider):
        yield at, f"sends the variable {_clean(rest)} to {_clean(provider) or 'a provider'} as its key"


def _is_own_variable(variable: str, provider: str) -> bool:
    begins = _KEY_NAMES.get(provider, (provider.upper(),))
    return bool(provider) and any(variable.upper().startswith(begin) for begin in begins)


def _is_keyless(provider: str, base_url: str) -> bool:
    return provider in _KEYLESS and _LOOPBACK.match(base_url) is not None


def _of_params(at: KeyPath, params: object) -> Iterator[tuple[KeyPath, str]]:
    for name in params if isinstance(params, dict) else ():
        if name not in _HARMLESS_PARAMS:
            yield (*at, name), f"hands the provider a parameter of its own: {_clean(name)}"


def _of_rule(at: KeyPath, rule: object) -> Iterator[tuple[KeyPath, str]]:
    kind = rule.get("kind") if isinstance(rule, dict) else None
    if kind == "command" and isinstance(rule, dict):
        yield at, f"runs a command: {_words(rule.get('argv'))}"
    elif kind == "judge" and isinstance(rule, dict):
        for key in ("rubric", "reference"):
            if str(rule.get(key, "")).startswith("@"):
                yield (*at, key), f"sends the file {_clean(str(rule[key])[1:])} to a model"
    elif isinstance(kind, str) and _is_plugin("checks", kind):
        yield at, f"loads the plugin {kind!r}"


def _is_plugin(kind: registry.Kind, name: str) -> bool:
    """Whether a name is somebody else's code that is installed; a mere typo is not."""
    return registry.is_plugin(kind, name) and name in registry.names(kind)


def _words(argv: object) -> str:
    return _clean(shlex.join(str(word) for word in argv) if isinstance(argv, list) else argv)


def _address(url: object) -> str:
    return _clean(str(url).partition("://")[2].partition("/")[0].rpartition("@")[2]) or "an address of its own"


def _clean(value: object) -> str:
    """A stranger's text on one line of a terminal, without control characters, and never cut in silence."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"

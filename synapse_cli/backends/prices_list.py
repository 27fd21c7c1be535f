"""What does a file of prices say? LiteLLM's own form, or ours: dollars per million tokens by `provider/id`."""

from __future__ import annotations

import json
from collections.abc import Iterator

from synapse_cli.backends.prices import priced, provider_name
from synapse_cli.core.errors import InputError
from synapse_cli.core.price_form import NAMES, price_json, to_price
from synapse_cli.core.prompt import Json

Table = dict[str, Json]

_LEAST = 1e-4
"""Dollars per million tokens below which somebody wrote dollars per token."""
_MOST_PER_TOKEN = 0.01
"""Dollars per token above which somebody wrote dollars per million."""
_SHOWN = 3
_HELP = 'LiteLLM\'s model_prices_and_context_window.json, or {"openai/gpt-5-mini": {"input": 0.25, "output": 2}}'


def read_list(file: str) -> tuple[dict[str, Table], int]:
    """Every priced model of a file, and how many entries have no price of tokens. Raises InputError."""
    models: dict[str, Table] = {}
    problems: list[str] = []
    skipped = 0
    for name, entry in _entries(file):
        try:
            found = _entry(name, entry)
        except ValueError as error:
            problems.append(f"{name}: {error}")
            continue
        if found is None:
            skipped += 1
            continue
        for full in _full_names(name, provider_name(entry)):
            if full == name or full not in models:
                models[full] = found
    if problems:
        more = f", and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise InputError(f"{file}: {'; '.join(problems[:_SHOWN])}{more}: nothing was taken in", _HELP)
    if not models:
        raise InputError(f"{file} has no price of tokens in it", _HELP)
    return models, skipped


def _entries(file: str) -> Iterator[tuple[str, Table]]:
    """Name and entry of each: of an object by name, or of a list as `synapse prices show --json` prints it."""
    try:
        with open(file, encoding="utf-8-sig") as opened:
            told = json.load(opened)
    except FileNotFoundError as error:
        raise InputError(f"there is no file {file!r}", "check the path") from error
    except OSError as error:
        raise InputError(f"{file!r} cannot be read: {error.strerror}", "name a JSON file") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file} is not JSON: {error}", _HELP) from error
    named = (
        [(str(each.get("model")), each) for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    )
    pairs = list(told.items()) if isinstance(told, dict) else named
    if not pairs or not all(isinstance(each, dict) for _, each in pairs):
        raise InputError(f"{file} is no list of prices", _HELP)
    yield from ((name, each) for name, each in pairs if name != "sample_spec")


def _full_names(name: str, provider: str) -> list[str]:
    """`provider/id`, under which a model is looked for: as it stands, and with its provider where that is missing."""
    whole = [name] if "/" in name else []
    return whole if not provider or name.startswith(f"{provider}/") else [*whole, f"{provider}/{name}"]


def _entry(name: str, entry: Table) -> Table | None:
    """What is kept of an entry; None where it is about something else than tokens."""
    if "input" in entry or "output" in entry:
        return _ours(name, entry)
    for key, value in entry.items():
        if "cost_per_token" in key and value is not None:
            _check(key, value)
    price = priced(entry)
    if price is None:
        return None
    rest = {"context": entry.get("max_input_tokens"), "max_output": entry.get("max_output_tokens")}
    rest |= {"mode": entry.get("mode")}
    return {**price_json(price), **{key: value for key, value in rest.items() if value is not None}}


def _ours(name: str, entry: Table) -> Table:
    if "/" not in name:
        raise ValueError("its name lacks the provider, as in openai/gpt-5-mini")
    numbers = {key: entry[key] for key in (*NAMES, "steps") if entry.get(key) is not None}
    price = to_price(numbers)
    for key in NAMES:
        value = getattr(price, key)
        if value is not None and 0 < value < _LEAST:
            raise ValueError(f"{key} = {value:f} dollars per million tokens looks like dollars per token")
    rest = {key: entry[key] for key in ("context", "max_output", "mode") if entry.get(key) is not None}
    return {**price_json(price), **rest}


def _check(key: str, value: Json) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError(f"{key} is {value!r}, expected dollars per token")
    if value > _MOST_PER_TOKEN:
        raise ValueError(f"{key} = {value} dollars per token looks like dollars per million tokens")

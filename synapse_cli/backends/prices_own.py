"""What does the user's own list say that a model costs? It goes before the catalogue, and a profile before it.

`prices.json` in the configuration folder holds what was overridden, and which lists were taken in; the newest counts.
A run opens that file only where it is there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from synapse_cli.core import places
from synapse_cli.core.errors import InputError
from synapse_cli.core.price_form import to_price
from synapse_cli.core.prompt import Json
from synapse_cli.profile.model import Listed

SCHEMA = 1
FOLDER = "prices"
"""Under the configuration folder: each list as it was taken in, an entry a line."""
_MAKERS = ("openai", "anthropic", "gemini", "mistral", "deepseek", "xai", "groq", "cohere", "perplexity", "moonshot")
"""Where a bare name is looked for."""

Table = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Own:
    """What `prices.json` says."""

    overrides: dict[str, Table] = field(default_factory=dict)
    lists: tuple[Table, ...] = ()
    """Of each list that was taken in: its number, where from, when, how many models; the newest last."""


def path(env: Mapping[str, str]) -> str:
    """The file of overrides and lists."""
    return os.path.join(places.folder("config", env), "prices.json")


def list_path(number: int, env: Mapping[str, str]) -> str:
    """The file of one list."""
    return os.path.join(places.folder("config", env), FOLDER, f"{number:04}.json")


def own(env: Mapping[str, str]) -> Own:
    """What the user keeps; empty where that is nothing. Raises InputError where it cannot be read."""
    at = path(env)
    try:
        with open(at, encoding="utf-8") as file:
            told = json.load(file)
        return Own({name: dict(each) for name, each in told["overrides"].items()}, tuple(told["lists"]))
    except (FileNotFoundError, NotADirectoryError):
        return Own()
    except OSError as error:
        raise InputError(f"cannot read {at}: {error.strerror}", "check its mode") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(at) from error


def listed(name: str, env: Mapping[str, str], known: Own | None = None) -> Listed | None:
    """What the user's own list says of `provider/id`. Raises InputError where it is damaged."""
    known = own(env) if known is None else known
    override = known.overrides.get(name)
    entry = _entry(name, known, env)
    if override is None:
        return None if entry is None else _listed(entry, path(env))
    return _listed({**(entry or {}), **override}, path(env), is_override=True)


def find(name: str, env: Mapping[str, str]) -> str | None:
    """`provider/id` of a bare name that a list or an override knows as a chat model; None without one."""
    known = own(env)
    for full in (f"{maker}/{name}" for maker in _MAKERS):
        entry = known.overrides.get(full) or _entry(full, known, env)
        if entry is not None and entry.get("mode", "chat") == "chat":
            return full
    return None


def names(known: Own, env: Mapping[str, str]) -> list[str]:
    """Every model of the newest list and of the overrides."""
    if not known.lists:
        return sorted(known.overrides)
    whole = json.loads(_text(list_path(_number(known.lists[-1], env), env)) or "{}")
    return sorted({*known.overrides, *whole})


def _entry(name: str, known: Own, env: Mapping[str, str]) -> Table | None:
    """One entry of the newest list, decoded alone."""
    if not known.lists:
        return None
    at = list_path(_number(known.lists[-1], env), env)
    text = _text(at)
    start = text.find(f"\n{json.dumps(name)}: {{")
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text, text.index("{", start + len(name)))
    except ValueError as error:
        raise _damaged(at) from error
    return value if isinstance(value, dict) else None


@lru_cache(maxsize=2)
def _text(at: str) -> str:
    """A list never changes once it is written: another one gets another number."""
    try:
        with open(at, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise _damaged(at) from error


def _number(list_: Table, env: Mapping[str, str]) -> int:
    number = list_.get("number") if isinstance(list_, dict) else None
    if not isinstance(number, int):
        raise _damaged(path(env))
    return number


def _listed(entry: Table, at: str, *, is_override: bool = False) -> Listed:
    numbers = {key: value for key, value in entry.items() if key not in {"context", "max_output", "mode"}}
    try:
        price = to_price(numbers) if numbers else None
    except (ValueError, TypeError) as error:
        raise _damaged(at) from error
    return Listed(
        price=price,
        context_tokens=_whole(entry.get("context")),
        max_output_tokens=_whole(entry.get("max_output")),
        is_override=is_override,
    )


def _whole(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _damaged(at: str) -> InputError:
    return InputError(f"{at} is no list of prices any more", "delete it, and say your prices again")

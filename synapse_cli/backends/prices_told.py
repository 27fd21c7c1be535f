"""What does a model cost, and who says so? The profile, the user's own list, or the catalogue; offline."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from synapse_cli.backends import prices, prices_own
from synapse_cli.core.completion import FREE, Price
from synapse_cli.core.prompt import Json
from synapse_cli.profile.model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One model's price. `source` is profile, override, list, catalogue or local; None where nobody knows a price."""

    name: str
    """As the profile has it, or `provider/id`."""
    model: str
    price: Price | None
    source: str | None
    detail: str = ""
    """Which file or version says so."""
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    mode: str = ""


def told_of(model: Model, env: Mapping[str, str]) -> Told:
    """What a model of the profile costs."""
    if model.model is None:
        source = "local" if model.price is None else "profile"
        return Told(name=model.name, model=model.source or model.backend, price=model.price or FREE, source=source)
    found = told(model.model, env)
    own = {"price": model.price, "source": "profile", "detail": model.file} if model.price else {}
    return _changed(found, name=model.name, context_tokens=model.context or found.context_tokens, **own)


def told(name: str, env: Mapping[str, str], own: prices_own.Own | None = None) -> Told:
    """What `provider/id` costs. Raises InputError where the user's own list is damaged."""
    own = prices_own.own(env) if own is None else own
    known = prices.entry(name)
    catalogue = Told(
        name=name,
        model=name,
        price=known.price if known else None,
        source="catalogue" if known and known.price else None,
        detail=catalogue_edition() if known and known.price else "",
        context_tokens=known.context_tokens if known else None,
        max_output_tokens=known.max_output_tokens if known else None,
        mode=known.mode if known else "",
    )
    listed = prices_own.listed(name, env, own)
    if listed is None or listed.price is None:
        return catalogue
    newest = own.lists[-1] if own.lists else {}
    detail = prices_own.path(env) if listed.is_override else f"{newest.get('file')}, {str(newest.get('at'))[:10]}"
    return _changed(
        catalogue,
        price=listed.price,
        source="override" if listed.is_override else "list",
        detail=detail,
        context_tokens=listed.context_tokens or catalogue.context_tokens,
        max_output_tokens=listed.max_output_tokens or catalogue.max_output_tokens,
    )


def all_told(env: Mapping[str, str]) -> Iterator[Told]:
    """Every model that catalogue, list or override price, by name."""
    own = prices_own.own(env)
    for name in sorted({*prices.all_names(), *prices_own.names(own, env)}):
        found = told(name, env, own)
        if found.price is not None:
            yield found


@lru_cache(maxsize=1)
def catalogue_edition() -> str:
    """Which catalogue is read: the version of LiteLLM that it came with, and the day on which that was installed."""
    folder = prices.package_folder()
    if folder is None:
        return "LiteLLM is not installed"
    above, heads = os.path.dirname(folder), ("litellm-", ".dist-info")
    version = next((n[len(heads[0]) : -len(heads[1])] for n in os.listdir(above) if _is_version(n, heads)), "")
    day = datetime.fromtimestamp(os.stat(folder).st_mtime, UTC).astimezone()
    return f"LiteLLM {version}, installed {day:%Y-%m-%d}".replace("  ", " ")


def _is_version(name: str, heads: tuple[str, str]) -> bool:
    return name.startswith(heads[0]) and name.endswith(heads[1])


def told_json(found: Told) -> dict[str, Json]:
    """One row of `synapse prices show --json`, which `synapse prices update` can read."""
    from synapse_cli.core.price_form import NAMES, price_json

    numbers = price_json(found.price) if found.price else {}
    return {
        "name": found.name,
        "model": found.model,
        **{name: numbers.get(name) for name in NAMES},
        "steps": numbers.get("steps", []),
        "context": found.context_tokens,
        "max_output": found.max_output_tokens,
        "mode": found.mode or None,
        "from": found.source,
        "detail": found.detail or None,
    }


def _changed(found: Told, **new: object) -> Told:
    from dataclasses import replace

    return replace(found, **new)  # type: ignore[arg-type]  # each is a field of Told, set above

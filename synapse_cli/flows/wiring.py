"""Who answers for a model, and in which process?"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from synapse_cli.core import places
from synapse_cli.core.errors import InputError
from synapse_cli.core.ports import Backend
from synapse_cli.core.providers import provider_of
from synapse_cli.core.registry import is_plugin, load
from synapse_cli.flows.ask import Ask
from synapse_cli.profile.model import Model
from synapse_cli.profile.settings import HostSettings

_OFF = frozenset({"off", "0", "no", "false"})
"""What `SYNAPSE_HOSTS` says where no process may stay behind."""

Keys = Callable[[], tuple[str, ...]]


def backend_of(
    model: Model, ask: Ask, hosts: HostSettings, warn: Callable[[str], None], keys: Keys | None = None
) -> Backend:
    """The model's own backend: in a host where it has one and hosts are on, else in this process.

    `keys` are its own where nobody else reads them.
    """
    from synapse_cli.backends.host.kind import kind_of

    model = with_own_price(model, warn)
    if takes_keys(model):
        keys = keys or keys_of(model)
    kind = kind_of(model) if ask.hosts and hosts_are_on() else None
    if kind is None:
        return _in_process(model, keys, hosts)
    from synapse_cli.backends.host.client import Hosted

    return Hosted(
        model,
        kind,
        in_process=lambda: _in_process(model, keys, hosts),
        keys=keys,
        settings=hosts,
        force=ask.force,
        warn=warn,
    )


def with_own_price(model: Model, warn: Callable[[str], None]) -> Model:
    """The model with what the user's own list says that it costs; a host gets it told, and reads no list itself."""
    if model.price is not None or model.model is None or not takes_keys(model) or not os.path.exists(price_file()):
        return model
    from synapse_cli.backends.prices_own import listed

    try:
        return replace(model, listed=listed(model.model, os.environ))
    except InputError as error:
        warn(f"{error.message}: the catalogue's prices count ({error.hint})")
        return model


def price_file() -> str:
    """Where overridden prices stand, and which lists were taken in; as `backends.prices_own` says."""
    try:
        return os.path.join(places.folder("config", os.environ), "prices.json")
    except OSError:
        return ""


def hosts_are_on() -> bool:
    """Whether this user lets models run in processes that stay."""
    return os.environ.get("SYNAPSE_HOSTS", "").lower() not in _OFF


def takes_keys(model: Model) -> bool:
    """Whether a provider is asked, who wants a key."""
    return model.backend == "litellm" or (model.backend == "encoder" and model.source is None)


def keys_of(model: Model) -> Keys:
    """What reads a model's keys when they are first needed, and remembers them: a `cmd:` runs once a run."""
    from synapse_cli.guard.secrets import key_source

    return key_source(model, os.environ)


def key_sources(model: Model) -> tuple[str, ...]:
    """Where a model's keys come from, without reading any."""
    from synapse_cli.guard.secrets import sources

    return sources(model, os.environ)


def folder_of(kind: Literal["cache", "state"]) -> str:
    """One of Synapse's folders, as `profile.paths` says where the short rule does not know."""
    try:
        return places.folder(kind, os.environ)
    except OSError:
        from synapse_cli.profile import paths

        return str(paths.cache_dir() if kind == "cache" else paths.state_dir())


def model_path(model: Model) -> str | None:
    """The file of a local model, or None where it has none. Raises BackendError where it is not here."""
    if not has_file(model):
        return None
    from synapse_cli.backends import catalog_paths

    return catalog_paths.there(model)


def has_file(model: Model) -> bool:
    """Whether a model is a file on this machine, here or still to be pulled."""
    source = model.source or ""
    return source.startswith("file:") or (model.backend in {"llama.cpp", "encoder"} and bool(source))


def provider_name(model: Model) -> str | None:
    """Who is asked, told without building a backend or reading prices; None for a plugin's, who knows it itself."""
    match model.backend:
        case "llama.cpp" | "scripted" | "command" | "student":
            return model.backend
        case "litellm":
            return provider_of(model.model)
        case "encoder":
            return provider_of(model.model) if model.source is None else "llama.cpp"
        case _:
            return None


def find_hosted(name: str) -> str | None:
    """`provider/id` of a name that the profile does not have; the catalogue is looked into only then."""
    from synapse_cli.backends import prices, prices_own

    found = prices.find(name)
    return found or (prices_own.find(name, os.environ) if os.path.exists(price_file()) else None)


def near_hosted(name: str) -> list[str]:
    """The names of hosted models most like this one."""
    from synapse_cli.backends.prices import near

    return near(name)


def _in_process(model: Model, keys: Keys | None, hosts: HostSettings) -> Backend:
    if model.backend in {"llama.cpp", "encoder"}:
        from synapse_cli.backends.llamacpp_pool import pool

        pool().limit = hosts.max_memory
    if model.backend == "command":
        from synapse_cli.backends.command import Command

        return Command(model)
    made = load("backends", model.backend)
    if is_plugin("backends", model.backend):
        from synapse_cli.core.foreign import ForeignBackend

        return ForeignBackend(model.backend, lambda: made(model))
    backend: Backend = made(model) if keys is None else made(model, keys=keys)
    return backend

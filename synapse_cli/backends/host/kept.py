"""Which backends does a host hold? One a model, as long as neither its settings nor its file change."""

from __future__ import annotations

import json
import os
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict
from threading import Lock
from typing import Any

from synapse_cli.core.errors import SynapseError
from synapse_cli.core.ports import Backend, Encoder
from synapse_cli.core.prompt import Json
from synapse_cli.core.registry import load
from synapse_cli.profile.model import Model

_MOST = 64
"""Backends held, mostly light ones: what is loaded of them is bounded by their own pool."""


class Kept:
    """Backends and encoders by what they are. Safe from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: OrderedDict[str, Any] = OrderedDict()

    def backend(self, model: Model, keys: tuple[str, ...]) -> Backend:
        """The backend of a model; one that takes keys is made for each call, and holds none after it."""
        made = load("backends", model.backend)
        if model.backend == "litellm" or model.model:  # an encoder at a provider likewise
            backend: Backend = made(model, keys=lambda: keys)
            return backend
        found: Backend = self._found("backend", model, made)
        return found

    def encoder(self, model: Model, keys: tuple[str, ...]) -> Encoder:
        """The encoder of a model, likewise."""
        name = "litellm" if model.model else "llama.cpp"
        made = load("encoders", name)
        if name == "litellm":
            encoder: Encoder = made(model, keys=lambda: keys)
            return encoder
        found: Encoder = self._found("encoder", model, made)
        return found

    def overhear(self, hear: Callable[[str], None]) -> None:
        """Let somebody hear what llama.cpp warns of and complains about."""
        from synapse_cli.backends.llamacpp_library import listeners

        if hear not in listeners:
            listeners.append(hear)

    def limit_memory(self, most: int | None) -> None:
        """Bytes that all loaded models may take, by whoever asks last; None is what the machine has."""
        from synapse_cli.backends.llamacpp_pool import pool

        pool().limit = most

    def loaded(self) -> Json:
        """The models in memory, as their pool tells; nothing where none was ever wanted."""
        if "synapse_cli.backends.llamacpp_pool" not in sys.modules:
            return []
        from synapse_cli.backends.llamacpp_pool import pool

        return [asdict(model) for model in pool().snapshot()]

    def _found(self, port: str, model: Model, made: type) -> Any:
        of = f"{port} {json.dumps(identity(model), sort_keys=True, default=str)}"
        with self._lock:
            found = self._held.pop(of, None)
            if found is None:
                found = made(model)
            self._held[of] = found
            while len(self._held) > _MOST:
                self._held.popitem(last=False)
        return found


def identity(model: Model) -> list[object]:
    """What a local model is: what its profile says of it, and the state of its files."""
    from synapse_cli.backends.host.codec import model_json

    return [model_json(model), *(_state(path) for path in _files(model))]


def _files(model: Model) -> list[str]:
    adapters = [adapter.file for adapter in model.lora]
    if model.backend not in {"llama.cpp", "encoder"}:
        return adapters
    source = model.source or "builtin:"
    if source.startswith("file:"):
        return [source.removeprefix("file:"), *adapters]
    if source.startswith("builtin:"):
        return adapters  # what is shipped changes with our version
    from synapse_cli.backends.catalog_paths import model_path

    try:
        return [model_path(model), *adapters]
    except SynapseError:
        return adapters  # said by the backend, when it is asked


def _state(path: str) -> list[int]:
    try:
        status = os.stat(path)
    except OSError:
        return []
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns]

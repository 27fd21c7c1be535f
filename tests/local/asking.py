"""Short ways to ask a local model in tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synapse_cli.backends.llamacpp import LlamaCpp
from synapse_cli.backends.llamacpp_engine import Engine
from synapse_cli.backends.llamacpp_pool import pool
from synapse_cli.core.control import Control
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model


def open_model(path: Path, **settings: Any) -> LlamaCpp:
    return LlamaCpp(Model(name=path.stem, backend="llama.cpp", source=f"file:{path}", **settings))


def engine_of(model: LlamaCpp) -> Engine:
    """The engine that answers for this model; it is loaded where it is not yet."""
    with model._local.lend(Control()) as (_, engine, _):
        return engine


def is_loaded(path: Path) -> bool:
    """Whether the pool holds an engine of this file."""
    return any(loaded.path == str(path) for loaded in pool().snapshot())


def asked(text: str, *, system: str | None = None, **rest: Any) -> Request:
    """A request; params stand among the other keywords as p_NAME."""
    params = {name.removeprefix("p_"): rest.pop(name) for name in list(rest) if name.startswith("p_")}
    turns = [Message("system", system)] if system else []
    return Request(messages=(*turns, Message("user", text)), params=params, **rest)

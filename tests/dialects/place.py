"""A provider on loopback, a profile that names it as a user would, and a session that follows the profile."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.session import Session
from synapse_cli.flows.step import step
from synapse_cli.profile.load import load
from synapse_cli.profile.model import Profile
from tests.dialects.dialects import QUESTION, SYSTEM, Dialect
from tests.servers.base import Reply, Seen, Server, serving

CANARY = "sk-canary-9Gv4sLq2XwTn7Kpe"
PARAMS: dict[str, Any] = {"max_tokens": 50, "temperature": 0.5}


@dataclass
class Place:
    """A server of one dialect, and how to ask it."""

    dialect: Dialect
    server: Server
    folder: Path

    def profile(self, model: str = "", **keys: Any) -> Profile:
        """The profile, read from a file as `synapse run` reads it."""
        table = {
            "backend": "litellm",
            "model": model or self.dialect.model,
            "base_url": self.server.url + self.dialect.base,
            "keys": ["env:DIALECT_KEY"],
            "timeout_s": 20,
            **keys,
        }
        lines = [f"{key} = {_toml(value)}" for key, value in table.items()]
        path = self.folder / "synapse.toml"
        path.write_text("\n".join(["schema = 1", "[models.m]", *lines, "[routes.default]", 'use = "m"', ""]))
        env = {**os.environ, "DIALECT_KEY": CANARY}
        return load(str(path), cwd=self.folder, env=env, witness=Witness(), use_compiled=False)

    def ask(self, *replies: Reply, stream: bool = False, model: str = "", keys: Any = None, **how: Any) -> Completion:
        """Run one prompt all the way; with replies, the server is told them first."""
        self.server.will(*(replies or (Reply(),)))
        pieces: list[str] = []
        ask = Ask(prompt=QUESTION, words=QUESTION, system=SYSTEM, cache="off", log=False, hosts=False, **how)
        session = Session(self.profile(model, **(keys or {})), ask, Witness())
        outcome = step(session, lambda _: None, pieces.append if stream else None).outcome
        if outcome.best is None:
            raise outcome.error or AssertionError("neither an answer nor an error")
        if stream and not (ask.schema or ask.choices):  # what is judged first is not told piece by piece
            assert "".join(pieces) == outcome.best.completion.text
        return outcome.best.completion

    def call(self, *replies: Reply, stream: bool = False, **wants: Any) -> tuple[Completion, list[str]]:
        """Ask the profile's model itself, with what no flag can say yet; the pieces come beside the answer."""
        self.server.will(*(replies or (Reply(),)))
        pieces: list[str] = []
        profile = self.profile()
        session = Session(profile, Ask(prompt="", hosts=False), Witness())
        messages = (Message("system", SYSTEM), Message("user", QUESTION))
        backend = session.backend(profile.models["m"])
        emit = pieces.append if stream else None
        return backend.complete(Request(messages=messages, **wants), Control(), emit), pieces

    def fail(self, *replies: Reply, stream: bool = False) -> SynapseError:
        """Ask once, below the climb, which would try again; return the error."""
        try:
            completion, _ = self.call(*replies, stream=stream)
        except SynapseError as error:
            return error
        raise AssertionError(f"answered: {completion}")

    @property
    def seen(self) -> Seen:
        """The only request that asked for an answer."""
        asked = [seen for seen in self.server.seen if seen.path != "/api/show"]
        assert len(asked) == 1, [seen.path for seen in asked]
        return asked[0]


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


@contextmanager
def open_place(dialect: Dialect, folder: Path) -> Iterator[Place]:
    """A place for the length of a `with`."""
    with serving(dialect.server) as server:
        yield Place(dialect, server, folder)

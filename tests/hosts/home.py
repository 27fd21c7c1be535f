"""The hosts of one home: what a test asks them, looks up about them, and does to them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from synapse_cli.backends.host.client import Hosted
from synapse_cli.backends.host.kind import Kind, place_of
from synapse_cli.backends.host.place import Place, folder
from synapse_cli.backends.host.start import line_to
from synapse_cli.core.ports import Backend
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.registry import load
from synapse_cli.profile.model import Model
from synapse_cli.profile.settings import HostSettings
from tests.e2e.machine import Machine

NANO = Model(name="nano", backend="llama.cpp", source="builtin:nano")
PATIENCE_S = 60.0
"""How long a busy machine may take for what an idle one does in milliseconds."""


def says(*words: str, **reply: Any) -> Model:
    """A model that says these words, one piece each; it lives in a host like any other."""
    text = " ".join(words)
    return Model(name="echo", backend="scripted", options={"replies": [{"text": text, **reply}]})


def asks(text: str = "hello", **more: Any) -> Request:
    return Request(messages=(Message("user", text),), **more)


def own(model: Model, keys: Callable[[], tuple[str, ...]] | None = None) -> Backend:
    """The model in this process."""
    made = load("backends", model.backend)
    backend: Backend = made(model, keys=keys) if keys else made(model)
    return backend


class Home:
    """One home folder with its hosts."""

    def __init__(self, root: Path, env: Mapping[str, str] | None = None) -> None:
        self.root = root
        self._env = env
        self.warnings: list[str] = []

    @classmethod
    def of(cls, machine: Machine) -> Home:
        return cls(machine.root, machine.env)

    @property
    def env(self) -> Mapping[str, str]:
        return os.environ if self._env is None else self._env

    def place(self, kind: Kind = "local") -> Place:
        return place_of(kind, self.env)

    def hosted(self, model: Model, kind: Kind = "local", *, idle_s: float = 300.0, **options: Any) -> Hosted:
        """A model in a host of this home."""
        settings = HostSettings(idle_s=idle_s)
        warn = self.warnings.append
        return Hosted(model, kind, in_process=lambda: own(model), settings=settings, warn=warn, **options)

    def status(self, kind: Kind = "local") -> dict[str, Any] | None:
        """What a host says of itself; None where there is none."""
        line = line_to(self.place(kind))
        if line is None:
            return None
        with line.wire as wire:
            wire.send_json({"op": "status"})
            said: dict[str, Any] = wire.receive_json()["done"]  # type: ignore[assignment]
            return said

    def pid(self, kind: Kind = "local") -> int:
        status = self.status(kind)
        assert status is not None
        return int(status["pid"])

    def kill(self, number: int = signal.SIGKILL, kind: Kind = "local") -> None:
        os.kill(self.pid(kind), number)

    def processes(self) -> list[int]:
        """Every process of every host of this home, by its command line."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if any(word.endswith(b"host/__main__.py") for word in words[:4]) and _folder(self.env).encode() in words:
                found.append(int(path.parent.name))
        return found

    def until(self, holds: Callable[[], object], what: str = "") -> None:
        """Wait until something holds."""
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end, what or "it never came to hold"
            time.sleep(0.01)

    def end(self) -> None:
        """End every host, and see that none is left."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGTERM)
            except OSError:
                continue
        end = time.monotonic() + PATIENCE_S
        while self.processes() and time.monotonic() < end:
            time.sleep(0.01)
        assert self.processes() == []


def _folder(env: Mapping[str, str]) -> str:
    return folder(env)

"""A machine of its own whose hosts are on, and ended after the test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.machine import Machine
from tests.hosts.home import Home


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder for sockets: pytest's own are too long for them."""
    folder = tempfile.mkdtemp(prefix="syn-", dir="/tmp")
    yield Path(folder)
    shutil.rmtree(folder)


@contextmanager
def machine_with_hosts(root: Path, runtime: Path) -> Iterator[Machine]:
    """The real command with hosts, which end with the machine."""
    made = Machine(root)
    del made.env["SYNAPSE_HOSTS"]
    made.env["XDG_RUNTIME_DIR"] = str(runtime)
    yield made
    Home.of(made).end()


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A folder for the sockets of one test."""
    with short_folder() as folder:
        yield folder


@pytest.fixture
def home(tmp_path: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """This process as a client: its folders are the test's own, and its hosts end with the test."""
    for name in [name for name in os.environ if name.startswith(("XDG_", "SYNAPSE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    made = Home(tmp_path)
    yield made
    made.end()


@pytest.fixture
def machine(tmp_path: Path, runtime: Path) -> Iterator[Machine]:
    """The real command, with hosts."""
    with machine_with_hosts(tmp_path / "machine", runtime) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """One for a whole module: LiteLLM takes seconds to load, once a host."""
    with short_folder() as folder, machine_with_hosts(tmp_path_factory.mktemp("shared") / "machine", folder) as made:
        yield made

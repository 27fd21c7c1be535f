"""One machine for all bad models of a module, with hosts or without."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.badmodels.asking import Asker
from tests.e2e.machine import Machine
from tests.hosts.home import Home
from tests.local.tiny_gguf import write


@pytest.fixture(scope="module", params=["in process", "in a host"])
def asker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """Somebody who asks models by path, and has a good one too."""
    machine = Machine(tmp_path_factory.mktemp("bad") / "machine")
    good = write(machine.work / "good.gguf")
    if request.param == "in process":
        yield Asker(machine, good, hosted=False)
        return
    runtime = Path(tempfile.mkdtemp(prefix="syn-", dir="/tmp"))  # pytest's own folders are too long for sockets
    del machine.env["SYNAPSE_HOSTS"]
    machine.env["XDG_RUNTIME_DIR"] = str(runtime)
    yield Asker(machine, good, hosted=True)
    Home.of(machine).end()
    shutil.rmtree(runtime)

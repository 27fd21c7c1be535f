"""One tiny model for the whole session."""

from __future__ import annotations

from pathlib import Path

import pytest

from synapse_cli.backends.llamacpp import LlamaCpp
from synapse_cli.profile.model import Model

from .tiny_gguf import write


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture(scope="session")
def backend(tiny: Path) -> LlamaCpp:
    return LlamaCpp(Model(name="tiny", backend="llama.cpp", source=f"file:{tiny}"))

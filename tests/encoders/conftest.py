"""MiniLM as it ships: converted once for the whole session, from the package that holds its weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from synapse_cli.backends import minilm


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder that holds the converted file."""
    state = tmp_path_factory.mktemp("state")
    minilm.ready({"SYNAPSE_STATE_DIR": str(state)})
    return state


@pytest.fixture
def at_hand(converted: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """MiniLM is on this machine."""
    monkeypatch.setenv("SYNAPSE_STATE_DIR", str(converted))
    return converted

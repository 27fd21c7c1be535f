"""A machine whose host keeps LiteLLM warm, and providers to fail it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.place import KEYS, Far, far
from tests.e2e.machine import Machine
from tests.hosts.conftest import machine_with_hosts, short_folder


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """One machine for a whole module: LiteLLM takes seconds to load, once a host."""
    with short_folder() as folder, machine_with_hosts(tmp_path_factory.mktemp("shared") / "machine", folder) as made:
        made.env |= KEYS
        yield made


@pytest.fixture
def warm(shared: Machine) -> Machine:
    """The shared machine, its host as it is and everything else forgotten."""
    shared.shell("rm -rf ~/.local/state/synapse/*.sqlite3* ~/.cache/synapse ~/.config/synapse")
    return shared


@pytest.fixture(scope="module")
def fars() -> Iterator[list[Far]]:
    """Three providers: OpenAI's dialect, Anthropic's, and OpenAI's again."""
    with far() as small, far("anthropic") as middle, far() as large:
        yield [small, middle, large]


@pytest.fixture
def well(fars: list[Far]) -> list[Far]:
    """The three providers, well and having seen nothing."""
    for one in fars:
        one.told(faults="", delay_s=0, rejects=[], forget=True)
    return fars

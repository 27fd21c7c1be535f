"""The real command asks each of the thirteen through the host that stays warm, and says what it should and no more."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.dialects.dialects import DIALECTS
from tests.dialects.place import CANARY
from tests.e2e.machine import Machine
from tests.servers.base import Reply, Server, serving


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine whose models run in a host, which is stopped at the end."""
    made = Machine(tmp_path)
    del made.env["SYNAPSE_HOSTS"]
    with tempfile.TemporaryDirectory() as runtime:  # a short name: sockets take no long ones
        made.env |= {"XDG_RUNTIME_DIR": runtime, "DIALECT_KEY": CANARY}
        yield made
        made.synapse("hosts", "stop")


@pytest.fixture
def servers() -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        yield {dialect.name: stack.enter_context(serving(dialect.server)) for dialect in DIALECTS}


def test_every_dialect_answers_the_command_from_one_warm_host(machine: Machine, servers: dict[str, Server]) -> None:
    machine.use(_profile(servers))

    for dialect in DIALECTS:
        servers[dialect.name].will(
            Reply(text="Lima, by the sea", thinking="" if dialect.lacks.get("thinking") else "Hm.")
        )
        done = machine.synapse("run", "-m", dialect.name, "--effort", "low", "What is the capital of Peru?")
        said = [line for line in done.lines if "does not think" not in line]
        assert (done.code, done.out, said) == (0, b"Lima, by the sea\n", []), dialect.name

    assert len(machine.synapse("hosts", "list").out.splitlines()) == 1


def test_a_key_is_in_no_log_record_or_cache(machine: Machine, servers: dict[str, Server]) -> None:
    machine.use(_profile(servers))
    servers["OpenAI"].will(Reply(status=401, message="{key} is wrong"))

    done = machine.synapse("run", "-m", "OpenAI", "--debug", "hi")
    machine.synapse("run", "-m", "Anthropic", "hi")

    assert (done.code, CANARY in done.err) == (77, False)
    machine.synapse("hosts", "stop")
    kept = [path for path in machine.root.rglob("*") if path.is_file()]
    assert kept
    assert [path for path in kept if CANARY.encode() in path.read_bytes()] == []


def _profile(servers: dict[str, Server]) -> str:
    tables = [
        f'[models."{dialect.name}"]\nbackend = "litellm"\nmodel = "{dialect.model}"\n'
        f'base_url = "{servers[dialect.name].url}{dialect.base}"\nkeys = ["env:DIALECT_KEY"]\n'
        for dialect in DIALECTS
    ]
    return "\n".join(["schema = 1", *tables, "[routes.default]", 'use = "OpenAI"', ""])

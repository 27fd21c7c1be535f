"""Encoders in a host: warm, with the same numbers, and a file that kills llama.cpp costs one request."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.machine import Machine
from tests.encoders.tiny_encoders import bert
from tests.hosts.home import Home

MUTANTS = int(os.environ.get("SYNAPSE_TEST_MUTANTS", "12"))
"""A hundred can be asked for; none of them reached the caller."""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """The real command, with hosts, whose sockets lie in a short folder."""
    runtime = tempfile.mkdtemp(prefix="syn-", dir="/tmp")
    made = Machine(tmp_path / "machine")
    del made.env["SYNAPSE_HOSTS"]
    made.env["XDG_RUNTIME_DIR"] = runtime
    bert(made.work / "tiny.gguf")
    yield made
    Home.of(made).end()
    shutil.rmtree(runtime)


def test_a_host_gives_the_same_numbers_and_stays_warm(machine: Machine) -> None:
    asked = ("embed", "-m", "tiny.gguf", "the cat", "hello")

    first, second = machine.synapse(*asked), machine.synapse(*asked)
    alone = machine.synapse(*asked, "--no-host")
    hosts = machine.synapse("hosts", "list", "--json").json

    assert first.code == second.code == 0, first.err
    assert first.out == second.out
    assert np.allclose(first.json["vectors"], alone.json["vectors"], atol=1e-6)
    assert [host["kind"] for host in hosts] == ["local"]


def test_a_tier_is_asked_in_its_host(machine: Machine) -> None:
    machine.use(
        f'schema = 1\n[models.tiny]\nbackend = "encoder"\nsource = "file:{machine.work}/tiny.gguf"\n'
        '[routes.default]\nuse = "tiny"\n'
    )

    done = machine.synapse("run", "--choices", "cat,dog world", "the cat sat")
    refused = machine.synapse("run", "Why?")

    assert (done.code, done.out) in ((0, b"cat\n"), (0, b"dog world\n"))
    assert refused.code == 69
    assert "names no labels" in refused.err


def test_a_damaged_file_costs_one_request_and_never_the_caller(machine: Machine) -> None:
    whole = (machine.work / "tiny.gguf").read_bytes()
    chance = random.Random(5)
    ended = []
    for number in range(MUTANTS):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(min(len(data), 4000))] = chance.randrange(256)
        machine.write(f"mutant-{number}.gguf", bytes(data))
        done = machine.synapse("embed", "-m", f"mutant-{number}.gguf", "the cat sat", "hello")
        ended.append(done.code)
        assert done.code in {0, 66, 69, 75}, (number, done.err)
        assert "Traceback" not in done.err
        assert done.code == 0 or done.lines[0].startswith("synapse: error: ")

    assert machine.synapse("embed", "-m", "tiny.gguf", "the cat").code == 0
    assert any(ended)

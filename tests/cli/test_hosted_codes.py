"""Exit codes where a real server answers badly: the whole command, through LiteLLM, over loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.machine import Machine
from tests.servers import openai
from tests.servers.base import Reply, Server, serving

CANARY = "sk-canary-0123456789abcdef"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(openai) as running:
        yield running


@pytest.mark.parametrize(
    ("reply", "code", "requests"),
    [
        (Reply(text="an answer"), 0, 1),
        (Reply(status=401, message="no such key: {key}"), 77, 1),
        (Reply(status=404, message="no such model"), 69, 1),
        (Reply(status=429, retry_after="0"), 75, 2),
        (Reply(status=500), 75, 2),
        (Reply(fault="hang"), 75, 2),
    ],
    ids=["answer", "401", "404", "429", "500", "hang"],
)
def test_what_a_provider_does_becomes_an_exit_code(
    machine: Machine, server: Server, reply: Reply, code: int, requests: int
) -> None:
    machine.use(_profile(server, timeout_s=2 if reply.fault == "hang" else 60))
    server.will(reply)

    done = machine.synapse("run", "hello", env={"LOOPBACK_KEY": CANARY})

    assert done.code == code, done.err
    assert len(server.seen) == requests or (reply.fault == "hang" and len(server.seen) <= requests)
    assert done.out == (b"an answer\n" if code == 0 else b"")
    assert len(done.lines) <= 2
    assert all(line.startswith("synapse: ") for line in done.lines)
    assert CANARY not in done.err
    assert machine.runs[-1][0] == code


def test_a_stream_that_was_cut_is_75_and_is_not_kept(machine: Machine, server: Server) -> None:
    machine.use(_profile(server))
    server.will(Reply(text="a whole answer in some words", cut_after=400, chunked=True))

    done = machine.synapse("run", "--stream", "hello", env={"LOOPBACK_KEY": CANARY})
    kept = machine.synapse("run", "--cache-only", "hello", env={"LOOPBACK_KEY": CANARY})

    assert done.code == 75, done.err
    assert kept.code == 69


def _profile(server: Server, timeout_s: int = 60) -> str:
    return (
        "schema = 1\n[models.h]\nbackend = 'litellm'\nmodel = 'openai/gpt-4o-mini'\nkeys = ['env:LOOPBACK_KEY']\n"
        f"base_url = '{server.url}/v1'\ntimeout_s = {timeout_s}\n[routes.default]\nuse = 'h'\n"
    )

"""Calls that make vectors are told like those that make answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.machine import Machine
from tests.servers import openai
from tests.servers.base import Reply, Server, serving
from tests.telemetry.collector import attributes
from tests.telemetry.test_file import read


def _use(machine: Machine, server: Server) -> Path:
    path = machine.work / "calls.jsonl"
    machine.use(
        "schema = 1\n[models.far]\nbackend = 'encoder'\nmodel = 'openai/text-embedding-3-small'\n"
        f"base_url = '{server.url}/v1'\nprice = {{ input = 1, output = 0 }}\n[telemetry]\nfile = '{path}'\n"
        "[models.echo]\nbackend = 'scripted'\nreplies = [{ match = '', text = 'x' }]\n[routes.default]\nuse = 'echo'\n"
    )
    return path


@pytest.mark.parametrize("status", [200, 401])
def test_a_call_says_who_what_and_how_it_ended(machine: Machine, status: int) -> None:
    with serving(openai, Reply(status=status, tokens=(20, 0))) as server:
        path = _use(machine, server)
        done = machine.synapse("embed", "secret-prompt", env={"OPENAI_API_KEY": "sk-0123456789abcdef"})

    received = read(path)
    (span,) = received.spans
    told = attributes(span)
    assert (done.code == 0) == (status == 200)
    assert (span.name, span.kind) == ("embeddings text-embedding-3-small", 3)
    assert told["gen_ai.operation.name"] == "embeddings"
    assert (told["gen_ai.provider.name"], told["server.port"]) == ("openai", server.port)
    assert told.get("gen_ai.usage.input_tokens") == (20 if status == 200 else None)
    assert told.get("error.type") == (None if status == 200 else "auth")
    assert ("gen_ai.client.token.usage" in received.points) == (status == 200)
    assert [attributes(point)["gen_ai.operation.name"] for point in received.points["gen_ai.client.operation.duration"]]
    assert "secret-prompt" not in path.read_text()


def test_calls_of_one_command_are_one_trace(machine: Machine) -> None:
    with serving(openai, Reply()) as server:
        path = _use(machine, server)
        texts = "".join(json.dumps({"text": f"text {number}"}) + "\n" for number in range(130))
        machine.synapse("embed", "--jsonl", stdin=texts, env={"OPENAI_API_KEY": "sk-0123456789abcdef"})

    spans = read(path).spans
    assert len(spans) == 3
    assert len({span.trace_id for span in spans}) == 1
    assert len({span.span_id for span in spans}) == 3

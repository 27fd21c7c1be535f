"""The tree of a run shows what was really done: who was asked where, with what, how often, and how it ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.machine import Machine
from tests.servers import openai
from tests.servers.base import Reply, Server, serving
from tests.telemetry.collector import attributes
from tests.telemetry.test_file import read

KEY = {"OPENAI_API_KEY": "sk-0123456789abcdef"}


def _run(machine: Machine, server: Server, *arguments: str, more: str = "") -> Path:
    path = machine.work / "runs.jsonl"
    machine.use(
        f"schema = 1\n[models.far]\nbackend = 'litellm'\nmodel = 'openai/gpt-4o-mini'\nbase_url = '{server.url}/v1'\n"
        f"price = {{ input = 1, output = 2 }}\n{more}\n"
        f"[routes.default]\nuse = 'far'\n[telemetry]\nfile = '{path}'\n"
    )
    machine.synapse("run", *arguments, "hello", env=KEY)
    return path


def _calls(path: Path) -> list[dict[str, Any]]:
    return [attributes(span) for span in read(path).spans if span.name.startswith("chat")]


def test_a_hosted_call_says_who_where_with_what_and_what_came(machine: Machine) -> None:
    reply = Reply(tokens=(20, 7), cached=5, reasoning=3)
    with serving(openai, reply) as server:
        path = _run(
            machine,
            server,
            "--param",
            "temperature=0.5",
            "--param",
            "max_tokens=50",
            "--seed",
            "7",
            "--param",
            'stop=["x"]',
        )

    (call,) = _calls(path)
    (span,) = [span for span in read(path).spans if span.name.startswith("chat")]
    assert (span.name, span.kind) == ("chat gpt-4o-mini", 3)
    cost = call.pop("synapse.cost_usd")
    assert cost == pytest.approx((20 + 2 * 7) / 1e6)
    assert call == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ["x"],
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 20,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 5,
        "gen_ai.usage.reasoning.output_tokens": 3,
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "synapse.model": "far",
    }


def test_a_streamed_call_says_when_its_first_piece_came(machine: Machine) -> None:
    with serving(openai, Reply()) as server:
        path = _run(machine, server, "--stream")

    (call,) = _calls(path)
    assert call["gen_ai.request.stream"] is True
    assert call["gen_ai.response.time_to_first_chunk"] > 0
    assert [point.count for point in read(path).points["gen_ai.client.operation.time_to_first_chunk"]] == [1]


def test_a_call_that_is_made_again_is_two_calls_and_a_pause(machine: Machine) -> None:
    with serving(openai, Reply(status=429, retry_after="0"), Reply()) as server:
        path = _run(machine, server)

    received = read(path)
    first, second = _calls(path)
    (root,) = received.roots
    waiting = [attributes(event) for event in root.events if event.name == "synapse.waiting"]
    assert first["error.type"] == "rate_limited"
    assert "error.type" not in second
    assert [each["synapse.tier"] for each in waiting] == ["far"]
    assert attributes(root)["synapse.exit_code"] == 0
    durations = received.points["gen_ai.client.operation.duration"]
    assert sorted(attributes(point).get("error.type", "") for point in durations) == ["", "rate_limited"]


def test_a_failed_run_says_how_it_failed(machine: Machine) -> None:
    with serving(openai, Reply(status=401)) as server:
        path = _run(machine, server)

    received = read(path)
    (root,) = received.roots
    (attempt,) = [span for span in received.spans if span.name.startswith("synapse.attempt")]
    assert (root.status.code, attempt.status.code) == (2, 2)
    assert attributes(root)["error.type"] == attributes(attempt)["error.type"] == "auth"
    assert attributes(root)["synapse.exit_code"] == 77
    assert [attributes(point)["error.type"] for point in received.points["synapse.runs"]] == ["auth"]


def test_a_tier_that_was_not_asked_has_no_call(machine: Machine) -> None:
    with serving(openai, Reply()) as server:
        path = _run(machine, server, "--local-only")

    received = read(path)
    (attempt,) = [span for span in received.spans if span.name.startswith("synapse.attempt")]
    assert attributes(attempt)["synapse.outcome"] == "skipped"
    assert _calls(path) == []
    assert "gen_ai.client.operation.duration" not in received.points


def test_a_deployment_is_told_by_its_own_address(machine: Machine) -> None:
    with serving(openai, Reply()) as server, serving(openai, Reply()) as other:
        place = f"{{ base_url = '{other.url}/v1', model = 'openai/gpt-4o-mini-elsewhere' }}"
        more = f"deployments = [{place}]\nspread = 'ordered'"
        server.will(Reply(status=401))  # its key is set aside, and the next place is asked
        path = _run(machine, server, more=more)

    calls = _calls(path)
    assert (calls[-1]["gen_ai.request.model"], calls[-1]["server.port"]) == ("gpt-4o-mini-elsewhere", other.port)
    assert {call["synapse.model"] for call in calls} == {"far"}


def test_what_deciding_took_is_part_of_the_decision(machine: Machine) -> None:
    path = machine.work / "runs.jsonl"
    machine.use(
        "schema = 1\n[models.nano]\nbackend = 'llama.cpp'\nsource = 'builtin:nano'\n"
        "[models.echo]\nbackend = 'scripted'\nreplies = [{ match = '', text = 'an answer' }]\n"
        "[routes.tidy]\nwhen = { task = ['classification'] }\nuse = 'echo'\n[routes.default]\nuse = 'echo'\n"
        f"[telemetry]\nfile = '{path}'\n"
    )

    machine.synapse("run", "Is this review positive or negative? Wonderful food.")

    spans = read(path).spans
    (decision,) = [span for span in spans if span.name == "synapse.decision"]
    (naming,) = [span for span in spans if span.name == "chat nano"]
    assert naming.parent_span_id == decision.span_id
    assert attributes(naming)["gen_ai.provider.name"] == "llama.cpp"


def test_a_schema_asks_for_json(machine: Machine) -> None:
    machine.write("schema.json", json.dumps({"type": "object"}))
    with serving(openai, Reply(text="{}")) as server:
        path = _run(machine, server, "--schema", "schema.json")

    assert {call["gen_ai.output.type"] for call in _calls(path)} == {"json"}


def test_a_tenant_is_told(machine: Machine) -> None:
    path = machine.work / "runs.jsonl"
    machine.says("an answer")
    profile = machine.config / "profiles" / "default.toml"
    profile.write_text(profile.read_text() + f"[tenants.acme]\n[telemetry]\nfile = '{path}'\n")

    machine.synapse("run", "--tenant", "acme", "hello")

    received = read(path)
    assert attributes(received.roots[0])["synapse.tenant"] == "acme"
    assert attributes(received.points["synapse.runs"][0])["synapse.tenant"] == "acme"

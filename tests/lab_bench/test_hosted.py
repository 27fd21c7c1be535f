"""Hosted models over loopback: first token, cached input, money, as a provider reports them, through LiteLLM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.machine import Machine
from tests.servers import openai
from tests.servers.base import Reply, Server, serving

KEY = {"LOOPBACK_KEY": "sk-loopback"}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """One for all tests here, so that LiteLLM is loaded once, in its host."""
    made = Machine(tmp_path_factory.mktemp("hosted"))
    made.env["SYNAPSE_HOSTS"] = "on"
    yield made
    made.synapse("hosts", "stop")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(openai.Speaker()) as running:
        yield running


def _bench(machine: Machine, server: Server, *more: str) -> dict[str, Any]:
    machine.use(
        "schema = 1\n[models.h]\nbackend = 'litellm'\nmodel = 'openai/gpt-4o-mini'\nkeys = ['env:LOOPBACK_KEY']\n"
        f"base_url = '{server.url}/v1'\nprice = {{ input = 1000, output = 10000, cached = 100 }}\n"
        "[routes.default]\nuse = 'h'\n[hosts]\nidle = '60s'\n"
    )
    done = machine.synapse("bench", "--json", "-m", "h", "hello", "-n", "8", *more, env=KEY)
    assert done.code == 0, done.err
    found: dict[str, Any] = done.json["candidates"][0]
    return found


def test_a_hosted_model_streams_and_its_first_token_comes_before_its_last(machine: Machine, server: Server) -> None:
    server.will(Reply(text="an answer of quite some words", pieces=6, pause_s=0.02, tokens=(100, 7)))

    found = _bench(machine, server)

    assert (found["calls"], found["errors"]) == (8, 0)
    assert all(seen.streaming for seen in server.seen)
    assert found["first_s"]["estimate"] < 0.7 * found["p50_s"]["estimate"]
    assert found["p50_s"]["estimate"] - found["first_s"]["estimate"] > 0.08
    assert 6 / 0.5 < found["tokens_per_s"]["estimate"] < 6 / 0.08


def test_input_that_the_provider_had_cached_is_shown_and_priced(machine: Machine, server: Server) -> None:
    """100 tokens of which 60 were cached, and 7 written: 40 + 6 + 70 thousandths of a dollar a call."""
    server.will(Reply(text="an answer", tokens=(100, 7), cached=60))

    found = _bench(machine, server)

    assert found["tokens"] == {"input": 800, "output": 56, "cached": 480, "reasoning": 0, "estimated": False}
    assert found["cost_usd"] == "0.928"
    assert found["cost_usd_per_call"] == {
        "estimate": pytest.approx(0.116),
        "low": pytest.approx(0.116),
        "high": pytest.approx(0.116),
    }


def test_calls_at_the_same_time_reach_the_provider_at_the_same_time(machine: Machine, server: Server) -> None:
    server.will(Reply(text="an answer", delay_s=1.5))

    found = _bench(machine, server, "-c", "8", "--save", "eight.json")

    calls = json.loads((machine.work / "eight.json").read_text())["calls"]
    began = sorted(call["started"] for call in calls if call["repeat"] >= 0)
    assert len(began) == found["calls"] == 8
    assert began[-1] - began[0] < 1.5  # the last one began before the first could be answered

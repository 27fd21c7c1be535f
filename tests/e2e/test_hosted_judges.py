"""Judges and samples at a provider: what it is sent, and what is billed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.machine import Machine
from tests.servers import openai
from tests.servers.base import Reply, Server, serving

KEY = {"LOOPBACK_KEY": "sk-canary-0123456789abcdef"}
PROFILE = """schema = 1
[models.small]
backend = "scripted"
replies = [{{ match = "", text = "Oslo" }}]
[models.big]
backend = "litellm"
model = "openai/{model}"
base_url = "{url}/v1"
keys = ["env:LOOPBACK_KEY"]
[cascades.c]
tiers = ["{tier}", "big"]
accept = [{rule}]
[routes.default]
use = "c"
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(openai) as running:
        yield running


def ask(machine: Machine, server: Server, model: str, rule: str, *replies: Reply, tier: str = "small"):
    machine.use(PROFILE.format(url=server.url, model=model, rule=rule, tier=tier))
    server.will(*replies)
    return machine.synapse("run", "--json", "The capital of Norway?", env=KEY).json


@pytest.mark.parametrize(("model", "temperature"), [("gpt-4o-mini", 0.0), ("gpt-5-mini", None)])
def test_a_hosted_judge_gives_one_label_and_is_not_asked_to_be_cold_where_it_reasons(
    machine, server, model, temperature
):
    """Models that reason refuse every temperature but 1, and a judge that refuses judges nothing."""
    reply = Reply(text='{"answer": "5"}', tokens=(300, 8))

    told = ask(machine, server, model, '{ kind = "judge", model = "big" }', reply)

    body = server.seen[0].body
    assert (told["accepted"], told["model"], told["answer"]) == (True, "small", "Oslo")
    assert body.get("temperature") == temperature
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["answer"]["enum"] == ["1", "2", "3", "4", "5"]
    assert float(told["cost_usd"]) > 0
    assert "small" not in str(body["messages"])


def test_a_judge_that_fails_at_the_provider_passes_nothing_and_the_climb_goes_on(machine, server):
    replies = [Reply(status=400, message="no"), Reply(text="Oslo, Norway", tokens=(20, 4))]

    told = ask(machine, server, "gpt-4o-mini", '{ kind = "judge", model = "big" }', *replies)

    assert (told["accepted"], told["model"], told["answer"]) == (True, "big", "Oslo, Norway")
    assert told["attempts"][0]["reason"].startswith("judge: not asked: ")


def test_how_sure_a_hosted_model_is_of_its_yes_is_asked_for_and_counts(machine, server):
    pieces = (('{"answer":"', 0.0), ("yes", -0.5), ('"}', 0.0))
    reply = Reply(text='{"answer":"yes"}', logprobs=pieces)

    told = ask(
        machine, server, "gpt-4o-mini", '{ kind = "self_check", model = "big", min = 0.9 }', reply, Reply(text="6")
    )

    assert server.seen[0].body["logprobs"] is True
    assert (told["model"], told["attempts"][0]["outcome"]) == ("big", "rejected")
    assert "for yes to" in told["attempts"][0]["reason"]

"""A real provider's counts, billed by the user's own price, told the same everywhere, and noticed when it changes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.e2e.machine import Machine
from tests.servers import openai
from tests.servers.base import Reply, Server, serving

KEY = {"LOOPBACK_KEY": "sk-canary-0123456789abcdef"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(openai) as running:
        yield running


def _use(machine: Machine, server: Server, model: str) -> None:
    machine.use(
        f'schema = 1\n[models.m]\nbackend = "litellm"\nmodel = "{model}"\nbase_url = "{server.url}/v1"\n'
        'keys = ["env:LOOPBACK_KEY"]\n[routes.default]\nuse = "m"\n'
    )


def test_an_override_bills_the_next_call_and_no_memo_outlives_it(machine: Machine, server: Server) -> None:
    _use(machine, server, "openai/house-model")
    server.will(*[Reply(text="an answer", tokens=(1000, 10), cached=400, reasoning=4)] * 3)

    machine.synapse("run", "first", env=KEY)
    machine.synapse("run", "first", env=KEY)
    machine.synapse("prices", "override", "m", "--input", "2", "--output", "8", "--cached", "0.5")
    machine.synapse("run", "first", env=KEY)  # the cache has the call; its memo was made under another price
    told = machine.synapse("run", "second", "--json", env=KEY).json

    sources = [source for _, source in machine.runs]
    cost = (600 * 2 + 400 * Decimal("0.5") + 10 * 8) / 1_000_000
    logged = machine.synapse("log", "show", told["run_id"], "--json").json
    summed = machine.synapse("cost", "--by", "model", "--json").json["total"]
    assert sources == ["default", "memo", "default", "default"]
    assert len(server.seen) == 2
    assert told["cost_usd"] == logged["cost_usd"] == logged["attempts"][0]["cost_usd"] == summed["cost_usd"]
    assert Decimal(told["cost_usd"]) == cost
    assert told["tokens"] == {"input": 1000, "output": 10, "cached": 400, "reasoning": 4, "estimated": False}
    assert (summed["calls"], summed["cost_unknown_calls"]) == (2, 1)


def test_a_budget_holds_by_the_users_own_price(machine: Machine, server: Server) -> None:
    """Without a price nothing is asked; with one the call is made, and with a dearer one it is not."""
    _use(machine, server, "openai/house-model")
    server.will(*[Reply(text="an answer", tokens=(20, 5))] * 3)
    ask = ("run", "--max-cost", "0.001", "--param", "max_tokens=50", "--no-cache")

    unpriced = machine.synapse(*ask, "one", env=KEY)
    machine.synapse("prices", "override", "m", "--input", "1", "--output", "2")
    cheap = machine.synapse(*ask, "two", env=KEY)
    machine.synapse("prices", "override", "m", "--input", "1000", "--output", "2000")
    dear = machine.synapse(*ask, "three", env=KEY)

    assert (unpriced.code, cheap.code, dear.code) == (79, 0, 79)
    assert len(server.seen) == 1
    assert "price" in unpriced.err


def test_what_a_provider_does_not_count_is_estimated_and_marked_everywhere(machine: Machine, server: Server) -> None:
    _use(machine, server, "openai/gpt-5-mini")
    server.will(Reply(text="one two three", counts=False))

    told = machine.synapse("run", "hello", "--json", env=KEY).json
    summed = machine.synapse("cost", "--json").json

    assert told["tokens"]["estimated"] is True
    assert Decimal(told["cost_usd"]) == (told["tokens"]["input"] * Decimal("0.25") + 3 * 2) / 1_000_000
    assert summed["total"]["cost_usd"] == told["cost_usd"]
    assert summed["total"]["tokens"]["estimated_calls"] == 1
    assert any("tokens of 1 call (100 %) are estimated" in note for note in summed["notes"])

"""A route that took an encoder to find is found again without it, as long as all that decided it is the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.machine import Machine
from tests.servers import openai
from tests.servers.base import Server, serving

PROFILE = """schema = 1
[models.enc]
backend = "encoder"
model = "openai/text-embedding-3-small"
base_url = "URL/v1"
keys = ["env:KEY"]
price = { input = 1, output = 0 }
[models.echo]
backend = "scripted"
replies = [{ match = "", text = "an answer" }]
[routing]
encoder = "enc"
order = ["semantic"]
[routes.money]
use = "echo"
examples = ["where is my invoice", "charge my card", "what does it cost", "refund me", "the price is wrong"]
[routes.parcels]
use = "echo"
examples = ["where is my parcel", "it never arrived", "track the delivery", "the box is broken", "ship it abroad"]
[routes.default]
use = "echo"
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(openai) as running:
        yield running


def test_a_route_found_by_meaning_asks_the_encoder_once(machine: Machine, server: Server) -> None:
    machine.env["KEY"] = "sk-loopback"
    machine.use(PROFILE.replace("URL", server.url))
    first = machine.synapse("run", "--json", "track my parcel").json
    asked = len(server.seen)

    again = machine.synapse("run", "--json", "track my parcel").json
    kept = len(server.seen)
    machine.synapse("run", "--json", "--refresh", "track my parcel")

    assert asked >= 2, "the examples, and the prompt"
    assert (again["route"], again["route_why"]) == (first["route"], first["route_why"])
    assert kept == asked
    assert again["cost_usd"] == "0"
    assert len(server.seen) == asked + 1, "--refresh decides anew"

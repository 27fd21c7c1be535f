"""`synapse explain` foretells that a provider which keeps failing is not asked."""

from __future__ import annotations

from tests.e2e.machine import Machine
from tests.seeing.conftest import DEAD


def test_a_tier_whose_circuit_is_open_says_when_it_is_tried_again(machine: Machine) -> None:
    machine.use(DEAD)
    before = machine.synapse("explain", "--json", "dead").json["tiers"]
    for number in range(3):
        machine.synapse("run", f"dead {number}")
    after = machine.synapse("explain", "--json", "dead").json["tiers"]
    told = machine.synapse("explain", "dead").out.decode()

    assert [tier["note"] for tier in before] == ["", ""]
    assert [tier["note"][:40] for tier in after] == ["not asked now, because it keeps failing;", ""]
    assert "dead: not asked now" in told

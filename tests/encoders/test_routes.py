"""Routes are found by meaning where words do not tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.machine import Machine
from tests.e2e.test_examples import profile_of

UNHEARD = [
    ("you owe me some money", "billing"),
    ("the compiler rejects it", "code"),
]
"""Prompts whose words no example tells apart."""


@pytest.fixture
def machine(tmp_path: Path, converted: Path) -> Machine:
    """A machine with MiniLM."""
    found = Machine(tmp_path)
    found.env["SYNAPSE_STATE_DIR"] = str(tmp_path / "state")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "encoders").symlink_to(converted / "encoders")
    return found


def test_a_prompt_in_other_words_finds_its_route(machine: Machine) -> None:
    machine.use(profile_of())

    for prompt, route in UNHEARD:
        told = machine.synapse("explain", "--json", prompt).json
        assert (told["route"], told["route_source"]) == (route, "semantic")
        assert told["route_why"].endswith("in meaning")
        assert told["warnings"] == []


def test_it_is_measured_with_words_and_the_nearest_centroid_beside_it(machine: Machine) -> None:
    machine.use(profile_of())
    rows = [{"text": text, "route": route} for text, route in UNHEARD]
    rows.append({"text": "the capital of France", "route": "oos"})
    test = machine.write("test.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    told = machine.synapse("route", "eval", "--test", str(test), "--json").json

    assert told["accuracy"] == 1
    assert told["encoder"] == "builtin:minilm"
    assert [each["router"] for each in told["beside"]] == ["words alone", "nearest centroid", "always the most common"]

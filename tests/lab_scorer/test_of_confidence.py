"""What a model's own confidence is worth, learned from a table."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from synapse_cli.core.errors import InputError
from synapse_cli.lab import outcomes
from synapse_cli.lab.scorer.of_confidence import calibrate, off
from tests.e2e.machine import Machine


@pytest.fixture
def table(tmp_path: Path) -> str:
    """A boastful model: of what it is 0.9 sure of, half is right."""
    rng = random.Random(1)
    lines = []
    for number in range(400):
        sure = rng.random()
        right = {"score": float(rng.random() < sure * 0.55), "cost": 0, "confidence": sure}
        outcome = {"boastful": right, "silent": {"score": 1, "cost": 1}}
        lines.append(json.dumps({"id": str(number), "task": "t", "prompt": f"q{number}", "outcomes": outcome}))
    path = tmp_path / "table.jsonl"
    path.write_text("\n".join(lines))
    return str(path)


def test_calibrated_a_confidence_is_nearer_to_the_truth(table):
    found = calibrate(outcomes.read(table), None)

    assert (found.model, found.rows) == ("boastful", 400)
    assert found.off_before > 0.15
    assert found.off_after < found.off_before / 2
    assert 0.4 < found.calibration.chance(0.95) < 0.7


def test_the_order_of_rows_changes_nothing(table):
    rows = outcomes.read(table)

    assert calibrate(rows, None) == calibrate(rows.only(range(399, -1, -1)), None)


def test_a_model_that_tells_no_confidence_is_an_error(table):
    with pytest.raises(InputError, match="0 confidences of 'silent'"):
        calibrate(outcomes.read(table), "silent")


def test_being_off_is_measured_by_tenths():
    assert off([0.95, 0.95], [1, 0]) == pytest.approx(0.45)
    assert off([0.5, 0.5], [1, 0]) == 0


def test_the_command_prints_a_rule_that_a_profile_takes(table, tmp_path: Path):
    machine = Machine(tmp_path / "m")

    told = machine.synapse("lab", "confidence", table, "--json").json
    machine.use(
        'schema = 1\n[models.m]\nbackend = "scripted"\nreplies = [{ match = "", text = "x", confidence = 0.9 }]\n'
        '[models.n]\nbackend = "scripted"\nreplies = [{ match = "", text = "y" }]\n[cascades.c]\ntiers = ["m", "n"]\n'
        f'accept = [{told["rule"]}]\n[routes.default]\nuse = "c"\n'
    )
    run = machine.synapse("run", "--json", "hello").json

    assert (run["model"], run["attempts"][0]["outcome"]) == ("n", "rejected")
    assert "confidence: 0." in run["attempts"][0]["reason"]

"""A bench whose answers were graded is a table that `synapse tune` can learn from."""

from __future__ import annotations

import json
from pathlib import Path

from synapse_cli.lab.outcomes import read
from tests.e2e.machine import Machine

PROFILE = """schema = 1
[models.small]
backend = "scripted"
replies = [{ match = "easy", text = "yes" }, { match = "", text = "no" }]
[models.big]
backend = "scripted"
price = { input = 1, output = 1 }
replies = [{ match = "", text = "yes" }]
[routes.default]
use = "small"
"""


def test_each_model_has_the_mean_of_its_grades(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.use(PROFILE)
    machine.write("rows.jsonl", "".join(f'{{"prompt": "{p}", "expected": "yes"}}\n' for p in ("easy", "hard")))
    bench = ["bench", "-m", "small", "-m", "big", "-f", "rows.jsonl", "--repeat", "2"]

    done = machine.synapse(*bench, "--outcomes", "table.jsonl")
    ungraded = machine.synapse("bench", "-m", "small", "what?", "--outcomes", "other.jsonl")
    secret = machine.synapse(*bench, "--outcomes", "other.jsonl", "--no-text")

    assert (done.code, ungraded.code, secret.code) == (0, 2, 2)
    rows = [json.loads(line) for line in (machine.work / "table.jsonl").read_text().splitlines()]
    assert [(row["prompt"], {name: each["score"] for name, each in row["outcomes"].items()}) for row in rows] == [
        ("easy", {"small": 1.0, "big": 1.0}),
        ("hard", {"small": 0.0, "big": 1.0}),
    ]
    assert rows[0]["outcomes"]["small"]["cost"] == 0 < rows[0]["outcomes"]["big"]["cost"]
    assert len(read(str(machine.work / "table.jsonl")).rows) == 2
    assert not (machine.work / "other.jsonl").exists()

"""A scorer from a table of outcomes: by the function, and by the command."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from synapse_cli.core.errors import InputError
from synapse_cli.lab import outcomes
from synapse_cli.lab.scorer.of_table import learn
from synapse_cli.learned.scorer import load
from tests.e2e.machine import Machine
from tests.lab_scorer.test_fit import answers

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> str:
    prompts, said, scores = answers(90, 1)
    rows = [
        {
            "id": f"r{number}",
            "task": "t",
            "prompt": prompt,
            "outcomes": {"cheap": {"score": 1, "cost": 0}, "mini": {"score": score, "cost": 0.001, "text": answer}},
        }
        for number, (prompt, answer, score) in enumerate(zip(prompts, said, scores, strict=True))
    ]
    path = tmp_path_factory.mktemp("tables") / "outcomes.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return str(path)


def _machine(root: Path) -> Machine:
    machine = Machine(root)
    machine.env.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    return machine


def test_the_cheapest_model_with_texts_is_learned_from_and_levels_let_fewer_and_better_answers_through(table):
    learned = learn(outcomes.read(table), None)

    assert (learned.model, learned.rows) == ("mini", 90)
    assert learned.levels[0].passes == 1.0
    assert learned.levels[0].right == learned.right
    passes = [level.passes for level in learned.levels]
    assert passes == sorted(passes, reverse=True)
    assert learned.levels[-1].right > learned.right
    assert all(level.right_at_least < level.right for level in learned.levels)


def test_a_model_without_texts_or_without_outcomes_is_an_error(table):
    with pytest.raises(InputError, match="0 answers of 'cheap'"):
        learn(outcomes.read(table), "cheap")
    with pytest.raises(InputError, match="no outcomes of 'maxi'"):
        learn(outcomes.read(table), "maxi")


def test_the_command_writes_a_scorer_that_a_profile_can_use(table, tmp_path: Path):
    machine = _machine(tmp_path)

    told = machine.synapse("lab", "scorer", table, "-o", "mini.scorer", "--json").json
    machine.use(
        'schema = 1\n[models.small]\nbackend = "scripted"\nreplies = [{ match = "", text = "perhaps it may be or" }]\n'
        '[models.big]\nbackend = "scripted"\nreplies = [{ match = "", text = "Therefore the river has 4 parts." }]\n'
        f'[cascades.c]\ntiers = ["small", "big"]\naccept = [{{ kind = "scorer", file = "{machine.work}/mini.scorer", '
        'min = 0.5 }]\n[routes.default]\nuse = "c"\n'
    )
    run = machine.synapse("run", "--json", "Question 3 about the river of 5").json

    assert told["model"] == "mini"
    assert set(told) == {"file", "sha256", "model", "rows", "right", "auc", "length_auc", "levels", "rule"}
    assert load(str(machine.work / "mini.scorer")).auc == told["auc"]
    assert (run["model"], run["attempts"][0]["reason"].startswith("scorer: 0.")) == ("big", True)


def test_a_missing_table_an_unknown_model_and_a_folder_that_is_not_there_are_said_before_anything_is_learned(
    table, tmp_path: Path
):
    machine = _machine(tmp_path)

    missing = machine.synapse("lab", "scorer", "none.jsonl")
    unknown = machine.synapse("lab", "scorer", table, "-m", "maxi")
    unwritable = machine.synapse("lab", "scorer", table, "-o", "nowhere/x.scorer")

    assert (missing.code, unknown.code, unwritable.code) == (66, 66, 66)
    assert "'nowhere'" in unwritable.err
    assert "none.jsonl" in missing.err
    assert "'maxi'" in unknown.err

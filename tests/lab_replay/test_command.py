"""`synapse lab replay`, as it is typed: what a policy would have done on rows whose outcomes are known."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.e2e.machine import Machine
from tests.tune import made

TRAIN, TEST = made.table(300, seed=1, easy=0.9, hard=0.2), made.table(200, seed=2, easy=0.9, hard=0.2)
"""`small` can do the easy half."""


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A policy that reads the prompt, by words alone."""
    machine = Machine(tmp_path_factory.mktemp("tuned"))
    made.written(machine.work, TRAIN)
    tune = ("tune", "--outcomes", "made.jsonl", "--lexical", "--no-certify", "--max-loss", "3%", "--best", "large")
    done = machine.synapse(*tune, "-o", "it.policy")
    assert done.code == 0, done.err
    return (machine.work / "it.policy").read_bytes()


@pytest.fixture
def machine(tmp_path: Path, policy: bytes) -> Machine:
    found = Machine(tmp_path)
    found.write("it.policy", policy)
    made.written(found.work, TEST, "test.jsonl")
    return found


def replay(machine: Machine, *flags: str, table: str = "test.jsonl") -> dict[str, object]:
    done = machine.synapse("lab", "replay", table, "--policy", "it.policy", "--json", *flags)
    assert done.code == 0, done.err
    return dict(done.json)


def test_figures_are_those_of_the_rows(machine: Machine) -> None:
    told = machine.synapse("lab", "replay", "test.jsonl", "--policy", "it.policy", "--json").json

    shares = {each["model"]: each["share"] for each in told["models"]}
    cost = sum(made.COSTS[model] * share for model, share in shares.items())
    large = sum(row.outcomes["large"].score for row in TEST.rows) / len(TEST.rows)
    assert told["rows"] == 200
    assert told["baseline"] == "large"
    assert told["cost_usd"] == pytest.approx(cost)
    assert told["saved"] == pytest.approx(1 - cost / made.COSTS["large"])
    assert told["loss"] == pytest.approx(large - told["accuracy"])
    assert told["loss_interval"][0] <= told["loss"] <= told["loss_interval"][1]
    assert sum(each["share"] for each in told["ways"]) == pytest.approx(1)
    assert told["saved"] > 0.2


def test_chance_length_singles_and_oracle_stand_beside(machine: Machine) -> None:
    told = machine.synapse("lab", "replay", "test.jsonl", "--policy", "it.policy", "--json").json

    assert {each["name"] for each in told["singles"]} == {"small", "other", "large"}
    assert told["best_single"]["name"] == "large"
    assert told["oracle"]["accuracy"] >= max(each["accuracy"] for each in told["singles"])
    assert told["random"]["cost_usd"] == pytest.approx(told["cost_usd"])
    assert told["length"]["cost_usd"] == pytest.approx(told["cost_usd"], rel=0.05)
    assert told["accuracy"] > told["random"]["accuracy"] + 0.05
    ranking = told["ranking"]
    assert (ranking["random"]["apgr"], ranking["random"]["cpt50"], ranking["random"]["cpt80"]) == (0.5, 0.5, 0.8)
    assert ranking["oracle"]["apgr"] > told["apgr"] > 0.7
    assert told["apgr_interval"][0] < told["apgr"] < told["apgr_interval"][1]


def test_rows_in_any_order_and_gzip_tell_the_same(machine: Machine) -> None:
    straight = replay(machine)
    turned = made.turned(TEST)
    lines = "".join(json.dumps(made.told(row)) + "\n" for row in turned.rows).encode()
    machine.write("test.jsonl.gz", gzip.compress(lines))

    again = replay(machine, table="test.jsonl.gz")

    for key in ("accuracy", "cost_usd", "saved", "loss", "apgr", "cpt50", "cpt80"):
        assert again[key] == pytest.approx(straight[key])


def test_another_baseline_may_be_named(machine: Machine) -> None:
    told = replay(machine, "--best", "small")

    assert told["baseline"] == "small"
    assert float(str(told["saved"])) < 0


def test_people_read_a_table_and_see_a_picture(machine: Machine) -> None:
    done = machine.synapse("lab", "replay", "test.jsonl", "--policy", "it.policy", "--svg", "it.svg")

    told, picture = done.out.decode(), (machine.work / "it.svg").read_text()
    assert done.code == 0
    assert "saved and" in told.splitlines()[0]
    assert all(name in told for name in ("random", "prompt length", "oracle", "APGR", "CPT50", "nothing was asked"))
    assert picture.startswith("<svg")
    assert all(name in picture for name in ("the policy", "large", "share of prompts to the strong model"))


def test_limits_that_are_not_met_exit_100(machine: Machine) -> None:
    line = ("lab", "replay", "test.jsonl", "--policy", "it.policy")

    met = machine.synapse(*line, "--min-saved", "10%", "--min-accuracy", "0.5", "--max-loss", "20%")
    missed = machine.synapse(*line, "--min-saved", "99%", "--min-apgr", "1.5")

    assert met.code == 0
    assert missed.code == 100
    assert "saved is" in missed.err
    assert "apgr is" in missed.err


def test_a_policy_that_always_takes_one_way_ranks_nothing_and_says_so(machine: Machine) -> None:
    made.written(machine.work, TRAIN)
    tuned = machine.synapse(
        "tune", "--outcomes", "made.jsonl", "--lexical", "--best", "large", "--max-loss", "0%", "-o", "it.policy"
    )

    told = replay(machine)

    assert tuned.code == 100
    assert (told["apgr"], told["cpt50"], told["ranking"]) == (None, None, None)
    assert "always takes one way" in str(told["why_unranked"])
    assert told["loss"] == 0


def test_a_row_that_lacks_a_model_is_named(machine: Machine) -> None:
    rows = [made.told(row) for row in TEST.rows]
    del rows[6]["outcomes"]["large"]  # type: ignore[attr-defined]  # a table of models
    machine.write("lacks.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    without = [{**row, "outcomes": {"small": row["outcomes"]["small"]}} for row in rows]  # type: ignore[index]
    machine.write("none.jsonl", "".join(json.dumps(row) + "\n" for row in without))

    one = machine.synapse("lab", "replay", "lacks.jsonl", "--policy", "it.policy")
    none = machine.synapse("lab", "replay", "none.jsonl", "--policy", "it.policy")

    assert (one.code, none.code) == (66, 66)
    assert "lacks.jsonl, line 7: outcomes: found none of 'large'" in one.err
    assert "none.jsonl, line 1: outcomes: found none of 'large'" in none.err


def test_what_it_was_made_from_is_said(machine: Machine) -> None:
    made.written(machine.work, TRAIN, "train.jsonl")

    done = machine.synapse("lab", "replay", "train.jsonl", "--policy", "it.policy")

    assert "made from this very table" in done.err


def test_flags_and_files_that_are_wrong_are_refused(machine: Machine) -> None:
    line = ("lab", "replay", "test.jsonl", "--policy")

    assert machine.synapse(*line, "it.policy", "--svg", "it.jpg").code == 2
    assert machine.synapse(*line, "it.policy", "--min-saved", "lots").code == 2
    assert machine.synapse(*line, "missing.policy").code == 66
    assert machine.synapse(*line, "it.policy", "--best", "nobody").code == 66

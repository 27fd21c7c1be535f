"""`synapse tune`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from synapse_cli.learned import policy
from tests.e2e.machine import Machine
from tests.tune import made

WORLD = made.table(300, easy=0.8, hard=0.8, large=0.85, speaks=True)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    found = Machine(tmp_path)
    made.written(found.work, WORLD)
    return found


def test_a_policy_is_made_told_drawn_and_written(machine: Machine) -> None:
    done = machine.synapse(
        "tune", "--outcomes", "made.jsonl", "--lexical", "-o", "it.policy", "--svg", "it.svg", "--max-loss", "1%"
    )

    told = done.out.decode()
    found = policy.load(str(machine.work / "it.policy"))
    picture = (machine.work / "it.svg").read_text()
    assert (done.code, found.certified) == (0, True)
    assert told.startswith(f"{found.promise.line}: ")
    assert "for the same money: random" in told
    assert "made.jsonl: 300 rows, 100 fitted, 200 tested" in told
    assert "wrote it.policy" in done.err
    assert picture.startswith("<svg")
    assert all(name in picture for name in ("large", "oracle", "prompt length"))


def test_json_holds_what_the_file_holds(machine: Machine) -> None:
    done = machine.synapse("tune", "--outcomes", "made.jsonl", "--lexical", "-o", "it.policy", "--json")

    found = policy.load(str(machine.work / "it.policy"))
    assert done.code == 0
    assert done.json["sha256"] == found.sha256
    assert done.json["saved"] == pytest.approx(found.measured.saved)
    assert done.json["bound"] == pytest.approx(found.promise.bound)
    assert {each["kind"] for each in done.json["frontier"]} >= {"policy", "single", "oracle", "random", "length"}
    assert done.json["checks"][0]["auc"] > 0.8


def test_a_policy_that_would_be_overwritten_is_compared(machine: Machine) -> None:
    """A cheaper policy that is worse is not put in the place of a better one unseen."""
    machine.synapse("tune", "--outcomes", "made.jsonl", "--lexical", "-o", "it.policy", "--best", "small")
    old = policy.load(str(machine.work / "it.policy"))

    done = machine.synapse("tune", "--outcomes", "made.jsonl", "--lexical", "-o", "it.policy", "--json")

    before = done.json["before"]
    assert before["sha256"] == old.sha256
    assert before["score_change"] == pytest.approx(done.json["score"] - before["score"])
    assert before["cost_change"] == pytest.approx(done.json["cost_usd"] - before["cost"])


def test_where_nothing_is_certified_the_policy_is_the_best_model_and_the_code_100(machine: Machine) -> None:
    made.written(machine.work, made.table(90, easy=0.6, hard=0.5, large=0.7), "hard.jsonl")

    done = machine.synapse("tune", "--outcomes", "hard.jsonl", "--lexical", "-o", "it.policy", "--max-loss", "0")

    found = policy.load(str(machine.work / "it.policy"))
    assert done.code == 100
    assert found.choose("anything").way.tiers == (found.baseline,)
    assert not found.certified
    assert "everything goes to it" in done.err
    assert "label" in done.out.decode()


def test_a_policy_is_tested_anew_on_new_rows(machine: Machine) -> None:
    machine.synapse("tune", "--outcomes", "made.jsonl", "--lexical", "-o", "it.policy")
    made.written(machine.work, made.table(250, seed=4, easy=0.8, hard=0.8, large=0.85, speaks=True), "new.jsonl")

    done = machine.synapse(
        "tune", "--from", "it.policy", "--outcomes", "new.jsonl", "--lexical", "-o", "it.policy", "--json"
    )

    assert done.code == 0
    assert (done.json["fitted"], done.json["tested"], done.json["certified"]) == (0, 250, True)
    assert done.json["before"]["score_change"] == 0


def test_an_estimate_is_written_and_marked(machine: Machine) -> None:
    made.written(machine.work, made.table(120, easy=0.8, hard=0.8, large=0.85, speaks=True), "few.jsonl")

    done = machine.synapse("tune", "--outcomes", "few.jsonl", "--lexical", "--no-certify", "-o", "it.policy", "--json")

    assert done.code == 0
    assert done.json["certified"] is False
    assert "not certified" in policy.load(str(machine.work / "it.policy")).promise.line


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--max-loss", "1%", "--max-cost", "1"], 2, "--max-loss and --max-cost contradict each other"),
        (["--max-loss", "much"], 2, "--max-loss takes no 'much'"),
        (["--max-loss", "1"], 2, "say 1% for points"),
        (["--min-quality", "1.2"], 2, "--min-quality takes no '1.2'"),
        (["--budget-share", "0"], 2, "--budget-share takes no '0'"),
        (["--confidence", "100%"], 2, "--confidence takes no '100%'"),
        (["--best", "nobody"], 66, "no outcomes of 'nobody'"),
        (["--svg", "it.png"], 2, "--svg takes no 'it.png'"),
        (["--since", "7d"], 2, "are of the ledger"),
        (["--from", "made.jsonl"], 66, "the policy made.jsonl cannot be used"),
        (["--from", "it.policy", "--best", "large"], 2, "--from keeps what the policy compares with"),
        (["-o", "there/is/none.policy"], 66, "cannot write"),
    ],
)
def test_what_is_typed_wrong_is_said_in_one_line(arguments: list[str], code: int, said: str, machine: Machine) -> None:
    done = machine.synapse("tune", "--outcomes", "made.jsonl", "--lexical", *arguments)

    assert done.code == code
    assert said in done.err


def test_a_table_that_is_not_there_is_said(machine: Machine) -> None:
    done = machine.synapse("tune", "--outcomes", "none.jsonl")

    assert (done.code, done.out) == (66, b"")
    assert "none.jsonl cannot be read" in done.err


def test_an_empty_ledger_says_where_labels_come_from(machine: Machine) -> None:
    done = machine.synapse("tune")

    assert done.code == 66
    assert "synapse good" in done.err or "no run" in done.err


@pytest.mark.parametrize(
    ("path", "said"),
    [("no/such.policy", "there is no folder"), (".", "it is a folder")],
)
def test_a_place_that_cannot_be_written_is_refused_before_the_work(machine: Machine, path: str, said: str) -> None:
    """The table is not even there: what would take minutes is not begun."""
    done = machine.synapse("tune", "--outcomes", "missing.jsonl", "-o", path)

    assert done.code == 66
    assert said in done.lines[0]


def test_a_best_estimate_that_saves_nothing_is_not_told_to_estimate(machine: Machine) -> None:
    done = machine.synapse("tune", "--outcomes", "made.jsonl", "--lexical", "--best", "small", "--no-certify")

    assert done.code == 100
    assert "is estimated to keep it" in done.lines[0]
    assert "--no-certify" not in done.err

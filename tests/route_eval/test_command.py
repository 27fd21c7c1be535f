"""`synapse route eval`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.machine import Machine
from tests.e2e.test_examples import JUDGE, WORDS, profile_of
from tests.routing import drawn

ROUTES = ("red", "green", "blue")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def _table(machine: Machine, name: str, seed: int, *, strange: int = 0) -> str:
    rows = [{"text": text, "intent": route} for route in ROUTES for text in drawn.texts(route, 15, seed)]
    rows += [{"text": "".join(drawn.texts("red", 1, 77)), "intent": "blue"}] * (seed == 2)
    rows += [{"text": text, "intent": "oos"} for text in drawn.texts("elsewhere", strange, seed)]
    return str(machine.write(name, "".join(json.dumps(row) + "\n" for row in rows)))


def _eval(machine: Machine, *more: str, strange: int = 20) -> list[str]:
    train, test = _table(machine, "train.jsonl", 1), _table(machine, "test.jsonl", 2, strange=strange)
    return ["route", "eval", "--examples", train, "--test", test, "--lexical", *more]


def test_a_router_of_ones_own_examples_is_measured_and_told_as_json(machine: Machine) -> None:
    done = machine.synapse(*_eval(machine, "--json"))
    told = done.json

    assert done.code == 0
    assert (told["rows"], told["in_scope"], told["out_of_scope"]) == (66, 46, 20)
    assert told["accuracy"] >= 0.9
    assert told["oos_recall"] >= 0.8
    assert told["reject"] == 0.05
    assert [each["router"] for each in told["beside"]] == ["words alone", "always the most common"]
    assert sum(map(sum, told["matrix"]["rows"])) == 66
    assert sum(each["rows"] for each in told["deciding"]) == 66
    assert told["learned"]["examples"] == 45


def test_a_person_reads_tables_and_a_picture_is_drawn(machine: Machine) -> None:
    picture = machine.work / "confusion.svg"

    done = machine.synapse(*_eval(machine, "--svg", str(picture)))
    said = done.out.decode()

    assert "accuracy" in said
    assert "always the most common" in said
    assert "belongs to" in said or "100.0%" in said
    assert picture.read_text().startswith("<svg")
    assert "how often it is right" in picture.read_text()


def test_a_missed_threshold_exits_100_after_the_figures(machine: Machine) -> None:
    done = machine.synapse(*_eval(machine, "--json", "--min-accuracy", "100%", "--min-recall", "1"))

    assert done.code == 100
    assert done.json["accuracy"] < 1
    assert "accuracy is" in done.err
    assert machine.synapse(*_eval(machine, "--min-accuracy", "0.5")).code == 0


def test_more_may_be_rejected_and_then_more_is_found(machine: Machine) -> None:
    few, many = (machine.synapse(*_eval(machine, "--json", "--reject", share)).json for share in ("2%", "30%"))

    assert few["rejected_in_scope"] <= many["rejected_in_scope"]
    assert few["oos_recall"] <= many["oos_recall"]
    assert (few["reject"], many["reject"]) == (0.02, 0.3)


def test_the_profiles_own_routes_and_rules_are_measured(machine: Machine) -> None:
    machine.use(profile_of(more=WORDS + '[routes.magic]\nuse = "clerk"\nwhen = { keywords = ["magic"] }\n'))
    rows = [
        {"text": "the invoice of this month", "route": "billing"},
        {"text": "a test for the parser", "route": "code"},
        {"text": "some magic please", "route": "magic"},
        {"text": "zzz qqq", "route": "oos"},
    ]
    test = machine.write("test.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    told = machine.synapse("route", "eval", "--test", str(test), "--json").json

    assert (told["accuracy"], told["accuracy_decided"], told["oos_recall"]) == (1, 1, 1)
    assert {each["router"]: each["rows"] for each in told["deciding"]} == {"lexical": 2, "rule": 1, "default": 1}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "nothing to test with"),
        (["--test", "nosuch.jsonl"], 66, "nosuch.jsonl cannot be read"),
        (["--test", "odd.jsonl"], 2, "'purple', which is no route"),
        (["--test", "odd.jsonl", "--reject", "lots"], 2, "--reject takes a share"),
        (["--test", "odd.jsonl", "--examples", "empty.jsonl"], 66, "empty.jsonl holds no row"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(machine: Machine, arguments: list[str], code: int, said: str) -> None:
    machine.use(profile_of(more=WORDS))
    machine.write("odd.jsonl", '{"text": "hello", "route": "purple"}\n')
    machine.write("empty.jsonl", "\n")

    done = machine.synapse("route", "eval", *arguments)

    assert (done.code, said in done.err, done.out) == (code, True, b"")


def test_a_judges_calls_are_made_once_a_prompt_and_count(machine: Machine) -> None:
    machine.use(profile_of(more=JUDGE))
    rows = [{"text": "month class", "route": "billing"}, {"text": "a poem", "route": "oos"}]
    test = machine.write("test.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    told = machine.synapse("route", "eval", "--test", str(test), "--json").json

    assert {each["router"]: each["rows"] for each in told["deciding"]} == {"judge": 2}
    assert (told["accuracy"], told["oos_recall"], len(machine.calls)) == (1, 1, 2)
    assert machine.ledger("SELECT kind, count(*) FROM calls GROUP BY kind") == [("route", 2)]
    assert float(machine.synapse("cost", "--json").json["total"]["cost_usd"]) > 0

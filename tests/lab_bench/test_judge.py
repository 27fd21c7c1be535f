"""A judge that grades a bench: blind, counted, and found out beforehand where it cannot be asked."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.machine import Machine

PROFILE = """schema = 1
[models.poor]
backend = "scripted"
replies = [{ match = "", text = "Lyon" }]
[models.good]
backend = "scripted"
price = { input = 1, output = 1 }
replies = [{ match = "", text = "Paris" }]
[models.judge]
backend = "scripted"
record = "~/calls.jsonl"
price = { input = 10, output = 10 }
replies = [
  { match = "(?s)answer [0-9a-f]+.\\nParis", text = "5", tokens = { input = 100, output = 1 } },
  { match = "", text = "1", tokens = { input = 100, output = 1 } },
]
[routes.default]
use = "poor"
"""
ROW = '{"prompt": "The capital of France?", "expected": "Paris, of course"}\n'


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.use(PROFILE)
    made.write("rows.jsonl", ROW)
    return made


def bench(machine: Machine, *more: str):
    asked = ("bench", "-m", "poor", "-m", "good", "-f", "rows.jsonl", "-n", "2", "--warm-up", "0", "--json")
    return machine.synapse(*asked, "--judge", "judge", *more)


def test_a_judge_scores_each_answer_and_its_cost_is_told_apart(machine):
    told = bench(machine).json

    quality = {each["candidate"]: each["quality"]["estimate"] for each in told["candidates"]}
    assert quality == {"poor": 0.0, "good": 1.0}
    assert Decimal(told["judge_cost_usd"]) == Decimal("0.00404")
    assert Decimal(told["cost_usd"]) > Decimal(told["judge_cost_usd"])
    assert told["candidates"][0]["cost_usd"] == "0"


def test_the_judge_is_told_question_rubric_and_reference_and_not_whose_answer_it_is(machine):
    bench(machine, "--rubric", "Is the city right?")

    asked = [json.dumps(call["messages"]) for call in machine.calls]
    assert len(asked) == 4
    assert len({*asked}) == 2
    for text in asked:
        assert "Is the city right?" in text
        assert "Paris, of course" in text
        assert "The capital of France?" in text
        assert "poor" not in text
        assert "good" not in text.replace("how good is the answer", "")


def test_the_benchs_money_holds_for_the_judge_too(machine):
    told = bench(machine, "--max-cost", "0.003").json

    assert told["end"] == "money"
    assert told["candidates"][1]["calls"] in (0, 1)
    assert Decimal(told["cost_usd"]) <= Decimal("0.003")


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        (["--judge", "juge"], "juge"),
        (["--judge", "judge", "--grade", "exact"], "contradict"),
        (["--rubric", "Is it right?"], "there is none"),
        (["--judge", "judge", "--rubric", "@none.md"], "cannot be read"),
        (["--judge", "judge", "--rubric", " "], "says nothing"),
        (["--grade", "judge"], "judge needs a model"),
    ],
)
def test_a_judge_that_cannot_be_meant_is_found_out_before_anything_is_asked(machine, flags, what):
    done = machine.synapse("bench", "-m", "poor", "-f", "rows.jsonl", *flags)

    assert done.code in (2, 66)
    assert what in done.err
    assert machine.calls == []


def test_a_table_may_not_name_whom_to_pay(machine):
    machine.write("rows.jsonl", ROW.replace("}", ', "grade": "judge=judge"}'))

    done = machine.synapse("bench", "-m", "poor", "-f", "rows.jsonl")

    assert (done.code, "--judge" in done.err) == (66, True)

"""Checks that ask other models, by the real command: what they cost, where that is counted, and what is kept."""

from __future__ import annotations

from decimal import Decimal

from tests.e2e.machine import Machine

PROFILE = """schema = 1
[models.small]
backend = "scripted"
record = "~/calls.jsonl"
replies = [
  {{ match = "again, whole", text = "yes" }},
  {{ match = "Norway", text = "Oslo" }},
  {{ match = "", text = "The answer is 4." }},
]
[models.other]
backend = "scripted"
record = "~/calls.jsonl"
price = {{ input = 1, output = 2 }}
params = {{ temperature = 0.3 }}
replies = [{{ match = "two", text = "4" }}, {{ match = "", text = "5", tokens = {{ input = 100, output = 50 }} }}]
[models.big]
backend = "scripted"
record = "~/calls.jsonl"
price = {{ input = 10, output = 20 }}
replies = [
  {{ match = "Reply with the number", text = "4", tokens = {{ input = 1000, output = 1 }} }},
  {{ match = "(?s)answer .*]\\nOslo.*faults", text = '{{"faults": ["say yes"], "score": 1}}' }},
  {{ match = "faults", text = '{{"faults": [], "score": 5}}' }},
  {{ match = "", text = "six" }},
]
[cascades.c]
tiers = ["small", "big"]
accept = [{rules}]
[routes.default]
use = "c"
"""


def run(machine: Machine, rules: str, *words: str):
    machine.use(PROFILE.format(rules=rules))
    done = machine.synapse("run", "--json", *words)
    return done.json


def calls(machine: Machine) -> list[tuple[str, str]]:
    """Kind and model of each call of the last run, as it was recorded."""
    shown = machine.synapse("log", "show", "last", "--json").json
    return [(call["kind"], call["model"]) for call in shown["calls"]]


def test_a_partner_counts_in_cost_tokens_and_record(machine):
    told = run(machine, '{ kind = "agree", with = "other" }', "three")

    assert (told["answer"], told["model"], told["accepted"]) == ("six", "big", True)
    assert told["attempts"][0]["reason"] == "agree: other says '5', not '4'"
    assert calls(machine) == [("tier", "small"), ("sample", "other"), ("tier", "big")]
    assert told["attempts"][0]["cost_usd"] == "0.0002"  # 100 and 50 tokens of the partner, at 1 and 2 dollars a million
    assert sum(Decimal(each["cost_usd"]) for each in told["attempts"]) == Decimal(told["cost_usd"])


def test_a_verdict_that_was_kept_is_replayed_at_no_cost(machine):
    rules = '{ kind = "judge", model = "big" }'
    first = run(machine, rules, "two and two")
    again = run(machine, rules, "two and two", "--tag", "again")

    assert (first["cost_usd"], again["cost_usd"]) == ("0.01002", "0")
    assert (again["cached"], again["accepted"]) == (True, True)
    assert calls(machine) == []


def test_the_partners_own_parameters_are_asked_with_so_that_its_kept_answer_serves(machine):
    machine.use(PROFILE.format(rules='{ kind = "agree", with = "other" }'))
    machine.synapse("run", "-m", "other", "two and two")

    told = machine.synapse("run", "--json", "two and two").json

    assert (told["model"], told["cost_usd"]) == ("small", "0")
    assert calls(machine) == [("tier", "small")]


def test_who_may_not_be_asked_is_said_and_passes_nothing(machine):
    machine.use(PROFILE.format(rules='{ kind = "judge", model = "big" }'))
    done = machine.synapse("run", "--json", "--local-only", "two and two")

    assert (done.code, done.json["accepted"]) == (65, False)
    assert "judge: not asked: --local-only" in done.json["attempts"][0]["reason"]


def test_a_budget_that_does_not_reach_for_the_judge_is_said(machine):
    machine.use(PROFILE.format(rules='{ kind = "judge", model = "big" }'))
    done = machine.synapse("run", "--json", "--max-cost", "0.0001", "two and two")

    assert done.code == 65
    assert "judge: not asked: " in done.json["attempts"][0]["reason"]
    assert done.json["cost_usd"] == "0"


def test_a_rewritten_answer_is_what_the_other_rules_judge_and_what_is_printed(machine):
    rules = '{ kind = "choices", values = ["YES", "NO"] }, { kind = "critique", model = "big" }'

    told = run(machine, rules, "Is the capital of Norway Oslo?")

    assert (told["answer"], told["model"], told["accepted"]) == ("YES", "small", True)
    assert calls(machine) == [("tier", "small"), ("judge", "big"), ("sample", "small"), ("judge", "big")]


def test_a_model_that_the_profile_has_not_is_an_error_of_the_profile(machine):
    machine.use(PROFILE.format(rules='{ kind = "judge", model = "bigg" }'))
    done = machine.synapse("run", "x")

    assert done.code == 78
    assert "cascades.c.accept[0]" in done.err
    assert "big" in done.err


def test_explain_foretells_whom_the_rules_will_ask(machine):
    machine.use(PROFILE.format(rules='{ kind = "agree", samples = 3 }, { kind = "judge", model = "big" }'))
    first, last = machine.synapse("explain", "--json", "two").json["tiers"]

    assert first["asks"] == [
        {"check": "agree", "model": "small", "kind": "sample", "calls": 3},
        {"check": "judge", "model": "big", "kind": "judge", "calls": 1},
    ]
    assert float(first["cost_usd_at_most"]) > 0
    assert last["asks"] == []


def test_a_judge_of_its_own_answer_is_warned_about(machine):
    told = run(machine, '{ kind = "judge", model = "big", required = true, min = 0.9 }', "two and two")

    assert told["warnings"] == ["big judged an answer of its own, and models are lenient to themselves"]
    assert (told["exit_code"], told["accepted"]) == (65, False)


def test_nobody_is_paid_to_judge_what_has_failed_for_nothing(machine):
    rules = '{ kind = "judge", model = "big" }, { kind = "regex", pattern = "never" }'

    told = run(machine, rules, "two and two")

    assert calls(machine) == [("tier", "small"), ("tier", "big")]
    assert (
        told["attempts"][0]["reason"] == "judge: not asked: the answer has failed already; regex: 'never' is not found"
    )

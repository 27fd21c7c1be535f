"""Exploring: off by default, one step up, within a budget that all processes share, and never called certified."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from synapse_cli.cache.manifest import RACY_S
from synapse_cli.flows.exploring import chance
from tests.e2e.machine import Machine
from tests.e2e.policed import MODEL, PROFILE, under
from tests.flows.policies import EASY, FIXED, uncertified

OFTEN = '[routing]\nexplore = 0.5\nexplore_budget = "{} USD"\n'
"""No profile may explore more often."""


def explored(machine: Machine) -> Any:
    """The first run that explores: every other one does, as its id draws; forty that do not are no chance."""
    for _ in range(40):
        told = machine.synapse("run", "--json", "--no-cache", EASY).json
        if told["policy"]["explored"]:
            return told
    raise AssertionError("nothing is explored")


def unaffordable(machine: Machine) -> Any:
    """The first run that would have explored, had there been money for it."""
    for _ in range(40):
        told = machine.synapse("run", "--json", "--no-cache", EASY).json
        if told["attempts"][0]["outcome"] == "skipped":
            return told
    raise AssertionError("nobody would have explored")


def test_nothing_is_explored_unless_the_profile_says_so(machine: Machine) -> None:
    under(machine, FIXED)

    told = machine.synapse("run", "--json", EASY).json

    assert (told["tier"], told["policy"]["explored"]) == ("small", False)


def test_the_next_dearer_way_is_tried_and_the_run_is_no_longer_called_certified(machine: Machine) -> None:
    under(machine, FIXED, more=OFTEN.format("0.50"))

    told = explored(machine)

    assert told["tier"] == "middle"
    assert (told["policy"]["way"], told["policy"]["explored"], told["policy"]["certified"]) == ("middle", True, False)
    assert "tried instead" in told["route_why"]
    assert machine.ledger("SELECT DISTINCT explored, certified FROM decisions WHERE way = 'middle'") == [(1, 0)]


def test_the_best_way_is_never_left_for_a_cheaper_one_under_a_certified_policy(machine: Machine) -> None:
    under(machine, replace(FIXED, always=2), more=OFTEN.format("0.50"))
    certified = [machine.synapse("run", "--json", "--no-cache", EASY).json["tier"] for _ in range(3)]

    under(machine, uncertified(replace(FIXED, always=2)), more=OFTEN.format("0.50"))

    assert certified == ["large"] * 3
    assert explored(machine)["tier"] == "middle"


def test_an_explored_answer_is_kept_by_no_memo(machine: Machine) -> None:
    under(machine, FIXED, more=OFTEN.format("0.50"))
    time.sleep(RACY_S + 0.1)  # the memo trusts no file that may still be changing

    heard: list[bytes] = []
    while heard[-1:] != [b"from small\n"] and len(heard) < 40:
        heard.append(machine.synapse("run", EASY).out)

    assert set(heard[:-1]) <= {b"from middle\n"}
    later = [machine.synapse("run", EASY).out for _ in range(3)]
    assert later == [b"from small\n"] * 3, "the policy's own choice is what the memo keeps"


def test_where_the_budget_for_it_is_spent_the_chosen_way_answers(machine: Machine) -> None:
    """A call of `middle` takes $0.0001; its upper bound is reserved beforehand, and is what does not fit."""
    under(machine, FIXED, more=OFTEN.format("0.00001"))

    told = unaffordable(machine)

    assert (told["tier"], told["exit_code"]) == ("small", 0)
    policy = told["policy"]
    assert (policy["way"], policy["explored"], policy["certified"]) == ("small", False, True), "nothing was tried"
    assert [(each["tier"], each["outcome"]) for each in told["attempts"]] == [
        ("middle", "skipped"),
        ("small", "accepted"),
    ]
    assert "today's budget of exploration default" in told["attempts"][0]["reason"]


def test_without_a_budget_only_free_ways_are_tried(machine: Machine) -> None:
    free = MODEL.format(name="middle", price=5)
    under(machine, FIXED, more="[routing]\nexplore = 0.5\n")
    paid = unaffordable(machine)["tier"]

    profile = PROFILE.replace(free, free.replace("price = { input = 5, output = 5 }\n", ""))
    under(machine, FIXED, profile=profile, more="[routing]\nexplore = 0.5\n")

    assert paid == "small"
    assert explored(machine)["tier"] == "middle"


def test_what_was_spent_on_it_is_shown_as_a_budget_of_its_own(machine: Machine) -> None:
    under(machine, FIXED, more=OFTEN.format("0.50"))
    explored(machine)

    rows = [each for each in machine.synapse("budget", "show", "--json").json if each["scope"] == "exploration"]

    assert {(each["period"], each["limit"], each["spent"]) for each in rows} >= {("day", "0.5", "0.0001")}


def test_an_answer_that_does_not_pass_is_followed_by_the_chosen_way(machine: Machine) -> None:
    cascade = '[cascades.strict]\ntiers = ["large"]\naccept = [{ kind = "regex", pattern = "small" }]\n'
    profile = PROFILE.replace('use = "large"', 'use = "strict"')
    under(machine, FIXED, profile=profile, more=cascade + OFTEN.format("0.50"))

    told = explored(machine)

    assert (told["answer"], told["exit_code"]) == ("from small", 0)
    assert told["escalations"][0]["from"] == "middle"


def test_who_explores_is_drawn_evenly_and_is_the_same_for_the_same_run() -> None:
    drawn = [chance(f"run{number}") for number in range(4000)]

    assert drawn == [chance(f"run{number}") for number in range(4000)]
    assert all(0 <= each < 1 for each in drawn)
    assert 340 <= sum(each < 0.1 for each in drawn) <= 460, "400 are expected; three deviations are 57"


def test_eight_at_once_spend_no_more_on_it_than_the_day_allows(machine: Machine) -> None:
    """A call of `middle` takes $0.0001, so that the day has room for two, whoever comes first."""
    under(machine, FIXED, more=OFTEN.format("0.00025"))

    machine.shell("for n in 1 2 3 4 5 6 7 8; do synapse run $n & done; wait")

    tried = machine.ledger("SELECT model FROM runs JOIN decisions ON run = id WHERE explored = 1")
    assert len(machine.ledger("SELECT id FROM runs WHERE exit_code = 0")) == 8
    assert [model for (model,) in tried].count("middle") <= 2
    assert {model for (model,) in tried} <= {"middle", "small"}

"""`synapse explain` under a policy: which way, why, why no other, and what is promised."""

from __future__ import annotations

from tests.e2e.machine import Machine
from tests.e2e.policed import under
from tests.flows.policies import EASY, FIXED, choosing


def test_every_way_is_told_with_its_chance_and_its_cost(machine: Machine) -> None:
    under(machine, choosing())

    told = machine.synapse("explain", "--json", EASY).json["policy"]

    assert (told["way"], told["certified"], told["baseline"], told["abstained"]) == ("small", True, "large", False)
    assert [each["way"] for each in told["ways"]] == ["small", "middle", "large"]
    assert [each["taken"] for each in told["ways"]] == [True, False, False]
    assert [each["mean_cost_usd"] for each in told["ways"]] == ["0.0001", "0.001", "0.01"]
    assert all(0.9 < each["score"] <= 1 for each in told["ways"]), "a sum goes well with all"
    assert told["score"] == told["ways"][0]["score"]
    assert "worth" in told["ways"][2]["why"]
    assert machine.calls == []


def test_a_person_reads_the_promise_and_why_not_the_others(machine: Machine) -> None:
    under(machine, choosing())

    page = machine.synapse("explain", EASY).out.decode()

    lines = page.splitlines()
    assert lines[2].startswith("policy   ")
    assert lines[2].endswith("a.policy: loses at most 1 point against large, 95% confidence")
    assert lines[3].startswith("way      small: good with a chance of")
    assert [line.split(":")[0].strip() for line in lines[4:6]] == ["not middle", "not large"]


def test_a_policy_of_one_way_tells_what_was_measured(machine: Machine) -> None:
    under(machine, FIXED)

    told = machine.synapse("explain", "--json", EASY).json["policy"]

    assert told["score"] is None
    assert [each["mean_score"] for each in told["ways"]] == [0.7, 0.8, 0.95]
    assert "0.95 good in the mean for about $0.010" in told["ways"][2]["why"]


def test_a_way_that_may_not_be_taken_says_so_and_the_promise_is_not_claimed(machine: Machine) -> None:
    under(machine, choosing())

    told = machine.synapse("explain", "--json", "--min-quality", "0.8", EASY).json
    page = machine.synapse("explain", "--min-quality", "0.8", EASY).out.decode()

    assert [each["taken"] for each in told["policy"]["ways"]] == [False, True, False]
    assert "it may not be taken: its answers are 0.70 good in the mean" in told["policy"]["ways"][0]["why"]
    assert told["policy"]["certified"] is False
    assert told["tiers"][0]["note"] == "", "the policy knows the quality of its ways"
    assert "not certified for this way, though for its own: loses at most 1 point" in page


def test_where_no_policy_chooses_there_is_none_to_tell(machine: Machine) -> None:
    machine.says("an answer")

    assert machine.synapse("explain", "--json", EASY).json["policy"] is None

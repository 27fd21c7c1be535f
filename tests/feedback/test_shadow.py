"""A share of cheap answers is looked at again by a dearer tier, blind, within a budget, and never paid for twice."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Running
from tests.e2e.machine import PATIENCE_S, SYNAPSE, Machine

PROFILE = """schema = 1
[models.small]
backend = "scripted"
replies = [
  {{ match = "same", text = "Big answer." }},
  {{ match = "hard", text = "" }},
  {{ match = "", text = "a small answer" }},
]
[models.big]
backend = "scripted"
record = "~/calls.jsonl"
price = {{ input = 10, output = 10 }}
replies = [
  {{ match = '\\[first answer \\w+\\]\\na small', text = "{first}", tokens = {{ input = 100, output = 10 }} }},
  {{ match = "first answer", text = "{second}", tokens = {{ input = 100, output = 10 }} }},
  {{ match = "slow", text = "big answer", latency_s = {slow}, tokens = {{ input = 100, output = 10 }} }},
  {{ match = "down", error = "server" }},
  {{ match = "", text = "big answer", tokens = {{ input = 100, output = 10 }} }},
]
[cascades.both]
tiers = ["small", "big"]
accept = [{{ kind = "length", min = 1 }}]
[routes.default]
use = "both"
[tenants.home]
local_only = true
[tenants.acme]
[shadow]
share = {share}
{more}
[retry]
max_attempts = 1
"""


def _use(machine: Machine, *, share: float = 1.0, first: str = "first", second: str = "second", **more: str) -> None:
    """By default the judge always prefers the small model's answer."""
    told = PROFILE.format(
        share=share, first=first, second=second, slow=more.get("slow", "0"), more=more.get("shadow", "")
    )
    machine.use(told + more.get("tables", ""))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    _use(made)
    return made


def _queue(machine: Machine, what: str = "run, state, result") -> list[tuple[Any, ...]]:
    return machine.ledger(f"SELECT {what} FROM shadows ORDER BY run")


def test_accepted_cheap_answers_wait_and_nothing_else(machine: Machine) -> None:
    machine.synapse("run", "hello")
    machine.synapse("run", "hello")  # the memo
    machine.synapse("run", "--json", "hello")  # the cache
    machine.synapse("run", "something hard")  # the last tier answered
    machine.synapse("run", "--local-only", "mine")
    machine.synapse("run", "--tenant", "home", "also mine")
    machine.synapse("run", "--no-log", "unseen")
    machine.synapse("run", "-m", "small", "by name")
    machine.synapse("run", "--tenant", "acme", "theirs")

    listed = machine.synapse("shadow", "list", "--json").json

    assert [(row["prompt"], row["tenant"], row["state"]) for row in listed] == [
        ("theirs", "acme", "waiting"),
        ("hello", None, "waiting"),
    ]
    assert [(row["model"], row["against"], row["judge"]) for row in listed] == [("small", "big", "big")] * 2
    assert len(machine.synapse("shadow", "list", "--tenant", "acme", "--json").json) == 1


def test_nothing_is_kept_to_be_sent_where_no_text_is(machine: Machine) -> None:
    _use(machine, tables="[ledger]\ntext = false\n")
    machine.synapse("run", "hello")

    done = machine.synapse("shadow", "run")

    assert _queue(machine) == []
    assert "[ledger] text = false keeps no prompt to send" in done.err
    assert machine.calls == []


def test_a_share_is_chosen_by_the_runs_id() -> None:
    from synapse_cli.core.ids import new_run_id
    from synapse_cli.flows.shadow import _is_chosen

    ids = [new_run_id(number) for number in range(4000)]

    chosen = [run for run in ids if _is_chosen(run, 0.05)]

    assert 140 <= len(chosen) <= 260
    assert all(_is_chosen(run, 0.06) for run in chosen)
    assert not any(_is_chosen(run, 0.0) for run in ids)
    assert all(_is_chosen(run, 1.0) for run in ids)


@pytest.mark.parametrize(
    ("first", "second", "result", "scores"),
    [("first", "second", "better", (1, 0)), ("second", "first", "worse", (0, 1)), ("equal", "equal", "tie", (1, 1))],
)
def test_the_judge_decides_whichever_comes_first(
    machine: Machine, first: str, second: str, result: str, scores: tuple[int, int]
) -> None:
    _use(machine, first=first, second=second)
    for prompt in ("one", "two", "three"):
        machine.synapse("run", prompt)

    told = machine.synapse("shadow", "run", "--json").json

    assert (told["compared"], told["results"][result], told["end"]) == (3, 3, "finished")
    rows = [json.loads(line) for line in machine.synapse("log", "outcomes").out.splitlines()]
    assert [tuple(row["outcomes"][model]["score"] for model in ("small", "big")) for row in rows] == [scores] * 3
    assert {row["outcomes"]["big"]["source"] for row in rows} == {"shadow"}


def test_the_judge_is_not_told_whose_answers_they_are(machine: Machine) -> None:
    machine.synapse("run", "tell me of rivers", "--system", "be brief")
    machine.synapse("shadow", "run")

    asked, judged = (json.dumps(call["messages"]) for call in machine.calls)
    assert ("tell me of rivers" in asked, "be brief" in asked) == (True, True)
    assert ("tell me of rivers" in judged, "a small answer" in judged, "big answer" in judged) == (True, True, True)
    assert '"small"' not in judged
    assert '"big"' not in judged


def test_the_same_answer_needs_no_judge(machine: Machine) -> None:
    machine.synapse("run", "the same")

    told = machine.synapse("shadow", "run", "--json").json

    assert (told["results"]["same"], len(machine.calls)) == (1, 1)


def test_what_was_compared_counts_in_money_and_in_the_sums(machine: Machine) -> None:
    machine.synapse("run", "hello")
    machine.synapse("shadow", "run", "--jobs", "2")
    (original,) = [run for run, _, _ in _queue(machine)]

    status = machine.synapse("shadow", "status", "--json").json
    stats = machine.synapse("stats", "--json").json
    spent = machine.ledger("SELECT cost FROM runs WHERE command = 'shadow'")

    assert status["queue"]["done"] == 1
    assert [(each["model"], each["against"], each["better"]) for each in status["fared"]] == [("small", "big", 1)]
    assert [(each["model"], each["judged"], each["good"]) for each in stats["shadows"]] == [("small", 1, 1)]
    assert spent == [(status["spent_today_usd"],)]
    assert stats["total"]["cost_usd"] == status["spent_today_usd"]
    assert machine.ledger("SELECT DISTINCT kind FROM calls ORDER BY 1") == [("judge",), ("shadow",), ("tier",)]
    assert machine.synapse("log", "last", "--json").json["run_id"] == original


def test_it_stops_at_the_budget_and_goes_on(machine: Machine) -> None:
    for prompt in ("one", "two", "three"):
        machine.synapse("run", prompt)

    first = machine.synapse("shadow", "run", "--max-cost", "0.006", "--json").json
    none = machine.synapse("shadow", "run", "--max-cost", "0", "--json").json
    second = machine.synapse("shadow", "run", "--json").json

    assert (first["end"], none["end"], second["end"]) == ("money", "money", "finished")
    assert 0 < first["compared"] < 3
    assert float(first["spent_usd"]) <= 0.006
    assert sum(float(cost) for (cost,) in machine.ledger("SELECT cost FROM calls WHERE model = 'big'")) < 0.0067
    assert first["compared"] + second["compared"] == 3
    assert none["compared"] == 0


def test_a_day_has_its_own_limit(machine: Machine) -> None:
    _use(machine, shadow='per_day = "0.003 USD"')
    for prompt in ("one", "two", "three"):
        machine.synapse("run", prompt)

    for _ in range(3):
        machine.synapse("shadow", "run", "--max-cost", "1")

    told = machine.synapse("shadow", "status", "--json").json
    assert 0 < float(told["spent_today_usd"]) <= 0.003
    assert told["queue"]["waiting"] > 0


def test_a_provider_that_is_down_leaves_it_waiting(machine: Machine) -> None:
    machine.synapse("run", "down")

    done = machine.synapse("shadow", "run")

    assert done.code == 0
    assert _queue(machine, "state") == [("waiting",)]
    assert machine.ledger("SELECT why FROM shadows WHERE why IS NOT NULL") != []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a signal that nobody hears")
def test_what_was_killed_while_it_was_asked_is_in_doubt_and_paid_for_once(machine: Machine) -> None:
    machine.synapse("run", "slow")
    _use(machine, slow="60")
    process = subprocess.Popen(
        [SYNAPSE, "shadow", "run"], cwd=machine.work, env=machine.env, stdout=subprocess.DEVNULL, start_new_session=True
    )
    _until(lambda: machine.ledger("SELECT 1 FROM calls WHERE kind = 'shadow'") != [])
    os.kill(process.pid, signal.SIGKILL)
    process.wait(PATIENCE_S)
    _use(machine)

    again = machine.synapse("shadow", "run")
    doubtful = _queue(machine, "state")
    asked = len(machine.calls)
    retried = machine.synapse("shadow", "run", "--retry", "--json").json

    assert doubtful == [("in doubt",)]
    assert "1 were cut off while they were asked" in again.err
    assert retried["compared"] == 1
    assert len(machine.calls) == asked + 2


def test_an_answer_that_had_come_is_not_asked_for_again(machine: Machine) -> None:
    _use(machine, tables="[cache]\nenabled = false\n")
    machine.synapse("run", "hello")
    machine.synapse("shadow", "run")
    asked = len(machine.calls)
    with sqlite3.connect(machine.state / "ledger.sqlite3") as book:  # as if it had been killed before it was judged
        book.execute("UPDATE shadows SET state = 'asking', result = NULL, answer = NULL, cost = NULL, pid = 4194305")

    told = machine.synapse("shadow", "run", "--json").json

    assert told["compared"] == 1
    assert len(machine.calls) == asked + 1


def test_another_profiles_answers_stay(machine: Machine) -> None:
    machine.synapse("run", "hello")
    other = machine.write("other.toml", Path(machine.config / "profiles" / "default.toml").read_text())

    done = machine.synapse("shadow", "run", "--profile", str(other))

    assert "0 compared" in done.out.decode()
    assert "1 wait under other profiles" in done.err
    assert machine.calls == []


def test_what_waits_can_be_dropped(machine: Machine) -> None:
    machine.synapse("run", "one")
    machine.synapse("shadow", "run")
    machine.synapse("run", "two")

    assert machine.synapse("shadow", "clear").out == b"dropped 1 entry\n"
    assert [state for _, state, _ in _queue(machine)] == ["done"]
    assert machine.synapse("shadow", "clear", "--all", "--json").json == {"dropped": 1}
    assert _queue(machine) == []
    assert machine.synapse("stats", "--json").json["shadows"] == []


def test_two_at_once_compare_each_answer_once(machine: Machine) -> None:
    for prompt in ("one", "two", "three", "four"):
        machine.synapse("run", prompt)
    line = [SYNAPSE, "shadow", "run", "--json", "-j", "2"]

    processes = [
        subprocess.Popen(line, cwd=machine.work, env=machine.env, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        for _ in range(2)
    ]
    told = [json.loads(process.communicate(timeout=PATIENCE_S)[0]) for process in processes]

    assert sum(each["compared"] for each in told) == 4
    assert len(machine.calls) == 8


def _until(reached: Any) -> None:
    end = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_ctrl_c_ends_it_and_leaves_the_rest_waiting(machine: Machine) -> None:
    machine.synapse("run", "slow")
    _use(machine, slow="60")
    running = Running(machine, "shadow", "run", "--json")
    running.until(lambda: machine.ledger("SELECT 1 FROM calls WHERE kind = 'shadow'") != [], "the call")

    done = running.interrupt().end()

    assert (done.code, done.json["end"], done.json["waiting"]) == (130, "interrupted", 1)
    assert _queue(machine, "state") == [("waiting",)]
    assert machine.ledger("SELECT exit_code FROM runs WHERE command = 'shadow'") == [(130,)]


def test_a_forgotten_run_leaves_the_queue(machine: Machine) -> None:
    machine.synapse("run", "hello")
    assert machine.synapse("log", "prune", "--max-size", "1kB").code == 0

    told = machine.synapse("shadow", "run", "--json").json

    assert (_queue(machine), told["compared"], machine.calls) == ([], 0, [])
    assert machine.ledger("SELECT count(*) FROM blobs") == [(0,)]


def test_a_tenant_that_lost_the_right_is_not_sent(machine: Machine) -> None:
    machine.synapse("run", "--tenant", "acme", "theirs")
    profile = machine.config / "profiles" / "default.toml"
    machine.use(profile.read_text().replace("[tenants.acme]", "[tenants.acme]\nlocal_only = true"))

    told = machine.synapse("shadow", "run", "--json").json

    assert (told["compared"], told["failed"], machine.calls) == (0, 1, [])
    assert "tenant acme may ask local models only" in str(_queue(machine, "why"))


def test_a_route_that_keeps_no_answers_keeps_none_of_these_either(machine: Machine) -> None:
    profile = machine.config / "profiles" / "default.toml"
    machine.use(profile.read_text().replace('use = "both"', 'use = "both"\ncache = false'))
    machine.synapse("run", "hello")
    machine.synapse("shadow", "run")

    assert _queue(machine, "state") == [("done",)]
    assert machine.synapse("cache", "list", "--json").json == []

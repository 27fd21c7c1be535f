"""A day's budget over real runs: many at once, killed at any instant, within one another."""

from __future__ import annotations

import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.budget.conftest import PAID, paid
from tests.e2e.machine import SYNAPSE, Machine

TWO_A_DAY = '[budget]\nper_day = "2 USD"\nmin_output = 1\n'
RUNS = 20


def _start(machine: Machine, count: int) -> list[subprocess.Popen[bytes]]:
    return [
        subprocess.Popen(
            [SYNAPSE, "run", "--no-cache", f"question {number}"],
            env=machine.env,
            cwd=machine.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(count)
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a kill that cannot be caught")
def test_of_twenty_runs_two_pass_though_all_are_killed_and_made_again(machine: Machine) -> None:
    paid(machine, TWO_A_DAY, latency_s=0.5)
    first = _start(machine, RUNS)
    for _ in range(int(random.choice([1, 200]))):  # at once, or about when the first call is made
        if machine.calls_file.exists():
            break
        time.sleep(0.1)
    time.sleep(random.uniform(0.0, 0.6))
    for run in first:
        run.send_signal(signal.SIGKILL)
    for run in first:
        run.communicate()

    again = _start(machine, RUNS)
    codes = sorted((run.communicate(), run.returncode)[1] for run in again)

    assert len(machine.calls) <= 2
    assert set(codes) <= {0, 79}
    assert codes.count(0) <= 2
    assert machine.synapse("run", "--no-cache", "one more").code == 79


def test_parallel_runs_spend_all_that_there_is_and_no_more(machine: Machine) -> None:
    paid(machine, TWO_A_DAY)

    runs = _start(machine, 8)
    codes = sorted((run.communicate(), run.returncode)[1] for run in runs)

    assert codes == [0, 0] + [79] * 6
    assert len(machine.calls) == 2


def test_a_cached_answer_costs_nothing_of_a_budget(machine: Machine) -> None:
    paid(machine, '[budget]\nper_day = "1 USD"\nmin_output = 1\n')

    codes = [machine.synapse("run", "same").code for _ in range(3)]

    assert codes == [0, 0, 0]
    assert machine.synapse("run", "other").code == 79


def test_a_run_within_a_run_draws_from_the_outer_one_s_budget(machine: Machine) -> None:
    """The check asks twice more; the run may make two calls in all."""
    inner = f"{shlex.quote(SYNAPSE)} run --no-cache inner"
    check = machine.write("check.sh", f"{inner}; echo $? >> codes; {inner}; echo $? >> codes; true\n")
    paid(
        machine,
        '[routes.checked]\nuse = "checked"\n[cascades.checked]\ntiers = ["dear"]\n'
        f'accept = [{{ kind = "command", argv = ["sh", "{check}"], timeout_s = 60 }}]\n',
    )

    outer = machine.synapse("run", "--no-cache", "-r", "checked", "--max-cost", "2", "outer")

    codes = Path(machine.config / "profiles" / "codes").read_text(encoding="utf-8").split()
    assert outer.code == 0, outer.err
    assert codes == ["0", "79"]
    assert len(machine.calls) == 2


def test_a_run_draws_from_another_only_while_that_one_lives(machine: Machine) -> None:
    paid(machine)
    machine.synapse("run", "--no-cache", "--max-cost", "1", "a question")
    (run_id,) = machine.ledger("SELECT id FROM runs")[0]

    done = machine.synapse("run", "--no-cache", "another", env={"SYNAPSE_RUN": run_id})

    assert done.code == 0


def test_a_route_and_a_tenant_have_budgets_of_their_own(machine: Machine) -> None:
    paid(
        machine,
        'budget = { steps_per_day = 1 }\n[routes.other]\nuse = "dear"\n'
        '[tenants.acme]\nbudget = { per_month = "1 USD", min_output = 1 }\n',
    )

    asked = [
        machine.synapse("run", "--no-cache", *flags, "question").code
        for flags in ([], [], ["-r", "other"], ["-r", "other", "--tenant", "acme"], ["-r", "other", "--tenant", "acme"])
    ]

    assert asked == [0, 79, 0, 0, 79]


def test_what_is_spent_is_what_it_cost_and_not_what_was_reserved(machine: Machine) -> None:
    machine.use(PAID.format(latency_s=0).replace("max_tokens = 1", "max_tokens = 1000") + TWO_A_DAY)

    assert machine.synapse("run", "--json", "question").json["cost_usd"] == "1"
    assert machine.synapse("budget", "show", "--json").json[0]["left"] == "1"


def test_a_home_that_cannot_be_written_refuses_what_is_limited_and_answers_what_is_not(machine: Machine) -> None:
    paid(machine)
    machine.state.mkdir(parents=True)
    (machine.state / "account.sqlite3").mkdir()

    free = machine.synapse("run", "--no-cache", "question")
    paid(machine, TWO_A_DAY)
    limited = machine.synapse("run", "--no-cache", "question")

    assert (free.code, free.out) == (0, b"x\n")
    assert [line for line in free.lines if "account" in line] == free.lines
    assert len(free.lines) == 1
    assert limited.code == 79
    assert "account" in limited.lines[0]


def test_over_budget_a_fallback_that_is_free_answers_where_the_profile_says_cheaper(machine: Machine) -> None:
    paid(
        machine,
        'fallback = ["free"]\n[models.free]\nbackend = "scripted"\nreplies = [{ match = "", text = "free" }]\n'
        '[cascades.thrifty]\ntiers = ["dear"]\non_budget = "cheaper"\n[budget]\nper_day = "0 USD"\n',
    )
    profile = machine.config / "profiles" / "default.toml"
    profile.write_text(profile.read_text(encoding="utf-8").replace('use = "dear"', 'use = "thrifty"'), encoding="utf-8")

    done = machine.synapse("run", "question")

    assert (done.code, done.out) == (0, b"free\n")


def test_the_account_is_whole_after_kills(machine: Machine) -> None:
    paid(machine, '[budget]\nper_day = "100 USD"\nmin_output = 1\n', latency_s=0.05)
    chance = random.Random(7)
    for _ in range(4):
        (run,) = _start(machine, 1)
        time.sleep(chance.uniform(0.1, 0.6))
        run.kill()
        run.communicate()

    import sqlite3

    path = machine.state / "account.sqlite3"
    if os.path.exists(path):
        book = sqlite3.connect(path)
        assert book.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        book.close()
    assert machine.synapse("run", "--no-cache", "question").code == 0
    shown = machine.synapse("budget", "show", "--json").json[0]
    assert float(shown["spent"]) + float(shown["in_doubt"]) >= len(machine.calls)

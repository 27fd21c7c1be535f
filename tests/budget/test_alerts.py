"""A budget half used, used to four fifths, used up: each is told once, by one of all processes."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path

from synapse_cli.ledger.account import Account
from synapse_cli.ledger.account_alerts import Alert
from synapse_cli.ledger.account_watch import Watch
from tests.budget.conftest import paid
from tests.budget.purses import DAY_S, PROFILE, TENANT, Till, bid, spend
from tests.e2e.machine import Machine

TEN = {"per_day": Decimal(10)}


def _watched(till: Till, told: list[Alert]) -> Watch:
    return Watch(Account(till.folder), warn=till.warned.append, alert=told.append)


def test_each_mark_is_told_once_over_all_runs(tmp_path: Path) -> None:
    till, told = Till(tmp_path), list[Alert]()
    for _ in range(10):
        spend(till.meter((PROFILE, TEN), watch=_watched(till, told)))

    assert [(alert.per_cent, alert.spent) for alert in told] == [
        (50, 5 * 10**12),
        (80, 8 * 10**12),
        (100, 10 * 10**12),
    ]
    assert told[1].message == "80 % of the budget of profile default for today is used: $8.00 of $10.00"


def test_one_call_that_passes_all_marks_is_told_as_one(tmp_path: Path) -> None:
    till, told = Till(tmp_path), list[Alert]()
    meter = till.meter((PROFILE, TEN), watch=_watched(till, told))

    spend(meter, 10)

    assert [alert.per_cent for alert in told] == [100]


def test_what_is_only_reserved_is_not_told_of(tmp_path: Path) -> None:
    till, told = Till(tmp_path), list[Alert]()
    meter = till.meter((PROFILE, TEN), watch=_watched(till, told))
    meter.reserve(bid(8))

    spend(meter)

    assert told == []


def test_a_new_day_is_told_of_anew(tmp_path: Path) -> None:
    till, told = Till(tmp_path), list[Alert]()
    meter = till.meter((PROFILE, TEN), watch=_watched(till, told))
    spend(meter, 6)
    till.clock.at += DAY_S
    spend(meter, 6)

    assert [alert.since for alert in told] == ["2026-11-21", "2026-11-22"]


def test_every_unit_scope_and_period_has_marks_of_its_own(tmp_path: Path) -> None:
    till, told = Till(tmp_path), list[Alert]()
    limits = {"per_month": Decimal(10), "steps_per_day": 1, "alerts": (100,)}
    meter = till.meter((PROFILE, limits), (TENANT, {"tokens_per_day": 8}), watch=_watched(till, told))

    spend(meter, 6)

    assert [(str(a.scope), a.period, a.unit, a.per_cent) for a in told] == [
        ("profile default", "day", "steps", 100),
        ("tenant acme", "day", "tokens", 50),
    ]


def test_a_run_says_it_on_stderr_and_tells_the_user_s_command(machine: Machine) -> None:
    paid(
        machine,
        '[budget]\nper_day = "2 USD"\nmin_output = 1\nalert_command = ["sh", "-c", "cat >> told"]\n',
    )

    first, second = (machine.synapse("run", "--no-cache", "question") for _ in range(2))

    told = machine.config / "profiles" / "told"
    for _ in range(100):
        if told.exists() and told.read_text(encoding="utf-8").count("\n") == 2:
            break
        time.sleep(0.05)
    alerts = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    assert first.lines == ["synapse: warning: 50 % of the budget of profile default for today is used: $1.00 of $2.00"]
    assert second.lines == [
        "synapse: warning: 100 % of the budget of profile default for today is used: $2.00 of $2.00"
    ]
    assert sorted((a["per_cent"], a["spent"], a["limit"], a["unit"]) for a in alerts) == [
        (50, "1", "2", "dollars"),
        (100, "2", "2", "dollars"),
    ]


def test_a_command_that_is_slow_or_missing_delays_no_answer(machine: Machine) -> None:
    slow = '[budget]\nper_day = "1 USD"\nmin_output = 1\nalert_command = ["sh", "-c", "sleep 3; touch ended"]\n'
    ended = machine.config / "profiles" / "ended"
    paid(machine, slow)

    assert machine.synapse("run", "--no-cache", "question").code == 0
    assert not ended.exists()

    paid(machine, slow.replace("1 USD", "2 USD").replace('"sh"', '"/nowhere/at/all"'))
    done = machine.synapse("run", "--no-cache", "question")
    assert (done.code, done.out) == (0, b"x\n")
    assert len([line for line in done.lines if "alert_command cannot be started" in line]) == 1

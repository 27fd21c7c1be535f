"""`synapse budget`: how each budget stands, a limit raised for once, a period begun anew."""

from __future__ import annotations

import time

import pytest

from tests.budget.conftest import paid
from tests.e2e.machine import Machine

LIMITED = """budget = { steps_per_day = 9, tokens_per_month = 1000 }
[tenants.acme]
budget = { per_month = "100 USD", seconds_per_day = 60 }
[budget]
per_day = "4 USD"
min_output = 1
alerts = []
"""


@pytest.fixture
def spent(machine: Machine) -> Machine:
    """A machine on which two dollars were spent today, one of them by a tenant."""
    paid(machine, LIMITED)
    assert machine.synapse("run", "--no-cache", "one").code == 0
    assert machine.synapse("run", "--no-cache", "--tenant", "acme", "two").code == 0
    return machine


def _of(machine: Machine, *flags: str) -> dict[tuple[str, str, str], dict[str, object]]:
    rows = machine.synapse("budget", "show", "--json", *flags).json
    return {(row["scope"], row["period"], row["unit"]): row for row in rows}


def test_every_limit_is_shown_with_what_is_spent_and_left(spent: Machine) -> None:
    found = _of(spent)

    day = found["profile", "day", "dollars"]
    assert {key: day[key] for key in ("name", "limit", "spent", "reserved", "in_doubt", "left", "per_cent")} == {
        "name": "default",
        "limit": "4",
        "spent": "2",
        "reserved": "0",
        "in_doubt": "0",
        "left": "2",
        "per_cent": 50.0,
    }
    assert day["since"] == time.strftime("%Y-%m-%d")
    assert (found["profile", "month", "dollars"]["limit"], found["profile", "month", "dollars"]["spent"]) == (None, "2")
    assert (found["route", "day", "steps"]["spent"], found["route", "day", "steps"]["left"]) == (2, 7)
    assert found["route", "month", "tokens"]["left"] == 998
    assert found["tenant", "month", "dollars"]["left"] == "99"
    assert found["tenant", "day", "seconds"]["limit"] == 60.0


def test_a_table_tells_the_same(spent: Machine) -> None:
    lines = spent.synapse("budget", "show").out.decode().splitlines()

    assert lines[0].split("\t") == [
        "profile default",
        time.strftime("%Y-%m-%d"),
        "$4.00",
        "$2.00",
        "-",
        "-",
        "$2.00",
        "50 %",
    ]


def test_only_one_tenant_s_or_route_s_is_shown_where_that_is_asked_for(spent: Machine) -> None:
    assert {key[0] for key in _of(spent, "--tenant", "acme")} == {"tenant"}
    assert {key[0] for key in _of(spent, "--route", "default")} == {"route"}
    spent.env["SYNAPSE_TENANT"] = "acme"
    assert {key[0] for key in _of(spent)} == {"tenant"}
    assert spent.synapse("budget", "show", "--route", "nobody").code == 2


def test_a_limit_is_raised_for_today(spent: Machine) -> None:
    done = spent.synapse("budget", "raise", "day", "5USD")

    assert done.out.decode().startswith("profile default: $4.00 -> $5.00 a day, until ")
    raised = _of(spent)["profile", "day", "dollars"]
    assert (raised["limit"], raised["left"], raised["is_raised"]) == ("5", "3", True)
    codes = [spent.synapse("run", "--no-cache", "more").code for _ in range(4)]
    assert codes == [0, 0, 0, 79]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["profile", "day", "+1.50"], "profile default: $4.00 -> $5.50 a day"),
        (["today", "$6"], "profile default: $4.00 -> $6.00 a day"),
        (["day", "5", "USD"], "profile default: $4.00 -> $5.00 a day"),
        (["route:default", "day", "20calls"], "route default: 9 calls -> 20 calls a day"),
        (["route", "default", "month", "+2k", "tokens"], "route default: 1000 tokens -> 3000 tokens a month"),
        (["tenant:acme", "day", "2h"], "tenant acme: 60 seconds -> 7200 seconds a day"),
        (["tenant", "acme", "month", "1,000"], "tenant acme: $100.00 -> $1000.00 a month"),
    ],
)
def test_scopes_and_amounts_are_written_as_people_write_them(machine: Machine, words: list[str], told: str) -> None:
    paid(machine, LIMITED)

    done = machine.synapse("budget", "raise", *words)

    assert done.code == 0, done.err
    assert done.out.decode().startswith(told)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no period is named"),
        (["5USD"], "no period is named"),
        (["run", "5USD"], "a run's own limits are not kept"),
        (["day"], "an amount is expected, found nothing"),
        (["day", "5EUR"], "an amount is expected, found '5EUR'"),
        (["day", "many"], "an amount is expected"),
        (["day", "-5"], ""),
        (["day", "4USD"], "may spend $4.00 a day already"),
        (["day", "3USD"], "the profile lets profile default spend $4.00 a day"),
        (["month", "3USD"], "no limit of dollars a month"),
        (["month", "3calls"], "no limit of calls a month"),
        (["day", "99999999999999999999USD"], "is more than the account can hold"),
        (["route:default", "month", "+9999999999999999999tokens"], "is more than the account can hold"),
        (["route:nobody", "day", "3USD"], "there is no budget of 'route:nobody'"),
        (["day", "5USD", "--until", "yesterday"], "--until wants a date or a while"),
        (["day", "5USD", "--until", "2020-01-01"], "is over"),
    ],
)
def test_what_cannot_be_raised_is_said(machine: Machine, words: list[str], told: str) -> None:
    paid(machine, LIMITED)

    done = machine.synapse("budget", "raise", *words)

    assert done.code == 2
    assert told in done.err
    assert "Traceback" not in done.err


def test_a_raise_is_taken_back_by_the_limit_of_the_profile(spent: Machine) -> None:
    spent.synapse("budget", "raise", "day", "50USD")

    done = spent.synapse("budget", "raise", "day", "4USD")

    assert done.out.decode().startswith("profile default: $50.00 -> $4.00 a day"), done.err
    day = _of(spent)["profile", "day", "dollars"]
    assert (day["limit"], day["is_raised"]) == ("4", False)


def test_what_is_added_to_a_limit_of_everything_there_is_stays_within_what_can_be_kept(machine: Machine) -> None:
    paid(machine, LIMITED)

    done = [machine.synapse("budget", "raise", "route:default", "month", "+9000000000000000000tokens") for _ in "12"]

    assert [each.code for each in done] == [0, 0], done[1].err
    assert "9223372036854775807 tokens a month" in done[1].out.decode()


def test_a_raise_ends_when_it_was_said_to(machine: Machine) -> None:
    paid(machine, LIMITED)
    machine.synapse("budget", "raise", "day", "5USD", "--until", "1s")

    for _ in range(50):
        if _of(machine)["profile", "day", "dollars"]["limit"] == "4":
            break
        time.sleep(0.1)
    else:
        pytest.fail("the raise did not end")


def test_a_period_begins_anew_only_where_somebody_says_so(spent: Machine) -> None:
    asked = spent.synapse("budget", "reset", "day")
    assert (asked.code, "nobody is there to ask" in asked.err) == (2, True)

    done = spent.synapse("budget", "reset", "day", "--yes")

    assert done.out == b"profile default: the day begins anew\n"
    found = _of(spent)
    assert found["profile", "day", "dollars"]["spent"] == "0"
    assert found["profile", "month", "dollars"]["spent"] == "2"
    assert found["route", "day", "steps"]["spent"] == 2


def test_every_scope_and_period_begins_anew_at_once(spent: Machine) -> None:
    done = spent.synapse("budget", "reset", "all", "both", "--yes")

    assert done.code == 0
    assert done.out.endswith(b": the day and the month begin anew\n")

    assert {str(row["spent"]) for row in _of(spent).values()} == {"0", "0.0"}


def test_what_is_in_doubt_is_shown_and_settled_by_hand(machine: Machine) -> None:
    paid(machine, LIMITED)
    machine.use((machine.config / "profiles" / "default.toml").read_text().replace('text = "x"', 'error = "timeout"'))
    assert machine.synapse("run", "--no-cache", "lost").code == 75
    lost = _of(machine)["profile", "day", "dollars"]

    done = machine.synapse("budget", "reset", "--in-doubt", "--yes")

    found = _of(machine)["profile", "day", "dollars"]
    assert float(str(lost["in_doubt"])) >= 1
    assert lost["spent"] == "0"
    assert "in doubt settled" in done.out.decode()
    assert (found["in_doubt"], found["left"]) == ("0", "4")


def test_an_account_that_cannot_be_read_is_moved_aside_on_demand(machine: Machine) -> None:
    paid(machine, LIMITED)
    machine.state.mkdir(parents=True)
    (machine.state / "account.sqlite3").write_bytes(b"rubbish" * 1000)

    shown = machine.synapse("budget", "show")
    refused = machine.synapse("run", "--no-cache", "question")
    begun = machine.synapse("budget", "reset", "day", "--yes")

    assert (shown.code, refused.code, begun.code) == (66, 79, 0), begun.err
    assert "budget reset" in shown.err
    assert len(list(machine.state.glob("account.sqlite3.unreadable-*"))) == 1
    assert machine.synapse("run", "--no-cache", "question").code == 0


def test_without_anything_spent_or_limited_it_says_so(machine: Machine) -> None:
    paid(machine)

    done = machine.synapse("budget", "show", "--json")

    assert [(row["period"], row["limit"], row["spent"]) for row in done.json] == [("day", None, "0")]
    assert not (machine.state / "account.sqlite3").exists()


def test_what_was_warned_of_today_is_said_again(machine: Machine) -> None:
    paid(machine, '[budget]\nper_day = "2 USD"\nmin_output = 1\n')
    machine.synapse("run", "--no-cache", "question")

    assert "50 % of the budget of profile default" in machine.synapse("budget", "show").err


def test_of_the_alerts_of_one_limit_the_last_is_shown(machine: Machine) -> None:
    paid(machine, LIMITED.replace("alerts = []\n", ""))
    for prompt in ("one", "two", "three", "four"):
        assert machine.synapse("run", "--no-cache", prompt).code == 0

    told = [line for line in machine.synapse("budget", "show").err.splitlines() if "profile default" in line]

    assert told == ["synapse: warning: 100 % of the budget of profile default for today is used: $4.00 of $4.00"]


def test_one_call_is_a_call(machine: Machine) -> None:
    paid(machine, LIMITED)
    machine.synapse("run", "--no-cache", "one")

    rows = machine.synapse("budget", "show", "--route", "default").out.decode().splitlines()

    assert rows[1].split("\t")[2:4] == ["9 calls", "1 call"]

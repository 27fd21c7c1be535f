"""What a day and a month may cost, over all runs and processes: reserved before, settled after, never forgotten."""

from __future__ import annotations

import os
import sqlite3
import time
from decimal import Decimal
from pathlib import Path

import pytest

from synapse_cli.core.budget import NOTHING, Amounts, Budget
from synapse_cli.core.clock import FixedClock
from synapse_cli.core.completion import Price
from synapse_cli.core.errors import BudgetSpent
from synapse_cli.core.grants import Bid
from tests.budget.purses import (
    DAY_S,
    DOLLAR_A_TOKEN,
    NOON,
    PROFILE,
    ROUTE,
    TENANT,
    Till,
    bid,
    local_bid,
    passes,
    spend,
)


def test_what_one_run_spent_the_next_one_knows(tmp_path: Path) -> None:
    till = Till(tmp_path)
    spend(till.meter((PROFILE, {"per_day": Decimal(2)})))
    later = till.meter((PROFILE, {"per_day": Decimal(2)}))

    assert passes(later)
    with pytest.raises(BudgetSpent, match="today's budget of profile default is used up") as refused:
        later.reserve(bid())
    assert "synapse budget raise day" in refused.value.hint


def test_a_call_is_lowered_to_what_the_tightest_budget_affords(tmp_path: Path) -> None:
    meter = Till(tmp_path).meter(
        (PROFILE, {"per_day": Decimal(50)}), (ROUTE, {"per_month": Decimal(20)}), (TENANT, {"tokens_per_day": 7})
    )

    granted = meter.reserve(bid(100))

    assert (granted.output, granted.lowered_by) == (7, "today's budget of tenant acme")


def test_all_scopes_bind_or_none_is_charged(tmp_path: Path) -> None:
    till = Till(tmp_path)
    meter = till.meter((PROFILE, {"per_day": Decimal(5)}), (TENANT, {"per_day": Decimal(0)}))

    assert not passes(meter)
    assert till.ask("SELECT * FROM sums") == []
    assert till.ask("SELECT * FROM reservations") == []


def test_a_run_s_own_limit_and_the_day_s_bind_together(tmp_path: Path) -> None:
    till = Till(tmp_path)
    meter = till.meter((PROFILE, {"per_day": Decimal(5)}), budget=Budget(dollars=Decimal(3), min_output=1))

    granted = meter.reserve(bid(10))

    assert (granted.output, granted.lowered_by) == (3, "this run's budget")
    assert passes(till.meter((PROFILE, {"per_day": Decimal(5)})), bid(2))


@pytest.mark.parametrize(
    ("limits", "spent"),
    [
        ({"per_day": Decimal(2)}, 2),
        ({"per_month": Decimal(2)}, 2),
        ({"tokens_per_day": 2}, 2),
        ({"tokens_per_month": 2}, 2),
        ({"steps_per_day": 2}, 2),
        ({"steps_per_month": 2}, 2),
        ({"seconds_per_day": 2.0}, 2),
        ({"seconds_per_month": 2.0}, 2),
    ],
)
def test_each_unit_and_period_ends_calls(tmp_path: Path, limits: dict[str, object], spent: int) -> None:
    meter = Till(tmp_path).meter((PROFILE, limits))
    for _ in range(spent):
        spend(meter)

    assert not passes(meter)


def test_seconds_end_a_call_that_would_take_too_long(tmp_path: Path) -> None:
    meter = Till(tmp_path).meter((PROFILE, {"seconds_per_day": 15.0}))

    first, second = meter.reserve(bid(seconds=10.0)), meter.reserve(bid(seconds=10.0))

    assert (first.amounts.seconds, second.amounts.seconds) == (10.0, 5.0)
    assert first.is_timed
    assert not passes(meter)


def test_a_new_day_begins_at_midnight_of_the_user_s_calendar(tmp_path: Path) -> None:
    till = Till(tmp_path)
    meter = till.meter((PROFILE, {"per_day": Decimal(1), "per_month": Decimal(2)}))
    spend(meter)
    till.clock.at = time.mktime((2026, 11, 21, 23, 59, 59, 0, 0, -1))

    assert not passes(meter)
    till.clock.at += 1
    spend(meter)
    till.clock.at += DAY_S
    assert not passes(meter)  # the month is spent
    till.clock.at = time.mktime((2026, 12, 1, 0, 0, 0, 0, 0, -1))
    assert passes(meter)


def test_a_clock_that_goes_back_frees_no_money(tmp_path: Path) -> None:
    till = Till(tmp_path)
    meter = till.meter((PROFILE, {"per_day": Decimal(2), "per_month": Decimal(3)}))
    spend(meter, 2)

    for days in (1, 3, 40, 4000):
        till.clock.at = NOON - days * DAY_S
        assert not passes(meter)


def test_what_is_reserved_today_and_settled_tomorrow_is_today_s(tmp_path: Path) -> None:
    till = Till(tmp_path)
    meter = till.meter((PROFILE, {"per_day": Decimal(3)}))
    asked = bid(3)
    granted = meter.reserve(asked)
    till.clock.at += DAY_S
    meter.settle(asked, granted, Amounts(Decimal(1), 1, 1.0, 1))

    assert till.ask("SELECT period, dollars FROM sums WHERE period LIKE 'd%'") == [("d2026-11-21", 10**12)]
    assert passes(meter, bid(3))


def test_what_was_paid_before_there_was_a_limit_counts(tmp_path: Path) -> None:
    till = Till(tmp_path)
    spend(till.meter((PROFILE, {})), 2)

    assert not passes(till.meter((PROFILE, {"per_day": Decimal(2)})))


def test_a_local_call_does_not_touch_the_account_for_money(tmp_path: Path) -> None:
    till = Till(tmp_path)
    meter = till.meter((PROFILE, {"per_day": Decimal(0)}))

    spend(meter, 0, wanted=local_bid())

    assert not (tmp_path / "account.sqlite3").exists()


def test_local_calls_count_where_tokens_or_steps_are_limited(tmp_path: Path) -> None:
    meter = Till(tmp_path).meter((PROFILE, {"steps_per_day": 1, "per_day": Decimal(0)}))
    spend(meter, 0, wanted=local_bid())

    assert not passes(meter, local_bid())


def test_a_local_call_passes_where_more_was_spent_than_the_limit_is_now(tmp_path: Path) -> None:
    """A limit that was lowered, or an estimate that was exceeded, may not stop what costs nothing."""
    till = Till(tmp_path)
    spend(till.meter((PROFILE, {})), 2)
    meter = till.meter((PROFILE, {"per_day": Decimal(1), "tokens_per_day": 100}))

    assert passes(meter, local_bid())
    assert not passes(meter, bid())


def test_an_unknown_price_cannot_hold_a_day_s_limit(tmp_path: Path) -> None:
    with pytest.raises(BudgetSpent, match="price of this model is unknown"):
        Till(tmp_path).meter((PROFILE, {"per_day": Decimal(5)})).reserve(bid(price=None))


def test_a_finished_call_that_says_no_cost_is_counted_as_unknown(tmp_path: Path) -> None:
    till = Till(tmp_path)
    meter = till.meter((PROFILE, {}))
    asked = bid(price=None)

    meter.settle(asked, meter.reserve(asked), Amounts(steps=1), is_known=False)

    assert till.ask("SELECT DISTINCT dollars, unknown FROM sums") == [(0, 1)]


def test_a_call_that_was_not_made_takes_nothing(tmp_path: Path) -> None:
    till = Till(tmp_path)
    meter = till.meter((PROFILE, {"steps_per_day": 1, "per_day": Decimal(1)}))
    asked = bid()
    meter.settle(asked, meter.reserve(asked), NOTHING)

    spend(meter)


def test_a_call_that_nobody_knows_of_stays_at_its_upper_bound(tmp_path: Path) -> None:
    till = Till(tmp_path)
    meter = till.meter((PROFILE, {"per_day": Decimal(5)}))
    asked = bid(5)
    meter.doubt(asked, meter.reserve(asked))

    assert not passes(till.meter((PROFILE, {"per_day": Decimal(5)})))
    assert till.ask("SELECT in_doubt, dollars FROM reservations") == [(1, 5 * 10**12)]
    assert till.ask("SELECT DISTINCT held_dollars FROM sums") == [(0,)]


def test_a_call_that_was_given_up_too_early_is_settled_once(tmp_path: Path) -> None:
    till = Till(tmp_path)
    meter = till.meter((PROFILE, {"per_day": Decimal(5)}))
    asked = bid(5)
    granted = meter.reserve(asked)
    meter.doubt(asked, granted)

    meter.settle(asked, granted, Amounts(Decimal(1), 1, 1.0, 1))

    assert till.ask("SELECT DISTINCT dollars, held_dollars, unknown FROM sums") == [(10**12, 0, 0)]
    assert till.ask("SELECT count(*) FROM entered") == [(0,)]


def test_a_call_whose_cost_nobody_says_is_counted_at_its_upper_bound(tmp_path: Path) -> None:
    till = Till(tmp_path)
    meter = till.meter((PROFILE, {"per_day": Decimal(5)}))
    asked = bid(2)
    granted = meter.reserve(asked)

    meter.settle(asked, granted, granted.amounts, is_known=False)

    assert till.ask("SELECT DISTINCT dollars, held_dollars, unknown FROM sums") == [(2 * 10**12, 0, 0)]


def test_each_scope_holds_its_own_least_output(tmp_path: Path) -> None:
    till = Till(tmp_path)
    wide = (PROFILE, {"per_day": Decimal(100), "min_output": 50})
    narrow = (ROUTE, {"per_day": Decimal(20), "min_output": 5})

    assert till.meter(wide, narrow).reserve(bid(60)).output == 20
    spend(till.meter((PROFILE, {})), 60)
    with pytest.raises(BudgetSpent, match="profile default affords 20 output tokens, and 50 are the least"):
        till.meter(wide, (ROUTE, {"min_output": 5})).reserve(bid(60))


def test_a_tenant_s_budget_is_one_over_all_profiles_and_a_profile_s_its_own(tmp_path: Path) -> None:
    till = Till(tmp_path)
    other = type(PROFILE)("profile", "default", "/home/me/other.toml")
    spend(till.meter((PROFILE, {}), (TENANT, {})), 2)

    assert passes(till.meter((other, {"per_day": Decimal(2)})))
    assert not passes(till.meter((other, {}), (TENANT, {"per_day": Decimal(2)})))


def test_sums_are_exact(tmp_path: Path) -> None:
    till = Till(tmp_path)
    meter = till.meter((PROFILE, {"per_day": Decimal(1)}))
    third = Decimal("0.000000333333333333333")
    for _ in range(30):
        asked = bid(price=Price(Decimal(0), Decimal("0.4")))
        meter.settle(asked, meter.reserve(asked), Amounts(third, 1, 0.0, 1))

    assert till.ask("SELECT DISTINCT dollars FROM sums") == [(30 * 333_334,)]


def test_absurd_prices_and_limits_do_not_break_it(tmp_path: Path) -> None:
    dear = Price(Decimal("1e9"), Decimal("1e15"))
    meter = Till(tmp_path).meter((PROFILE, {"per_day": Decimal("1e30")}))

    assert not passes(meter, Bid(model="m", is_local=False, price=dear, wanted=100))
    spend(Till(tmp_path).meter((PROFILE, {})), 10**30)
    assert not passes(Till(tmp_path).meter((PROFILE, {"per_day": Decimal("1e30")})))


@pytest.mark.parametrize("spoil", ["garbage", "folder", "newer"])
def test_where_the_account_is_no_use_a_limit_refuses_paid_calls_and_says_why(tmp_path: Path, spoil: str) -> None:
    _spoil(tmp_path, spoil)
    till = Till(tmp_path)

    with pytest.raises(BudgetSpent, match=r"account .*account\.sqlite3"):
        till.meter((PROFILE, {"per_day": Decimal(5)})).reserve(bid())
    assert till.meter((PROFILE, {"per_day": Decimal(5)})).reserve(local_bid()).output == 1
    assert till.meter((PROFILE, {"steps_per_day": 5})).reserve(local_bid()).output == 1
    assert len(till.warned) == 1


@pytest.mark.parametrize("spoil", ["garbage", "folder", "newer"])
def test_where_the_account_is_no_use_and_nothing_is_limited_it_is_warned_of_once(tmp_path: Path, spoil: str) -> None:
    _spoil(tmp_path, spoil)
    till = Till(tmp_path)
    meter = till.meter((PROFILE, {}))

    for _ in range(3):
        spend(meter)

    assert len(till.warned) == 1
    assert "not counted" in till.warned[0]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file modes of POSIX")
def test_the_account_is_its_owner_s_alone(tmp_path: Path) -> None:
    spend(Till(tmp_path / "state").meter((PROFILE, {})))

    assert (tmp_path / "state" / "account.sqlite3").stat().st_mode & 0o777 == 0o600


def test_money_that_is_not_there_is_not_promised_to_anybody(tmp_path: Path) -> None:
    till, price = Till(tmp_path, FixedClock(NOON)), DOLLAR_A_TOKEN
    meter = till.meter((PROFILE, {"per_day": Decimal(3)}))
    asked = Bid(model="m", is_local=False, price=price, wanted=2)

    assert [meter.reserve(asked).output, meter.reserve(asked).output] == [2, 1]
    assert not passes(meter, asked)


def _spoil(folder: Path, how: str) -> None:
    path = folder / "account.sqlite3"
    if how == "garbage":
        path.write_bytes(b"no database at all" * 100)
    elif how == "folder":
        path.mkdir()
    else:
        spend(Till(folder).meter((PROFILE, {})))
        book = sqlite3.connect(path)
        book.execute("PRAGMA user_version = 99")
        book.close()

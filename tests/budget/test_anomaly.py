"""Money that goes where it did not use to go is warned of once a day, and usual ups and downs are not."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from synapse_cli.core.budget import Amounts
from synapse_cli.core.completion import Price
from synapse_cli.core.grants import Bid
from synapse_cli.core.ids import new_run_id
from synapse_cli.ledger.account import Account
from synapse_cli.ledger.account_watch import Watch
from synapse_cli.ledger.anomaly import LOOK_EVERY_S, has_shifted, is_unusual
from synapse_cli.ledger.book import Book
from synapse_cli.profile.settings import LedgerSettings
from tests.budget.purses import NOON, PROFILE, Till, spend
from tests.ledger.stories import climbed, run

CENT = 10**10


def _drawn(seed: int, count: int, spread: float) -> list[int]:
    chance = random.Random(seed)
    return [int(100 * CENT * chance.lognormvariate(0, spread)) for _ in range(count)]


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0])
def test_usual_ups_and_downs_hardly_ever_alarm(spread: float) -> None:
    alarms = 0
    for seed in range(200):
        *history, now = _drawn(seed, 61, spread)
        alarms += is_unusual(now, history)

    assert alarms <= 1


@pytest.mark.parametrize("times", [20, 100])
def test_what_is_many_times_the_usual_alarms(times: int) -> None:
    found = sum(is_unusual(times * 100 * CENT, _drawn(seed, 60, 0.5)) for seed in range(100))

    assert found >= 95


def test_a_trifle_alarms_nobody() -> None:
    assert not is_unusual(CENT // 2, [10**6] * 50)
    assert not is_unusual(2 * 100 * CENT, [100 * CENT] * 50)
    assert is_unusual(20 * 100 * CENT, [100 * CENT] * 50)


def test_a_share_shifts_only_where_it_is_sure_and_matters() -> None:
    assert has_shifted(60, 100, 200, 1000)
    assert not has_shifted(24, 100, 200, 1000)
    assert not has_shifted(9, 10, 200, 1000)
    assert not has_shifted(520_000, 1_000_000, 500_000, 1_000_000)


def _pay(till: Till, dollars: str, *, prompt: str, times: int = 1, every_s: float = 1.0, rise: float = 1.0) -> None:
    watch = Watch(Account(till.folder), warn=till.warned.append, alert=lambda _: None)
    meter = till.meter((PROFILE, {}), watch=watch)
    cost = Decimal(dollars)
    for number in range(times):
        asked = Bid(
            model="m", is_local=False, price=Price(Decimal(0), Decimal(1)), prompt=f"{prompt}{number * (rise > 1)}"
        )
        meter.settle(asked, meter.reserve(asked), Amounts(cost, 10, 0.1, 1))
        cost *= Decimal(rise)
        till.clock.at += every_s


def test_an_hour_far_dearer_than_its_history_is_warned_of_once_a_day(tmp_path: Path) -> None:
    till = Till(tmp_path)
    till.clock.at = NOON - 30 * 3600
    for number in range(30):
        _pay(till, "0.10", prompt=f"usual {number}", every_s=3600)
    assert till.warned == []

    for number in range(3):
        _pay(till, "20", prompt=f"dear {number}", every_s=LOOK_EVERY_S + 1)

    assert [line for line in till.warned if "this hour has cost" in line] == [
        "this hour has cost $20.00 so far, where $0.10 is usual"
    ]


def test_a_day_far_dearer_than_its_history_is_warned_of(tmp_path: Path) -> None:
    till = Till(tmp_path)
    till.clock.at = NOON - 15 * 86_400
    for number in range(15):
        _pay(till, "1.00", prompt=f"usual {number}", every_s=86_400)

    _pay(till, "50", prompt="dear")

    assert till.warned == ["this day has cost $50.00 so far, where $1.00 is usual"]


def test_one_prompt_paid_for_over_and_over_is_warned_of(tmp_path: Path) -> None:
    till = Till(tmp_path)

    _pay(till, "0.01", prompt="again", times=70, every_s=1.5)

    assert len(till.warned) == 1
    assert "one and the same prompt was paid for" in till.warned[0]


def test_a_script_whose_calls_grow_dearer_is_warned_of(tmp_path: Path) -> None:
    till = Till(tmp_path)

    _pay(till, "0.01", prompt="turn ", times=70, every_s=1.5, rise=1.03)

    assert [line for line in till.warned if "paid calls within a minute, each dearer" in line] != []


def test_many_different_calls_at_one_price_are_usual(tmp_path: Path) -> None:
    till = Till(tmp_path)

    for number in range(80):
        _pay(till, "0.01", prompt=f"question {number}", every_s=0.9)

    assert till.warned == []


def test_it_is_looked_at_once_a_minute_and_what_nobody_settles_is_marked(tmp_path: Path) -> None:
    till = Till(tmp_path)
    spend(till.meter((PROFILE, {})))
    for number in range(30):
        _pay(till, "0.01", prompt=f"{number}")

    assert till.ask("SELECT at FROM looked") == [(NOON,)]
    till.clock.at = NOON + LOOK_EVERY_S
    _pay(till, "0.01", prompt="later")
    assert till.ask("SELECT at FROM looked") == [(NOON + LOOK_EVERY_S,)]


def _recorded(folder: Path, count: int, *, at: float, route: str, climbs: bool = False) -> None:
    book = Book(folder, LedgerSettings(text=False), warn=pytest.fail)
    for number in range(count):
        story = climbed(number) if climbs else run(number)
        moved = replace(
            story,
            run_id=new_run_id(at + number, number.to_bytes(7, "big")),
            started=at + number,
            decision=replace(story.decision, route=route),
        )
        book.record(moved, is_last=number == count - 1)


def test_a_route_that_is_taken_far_more_often_than_before_is_warned_of(tmp_path: Path) -> None:
    _recorded(tmp_path, 210, at=NOON - 3 * 86_400, route="chat")
    _recorded(tmp_path, 60, at=NOON - 7200, route="agents")
    till = Till(tmp_path)

    _pay(till, "0.01", prompt="now")

    assert till.warned == ["route agents is taken by 100% of today's runs, and was by 0% of those before"]


def test_tiers_that_pass_far_less_often_than_before_are_warned_of(tmp_path: Path) -> None:
    _recorded(tmp_path, 210, at=NOON - 3 * 86_400, route="chat")
    _recorded(tmp_path, 60, at=NOON - 7200, route="chat", climbs=True)
    till = Till(tmp_path)

    _pay(till, "0.01", prompt="now")

    assert till.warned == ["a dearer tier was needed by 100% of today's runs, and 0% of those before"]


def test_a_ledger_that_cannot_be_read_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").write_bytes(b"rubbish" * 1000)
    till = Till(tmp_path)

    _pay(till, "0.01", prompt="now")

    assert till.warned == []
    assert till.ask("SELECT count(*) FROM hours") == [(1,)]

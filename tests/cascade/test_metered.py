"""What a budget allows: an upper bound before the call, the truth after it."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from synapse_cli.backends.scripted import Scripted
from synapse_cli.cascade.metered import Metered
from synapse_cli.core.budget import NOTHING, Budget, Meter
from synapse_cli.core.completion import FREE, Completion, Count, Facts, Price, PriceStep, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BudgetSpent, CircuitOpen, ServerFailed, Shed, TimedOut, Unsuited
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model


class Priced:
    """A model of known price that says how much it was allowed to write, and writes all of it."""

    def __init__(self, price: Price | None, error: Exception | None = None) -> None:
        self.price, self.error = price, error
        self.allowed: list[object] = []

    def complete(self, request: Request, control: Control, emit: object = None) -> Completion:
        self.allowed.append(request.params.get("max_tokens"))
        if self.error:
            raise self.error
        wrote = request.params.get("max_tokens")
        usage = Usage(100, wrote if isinstance(wrote, int) else 50)
        return Completion(text="x", finish="length", usage=usage, cost=self.price.cost(usage) if self.price else None)

    def facts(self) -> Facts:
        return Facts(is_local=False, provider="test", price=self.price, max_output_tokens=1000)

    def count(self, messages: object) -> Count:
        return Count(100, estimated=False)


PRICE = Price(Decimal(10), Decimal(100))
ASKED = Request(messages=(Message("user", "x"),))


def test_max_tokens_is_lowered_to_what_the_budget_affords() -> None:
    model, meter = Priced(PRICE), Meter(Budget(dollars=Decimal("0.021")))

    completion = Metered(model, meter).complete(ASKED, Control())

    assert model.allowed == [200]
    assert not completion.keepable
    assert meter.left()[0] == 0


def test_an_answer_cut_by_a_budget_says_so() -> None:
    meter = Meter(Budget(dollars=Decimal("0.021")))

    completion = Metered(Priced(PRICE), meter).complete(ASKED, Control())

    assert completion.warnings == ("max_tokens was lowered from 1000 to 200: this run's budget affords no more",)


def test_the_tightest_of_a_run_s_budgets_lowers_max_tokens() -> None:
    model, meter = Priced(PRICE), Meter(Budget(dollars=Decimal("0.021")))
    meter.budgets.append(Budget(tokens=150, whose="the budget that route chat has for a run"))

    completion = Metered(model, meter).complete(ASKED, Control())

    assert model.allowed == [50]
    assert "route chat" in completion.warnings[0]


@pytest.mark.parametrize("error", [CircuitOpen("open"), Shed("no turn"), Unsuited("not made for it")])
def test_a_call_that_was_not_sent_takes_no_step_and_no_money(error: Exception) -> None:
    meter = Meter(Budget(dollars=Decimal(1), steps=1))

    with pytest.raises(type(error)):
        Metered(Priced(PRICE, error), meter).complete(ASKED, Control())

    assert meter.gone == NOTHING


def test_a_call_of_which_nobody_knows_the_cost_stays_at_its_upper_bound() -> None:
    meter = Meter(Budget(dollars=Decimal(1)))

    with pytest.raises(TimedOut):
        Metered(Priced(PRICE, TimedOut("slow")), meter).complete(ASKED, Control())

    assert meter.gone.dollars == Decimal("0.101")


def test_a_local_model_is_not_counted_for_money() -> None:
    model = Priced(FREE)

    Metered(model, Meter(Budget(dollars=Decimal(0))), is_local=True).complete(ASKED, Control())

    assert model.allowed == [None]


def test_the_dearest_price_of_a_long_prompt_is_reserved() -> None:
    steps = (PriceStep(50, Decimal(20), Decimal(200)),)
    model, meter = Priced(Price(Decimal(10), Decimal(100), steps=steps)), Meter(Budget(dollars=Decimal("0.022")))

    Metered(model, meter).complete(ASKED, Control())

    assert model.allowed == [100]


def test_a_budget_of_seconds_ends_a_call_and_says_so() -> None:
    slow = Scripted(
        Model(name="m", backend="scripted", options={"replies": [{"match": ".", "text": "x", "latency_s": 30.0}]})
    )
    control = Control()

    with pytest.raises(TimedOut, match=r"a budget of seconds gave this call only 0\.05 s"):
        Metered(slow, Meter(Budget(seconds=0.05)), timeout_s=60).complete(ASKED, control)

    assert not control.expired


def test_a_nearer_deadline_hears_what_stops_the_run() -> None:
    control = Control()
    within = control.within(60)

    control.stop()

    assert within.stopped
    assert within.deadline is not None
    assert control.deadline is None


def test_below_min_output_nothing_is_asked() -> None:
    model = Priced(PRICE)

    with pytest.raises(BudgetSpent, match="affords 15 output tokens"):
        Metered(model, Meter(Budget(dollars=Decimal("0.0025"), min_output=16))).complete(ASKED, Control())

    assert model.allowed == []


def test_an_unknown_price_cannot_hold_a_money_limit() -> None:
    with pytest.raises(BudgetSpent, match="price of this model is unknown"):
        Metered(Priced(None), Meter(Budget(dollars=Decimal(5)))).complete(ASKED, Control())


def test_a_token_limit_needs_no_price() -> None:
    model = Priced(None)

    Metered(model, Meter(Budget(tokens=150))).complete(ASKED, Control())

    assert model.allowed == [50]


def test_what_was_not_billed_is_given_back() -> None:
    meter = Meter(Budget(dollars=Decimal(1)))

    with pytest.raises(ServerFailed):
        Metered(Priced(PRICE, ServerFailed("500")), meter).complete(ASKED, Control())

    assert meter.left()[0] == 1


def test_without_limits_nothing_is_counted_first() -> None:
    model = Priced(PRICE)

    Metered(model, Meter(Budget())).complete(ASKED, Control())

    assert model.allowed == [None]


def test_steps_are_counted() -> None:
    backend = Metered(Priced(PRICE), Meter(Budget(steps=2)))
    backend.complete(ASKED, Control())
    backend.complete(ASKED, Control())

    with pytest.raises(BudgetSpent, match="all 2 calls"):
        backend.complete(ASKED, Control())


def test_twenty_threads_cannot_overspend_together() -> None:
    model = Scripted(
        Model(
            name="m",
            backend="scripted",
            price=Price(Decimal(0), Decimal(1_000_000)),
            params={},
            options={
                "replies": [{"match": ".", "text": "one", "latency_s": 0.02, "tokens": {"input": 0, "output": 1}}]
            },
        )
    )
    meter = Meter(Budget(dollars=Decimal(2), min_output=1))
    metered, passed = Metered(model, meter), []

    def call() -> None:
        try:
            metered.complete(Request(messages=ASKED.messages, params={"max_tokens": 1}), Control())
            passed.append(1)
        except BudgetSpent:
            pass

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(passed) == 2

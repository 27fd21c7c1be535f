"""What was only estimated may not make room in a budget: the call may have taken all that it was allowed to."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from synapse_cli.cascade.metered import Metered
from synapse_cli.core.budget import Budget, Meter
from synapse_cli.core.completion import Completion, Count, Facts, Price, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message, Request

PRICE = Price(Decimal(10), Decimal(100))


class Uncounted:
    """A model whose provider counts nothing, or does."""

    def __init__(self, *, estimated: bool) -> None:
        self.usage = Usage(100, 3, estimated=estimated)

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        return Completion(text="x", finish="stop", usage=self.usage, cost=PRICE.cost(self.usage))

    def facts(self) -> Facts:
        return Facts(is_local=False, provider="test", price=PRICE, max_output_tokens=1000)

    def count(self, messages: Sequence[Message]) -> Count:
        return Count(100, estimated=False)


@pytest.mark.parametrize(("estimated", "gone"), [(False, "0.0013"), (True, "0.101")])
def test_a_call_whose_tokens_nobody_counted_stays_at_its_upper_bound(estimated: bool, gone: str) -> None:
    meter = Meter(Budget(dollars=Decimal(1)))

    done = Metered(Uncounted(estimated=estimated), meter).complete(Request(messages=(Message("user", "x"),)), Control())

    assert meter.gone.dollars == Decimal(gone)
    assert done.cost == Decimal("0.0013")

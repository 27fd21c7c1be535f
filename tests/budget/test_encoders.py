"""Texts that are turned into vectors at a provider are paid for too, and count in the same budgets."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from synapse_cli.cascade.metered_encoder import MeteredEncoder
from synapse_cli.core.budget import Budget, Meter
from synapse_cli.core.completion import Facts, Price, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BudgetSpent, ServerFailed, TimedOut
from synapse_cli.core.vectors import Vectors
from tests.budget.purses import PROFILE, Till

PRICE = Price(Decimal(1_000_000), Decimal(0))


class Vectorising:
    """A paid encoder for which every word is a token of a dollar."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.asked = error, list[str]()

    def encode(self, texts: Sequence[str], control: Control) -> Vectors:
        self.asked += texts
        if self.error:
            raise self.error
        tokens = sum(len(text.split()) for text in texts)
        return Vectors(dimension=1, packed=b"\0\0\0\0" * len(texts), usage=Usage(tokens, 0), cost=Decimal(tokens))

    def facts(self) -> Facts:
        return Facts(is_local=False, provider="test", price=PRICE)


def _metered(encoder: Vectorising, meter: Meter) -> MeteredEncoder:
    return MeteredEncoder(encoder, meter, name="e", count=lambda text: len(text.split()))


def test_what_vectors_cost_counts_in_the_day_s_budget(tmp_path: Path) -> None:
    encoder, till = Vectorising(), Till(tmp_path)
    limits = (PROFILE, {"per_day": Decimal(5)})

    _metered(encoder, till.meter(limits)).encode(["one two", "three"], Control())
    with pytest.raises(BudgetSpent, match="today's budget of profile default does not afford a call of 4 tokens"):
        _metered(encoder, till.meter(limits)).encode(["one two three"], Control())

    assert encoder.asked == ["one two", "three"]
    assert till.ask("SELECT DISTINCT dollars, tokens, steps FROM sums") == [(3 * 10**12, 3, 1)]


@pytest.mark.parametrize(("error", "gone"), [(ServerFailed("500"), 0), (TimedOut("slow"), 3)])
def test_what_failed_costs_nothing_where_that_is_known(error: Exception, gone: int) -> None:
    meter = Meter(Budget(dollars=Decimal(5)))

    with pytest.raises(type(error)):
        _metered(Vectorising(error), meter).encode(["one two"], Control())

    assert meter.gone.dollars == gone


def test_without_limits_vectors_are_only_entered(tmp_path: Path) -> None:
    till = Till(tmp_path)

    _metered(Vectorising(), till.meter((PROFILE, {}))).encode(["one two"], Control())

    assert till.ask("SELECT DISTINCT dollars FROM sums") == [(2 * 10**12,)]

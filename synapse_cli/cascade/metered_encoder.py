"""An encoder that spends from budgets: the texts of a call are counted before it, and what it cost is entered after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_UP
from time import monotonic

from synapse_cli.cascade.metered import ESTIMATE_MARGIN
from synapse_cli.core.budget import Amounts, Meter
from synapse_cli.core.completion import Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import UNBILLED, UNSENT, SynapseError
from synapse_cli.core.grants import Bid
from synapse_cli.core.ports import Encoder
from synapse_cli.core.vectors import Vectors


class MeteredEncoder:
    """Wraps an encoder that is paid for; nothing is sent that a budget cannot pay."""

    def __init__(self, encoder: Encoder, meter: Meter, *, name: str, count: Callable[[str], int]) -> None:
        self._encoder = encoder
        self._meter = meter
        self._name = name
        self._count = count

    def encode(self, texts: Sequence[str], control: Control) -> Vectors:
        """One vector for each text, within the budgets. Raises BudgetSpent where one cannot pay."""
        bid = self._bid(texts, control)
        granted = self._meter.reserve(bid)
        within = control.within(granted.amounts.seconds) if granted.is_timed else control
        started = monotonic()
        try:
            vectors = self._encoder.encode(texts, within)
        except UNSENT:
            self._meter.settle(bid, granted, Amounts())
            raise
        except UNBILLED:
            self._meter.settle(bid, granted, Amounts(seconds=monotonic() - started, steps=1))
            raise
        except SynapseError:
            self._meter.doubt(bid, granted)
            raise
        tokens = granted.amounts.tokens if vectors.usage.input is None else vectors.usage.input
        dollars = granted.amounts.dollars if vectors.cost is None else vectors.cost
        spent = Amounts(dollars, tokens, monotonic() - started, 1)
        self._meter.settle(bid, granted, spent, is_known=vectors.cost is not None)
        return vectors

    def facts(self) -> Facts:
        """The wrapped encoder's."""
        return self._encoder.facts()

    def _bid(self, texts: Sequence[str], control: Control) -> Bid:
        bid = Bid(model=self._name, is_local=False, seconds=control.remaining_s(86_400.0))
        if not self._meter.needs_estimate(is_local=False):
            return bid
        tokens = sum(self._count(text) for text in texts) * ESTIMATE_MARGIN
        return Bid(
            model=self._name,
            is_local=False,
            price=self.facts().price,
            input_tokens=int(tokens.to_integral_value(ROUND_UP)),
            wanted=0,
            seconds=bid.seconds,
        )

"""A backend that spends from a run's budget: reserve an upper bound, call, settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, ROUND_UP, Decimal

from synapse_cli.core.budget import Meter, Reservation
from synapse_cli.core.completion import FREE, Completion, Count, Facts, Price
from synapse_cli.core.control import Control
from synapse_cli.core.errors import UNBILLED, BudgetSpent, Unsuited
from synapse_cli.core.ports import Backend, Emit
from synapse_cli.core.prompt import Message, Request

DEFAULT_OUTPUT = 4096
"""Output tokens reserved for a model of which nobody says how much it may write."""
ESTIMATE_MARGIN = Decimal("1.1")
"""Estimated input counts are raised by a tenth, so that the bound stays one where a tokenizer differs."""


class Metered:
    """Wraps a backend; the wrapped call is made only where its upper bound is affordable.

    `max_tokens` is lowered to what the budget affords; below the budget's `min_output` the call is refused.
    An answer shortened so is marked `keepable=False`.
    """

    def __init__(self, backend: Backend, meter: Meter) -> None:
        self._backend = backend
        self._meter = meter

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Call within the budget. Raises BudgetSpent where it cannot pay."""
        try:
            return self._complete(request, control, emit)
        except Unsuited:
            self._meter.unstep()  # it was not asked
            raise

    def _complete(self, request: Request, control: Control, emit: Emit | None) -> Completion:
        if not self._meter.budget.needs_estimate:
            self._meter.step()
            return self._backend.complete(request, control, emit)
        reserved, lowered, shortened = self._reserve(request)
        self._meter.step()
        try:
            completion = self._backend.complete(lowered, control, emit)
        except UNBILLED:
            self._meter.settle(reserved, Decimal(0), 0)
            raise
        self._meter.settle(reserved, completion.cost, completion.usage.total)
        if shortened and completion.finish == "length":
            return replace(completion, keepable=False)
        return completion

    def facts(self) -> Facts:
        """The wrapped backend's."""
        return self._backend.facts()

    def count(self, messages: Sequence[Message]) -> Count:
        """The wrapped backend's."""
        return self._backend.count(messages)

    def _reserve(self, request: Request) -> tuple[Reservation, Request, bool]:
        """Promise the upper bound of this call; return it, the request as it may be sent, and whether it is shorter."""
        facts = self._backend.facts()
        price = facts.price
        dollars_left, tokens_left = self._meter.left()
        if price is None:
            if dollars_left is not None:
                raise BudgetSpent(
                    "the price of this model is unknown, so a money limit cannot be held",
                    "set price = { input = …, output = … } (dollars per million tokens) on the model",
                )
            price = FREE
        input_tokens = self._input_tokens(request)
        wanted = _wanted_output(request, facts)
        affordable = _affordable(price, input_tokens, dollars_left, tokens_left, wanted)
        least = min(self._meter.budget.min_output, wanted)
        if affordable < least:
            raise BudgetSpent(
                f"this run's budget affords {max(0, affordable)} output tokens, and {least} are the least",
                "raise --max-cost or the [budget] table, or lower min_output",
            )
        dollars = (input_tokens * price.input + affordable * price.output) / 1_000_000
        reserved = self._meter.reserve(dollars, input_tokens + affordable)
        lowered = replace(request, params={**request.params, "max_tokens": affordable})
        return reserved, lowered, affordable < wanted

    def _input_tokens(self, request: Request) -> int:
        count = self._backend.count(request.messages)
        margin = ESTIMATE_MARGIN if count.estimated else Decimal(1)
        return int((count.tokens * margin).to_integral_value(ROUND_UP))


def _affordable(price: Price, input_tokens: int, dollars: Decimal | None, tokens: int | None, wanted: int) -> int:
    """Output tokens that what is left can pay, at most `wanted`; negative where the input alone is too dear."""
    bounds = [wanted]
    if dollars is not None:
        left = dollars - input_tokens * price.input / 1_000_000
        if price.output > 0:
            bounds.append(int((left * 1_000_000 / price.output).to_integral_value(ROUND_FLOOR)))
        elif left < 0:
            bounds.append(-1)
    if tokens is not None:
        bounds.append(tokens - input_tokens)
    return min(bounds)


def _wanted_output(request: Request, facts: Facts) -> int:
    wanted = request.params.get("max_tokens")
    if isinstance(wanted, int):
        return wanted
    return facts.max_output_tokens or DEFAULT_OUTPUT

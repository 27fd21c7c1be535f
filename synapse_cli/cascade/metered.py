"""A backend that spends from budgets: reserve an upper bound, call, settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_UP, Decimal
from hashlib import sha256
from math import inf
from time import monotonic

from synapse_cli.core.budget import Amounts, Meter
from synapse_cli.core.completion import Completion, Count, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import UNBILLED, UNSENT, SynapseError, TimedOut, Unsuited
from synapse_cli.core.grants import Bid, Grant
from synapse_cli.core.ports import Backend, Emit
from synapse_cli.core.prompt import Message, Request

DEFAULT_OUTPUT = 4096
"""Output tokens reserved for a model of which nobody says how much it may write."""
ESTIMATE_MARGIN = Decimal("1.1")
"""Estimated input counts are raised by a tenth, so that the bound stays one where a tokenizer differs."""
_LONGEST_S = 86_400.0


class Metered:
    """Wraps a backend; the wrapped call is made only where its upper bound is affordable.

    `max_tokens` is lowered to what all budgets afford; below the `min_output` of one the call is refused.
    An answer shortened so is marked `keepable=False`.
    """

    def __init__(
        self, backend: Backend, meter: Meter, *, name: str = "", is_local: bool = False, timeout_s: float = inf
    ) -> None:
        self._backend = backend
        self._meter = meter
        self._name = name
        self._is_local = is_local
        self._timeout_s = timeout_s

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Call within the budgets. Raises BudgetSpent where one cannot pay."""
        bid = self._bid(request, control)
        granted = self._meter.reserve(bid)
        lowered = request if granted.output is None else _limited(request, granted.output)
        within = control.within(granted.amounts.seconds) if granted.is_timed else control
        started = monotonic()
        try:
            completion = self._backend.complete(lowered, within, emit)
        except (Unsuited, *UNSENT):
            self._meter.settle(bid, granted, Amounts())  # it was not asked
            raise
        except UNBILLED:
            self._meter.settle(bid, granted, Amounts(seconds=monotonic() - started, steps=1))
            raise
        except SynapseError as error:
            self._meter.doubt(bid, granted)
            if isinstance(error, TimedOut) and granted.is_timed and granted.amounts.seconds < bid.seconds:
                raise _out_of_seconds(granted) from error
            raise
        spent, is_known = _spent(completion, granted, monotonic() - started)
        self._meter.settle(bid, granted, spent, is_known=is_known)
        return completion if not granted.lowered_by else _shortened(completion, bid, granted)

    def facts(self) -> Facts:
        """The wrapped backend's."""
        return self._backend.facts()

    def count(self, messages: Sequence[Message]) -> Count:
        """The wrapped backend's."""
        return self._backend.count(messages)

    def _bid(self, request: Request, control: Control) -> Bid:
        """What this call may take; counted and priced only where some limit needs to know."""
        bid = Bid(
            model=self._name,
            is_local=self._is_local,
            seconds=control.remaining_s(min(self._timeout_s, _LONGEST_S)),
            prompt="" if self._is_local else _hashed(request.messages),
        )
        if not self._meter.needs_estimate(is_local=self._is_local):
            return bid
        facts = self._backend.facts()
        input_tokens = self._input_tokens(request)
        price = None if facts.price is None else facts.price.ceiling(input_tokens)
        return replace(bid, price=price, input_tokens=input_tokens, wanted=_wanted_output(request, facts))

    def _input_tokens(self, request: Request) -> int:
        count = self._backend.count(request.messages)
        margin = ESTIMATE_MARGIN if count.estimated else Decimal(1)
        return int((count.tokens * margin).to_integral_value(ROUND_UP))


def _spent(completion: Completion, granted: Grant, seconds: float) -> tuple[Amounts, bool]:
    """What a finished call took, and whether its cost is known; what nobody measured stays at its upper bound."""
    bound, is_counted = granted.amounts, not completion.usage.estimated
    dollars, tokens = (completion.cost, completion.usage.total) if is_counted else (None, None)
    spent = Amounts(
        bound.dollars if dollars is None else dollars, bound.tokens if tokens is None else tokens, seconds, 1
    )
    return spent, dollars is not None


def _shortened(completion: Completion, bid: Bid, granted: Grant) -> Completion:
    if completion.finish != "length":
        return completion
    told = f"max_tokens was lowered from {bid.wanted} to {granted.output}: {granted.lowered_by} affords no more"
    return replace(completion, keepable=False, warnings=(*completion.warnings, told))


def _out_of_seconds(granted: Grant) -> TimedOut:
    return TimedOut(f"a budget of seconds gave this call only {granted.amounts.seconds:.3g} s", "synapse budget show")


def _limited(request: Request, output: int) -> Request:
    return replace(request, params={**request.params, "max_tokens": output})


def _wanted_output(request: Request, facts: Facts) -> int:
    wanted = request.params.get("max_tokens")
    if isinstance(wanted, int):
        return wanted
    return facts.max_output_tokens or DEFAULT_OUTPUT


def _hashed(messages: Sequence[Message]) -> str:
    """Messages as one short name, which says nothing of what they hold."""
    said = "\0".join(f"{message.role}\0{message.content}" for message in messages)
    return sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]

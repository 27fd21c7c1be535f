"""A crowd that queues for its turn while the provider dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from synapse_cli.cascade.lanes import lanes
from synapse_cli.core.clock import SystemClock
from synapse_cli.core.completion import Completion, Count, Facts, Price, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import CircuitOpen, ServerFailed, SynapseError
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.flows.paced import Paced
from synapse_cli.profile.model import Limits, Model
from synapse_cli.profile.settings import BreakerSettings
from tests.resilience.crowd import ASKED

MODEL = Model(
    name="m",
    backend="scripted",
    price=Price(Decimal(1), Decimal(1)),
    limits=Limits(parallel=2),
    options={"replies": [{"match": "", "text": "x"}]},
)


class Dies:
    """A provider that answers once, then keeps calls waiting until it is let fail."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails = threading.Event()

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Answer the first time, fail later."""
        self.calls += 1
        if self.calls > 1:
            self.fails.wait(60)
            raise ServerFailed("it says 500")
        return Completion(text="x", finish="stop", usage=Usage(1, 1), cost=None)

    def facts(self) -> Facts:
        """A hosted model's."""
        return Facts(is_local=False, provider="scripted", price=None)

    def count(self, messages: Sequence[Message]) -> Count:
        """None."""
        return Count(0, estimated=True)


def test_who_waited_for_a_turn_learns_that_the_provider_died_meanwhile(tmp_path: Path) -> None:
    paced, provider = Paced(str(tmp_path), BreakerSettings(), SystemClock(), print), Dies()
    ends: list[type[SynapseError]] = []

    def call() -> None:
        try:
            paced.in_step(MODEL, lambda _: provider, lambda _s, _why: None).complete(ASKED, Control())
        except SynapseError as error:
            ends.append(type(error))

    call()
    crowd = [threading.Thread(target=call) for _ in range(12)]
    for each in crowd:
        each.start()
    while sum(lane.waiting for lane in lanes(paced.pace)) < 10:
        time.sleep(0.02)
    provider.fails.set()
    for each in crowd:
        each.join()

    assert provider.calls - 1 <= 4
    assert ends.count(ServerFailed) == provider.calls - 1
    assert ends.count(CircuitOpen) == 12 - (provider.calls - 1)
    assert [(lane.flying, lane.waiting) for lane in lanes(paced.pace)] == [(0, 0)]
    paced.close()

"""Processes that meet a half-open circuit at the same instant."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from multiprocessing.context import ForkContext
from multiprocessing.synchronize import Barrier
from pathlib import Path

from synapse_cli.cascade.breaker import Breaker
from synapse_cli.cascade.guarded import Gate, Guarded
from synapse_cli.cascade.pace_file import PaceFile
from synapse_cli.core.clock import SystemClock
from synapse_cli.core.completion import Completion, Count, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError, ServerFailed
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.settings import BreakerSettings
from tests.resilience.shared import PLACE, Watched

ASKED = Request(messages=(Message("user", "a question"),))


class Noted:
    """A provider that takes a while to fail, and writes down each call."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Note, wait, fail."""
        file = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, b"called\n")
        os.close(file)
        time.sleep(0.1)
        raise ServerFailed("it says 500")

    def facts(self) -> Facts:
        """A hosted model's."""
        return Facts(is_local=False, provider="openai", price=None)

    def count(self, messages: Sequence[Message]) -> Count:
        """None."""
        return Count(0, estimated=True)


def probed(folder: Path, processes: int, context: ForkContext) -> int:
    """How many calls reach a provider whose circuit is half-open, where so many processes call at one instant."""
    Watched(folder, cooldown_s=30.0).fails(3)  # by its clock of 2023, so that the cooldown is long over
    barrier = context.Barrier(processes)
    log = folder / "log"
    crowd = [context.Process(target=_call, args=(folder, log, barrier)) for _ in range(processes)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join()
    return len(log.read_bytes().splitlines())


def _call(folder: Path, log: Path, barrier: Barrier) -> None:
    clock = SystemClock()
    breaker = Breaker(PaceFile(folder, warn=print, clock=clock), BreakerSettings(), clock)
    guarded = Guarded(Noted(log), Gate(breaker, PLACE, clock, timeout_s=60.0))
    barrier.wait()
    try:
        guarded.complete(ASKED, Control())
    except BackendError:
        pass

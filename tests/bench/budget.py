"""What does it cost to hold a call to the budgets of a day and a month?

    python -m tests.bench.budget [CALLS]

CPU milliseconds a call, reserved and settled under three scopes: with the account open as in a process that makes
many, and opened for it as in a `synapse run`. Medians of rounds.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from statistics import median

from synapse_cli.core.budget import Amounts, Meter
from synapse_cli.core.clock import SystemClock
from synapse_cli.ledger.account import Account
from synapse_cli.ledger.account_watch import Watch
from tests.budget.purses import PROFILE, ROUTE, TENANT, Till, bid

ROUNDS = 7
LIMITED = {"per_day": Decimal(10**6), "per_month": Decimal(10**6)}


def main(calls: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        for name, limits in (("without a limit", {}), ("with limits of a day and a month", LIMITED)):
            kept: list[Meter] = []
            stays = _meter(Path(folder), limits)
            opened = _cpu_ms(lambda: _call(kept, _meter(Path(folder), limits)), calls)  # noqa: B023  # called at once
            going_on = _cpu_ms(lambda: _call(kept, stays), calls)  # noqa: B023  # likewise
            sys.stdout.write(f"{name:<34} {opened:.2f} ms opened for it, {going_on:.2f} ms in a process that goes on\n")


def _meter(folder: Path, limits: dict[str, Decimal]) -> Meter:
    till = Till(folder, SystemClock())  # type: ignore[arg-type]  # only its time is asked
    watch = Watch(Account(folder), warn=print, alert=print)
    return till.meter((PROFILE, limits), (ROUTE, {}), (TENANT, {}), watch=watch)


def _call(kept: list[Meter], meter: Meter) -> None:
    asked = bid(prompt=str(time.time()))
    meter.settle(asked, meter.reserve(asked), Amounts(Decimal("0.01"), 1, 0.1, 1))
    kept.append(meter)  # a process that ends does not close it


def _cpu_ms(call: Callable[[], None], calls: int) -> float:
    figures = []
    for _ in range(ROUNDS):
        before = time.process_time()
        for _ in range(calls):
            call()
        figures.append((time.process_time() - before) / calls * 1000)
    return median(figures)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 40)

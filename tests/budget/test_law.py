"""The law of the account: what is spent and what is promised is never more than the limit, whoever dies when."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from synapse_cli.core.budget import Amounts, Meter
from synapse_cli.core.errors import BudgetSpent
from synapse_cli.core.grants import Bid, Grant
from tests.budget.purses import PROFILE, TENANT, Till, bid

LIMIT, TOKENS = 20, 30
ROOT = Path(__file__).resolve().parents[2]


class Account(RuleBasedStateMachine):
    """Two scopes, three processes; each rule is one thing that a run or a signal does."""

    @initialize()
    def open(self) -> None:
        """Begin with an empty account."""
        self.folder = tempfile.TemporaryDirectory(prefix="synapse-law-")
        self.till = Till(Path(self.folder.name))
        self.meters = [self._meter() for _ in range(3)]
        self.held: list[tuple[Meter, Bid, Grant]] = []
        self.gone = {"dollars": 0, "tokens": 0}

    def _meter(self) -> Meter:
        return self.till.meter((PROFILE, {"per_day": Decimal(LIMIT)}), (TENANT, {"tokens_per_month": TOKENS}))

    @rule(who=st.integers(0, 2), tokens=st.integers(1, 12))
    def reserve(self, who: int, tokens: int) -> None:
        """Ask for a call; it is granted what is left, and refused only where that is nothing."""
        left = min(LIMIT - self.gone["dollars"], TOKENS - self.gone["tokens"])
        asked = bid(tokens)
        try:
            granted = self.meters[who].reserve(asked)
        except BudgetSpent:
            assert left < 1
            return
        assert granted.output == min(tokens, left)
        self._take(granted.output or 0)
        self.held.append((self.meters[who], asked, granted))

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 100), share=st.floats(0, 1))
    def settle(self, which: int, share: float) -> None:
        """End a call, which took no more than it was granted."""
        meter, asked, granted = self.held.pop(which % len(self.held))
        output = granted.output or 0
        took = round(output * share)
        meter.settle(asked, granted, Amounts(Decimal(took), took, 0.5, 1))
        self._take(took - output)

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 100))
    def lose(self, which: int) -> None:
        """End a call of which nobody knows what it cost."""
        meter, asked, granted = self.held.pop(which % len(self.held))
        meter.doubt(asked, granted)

    @rule(who=st.integers(0, 2))
    def crash(self, who: int) -> None:
        """Forget a process with all that it holds; another takes its place."""
        dead = self.meters[who]
        self.held = [each for each in self.held if each[0] is not dead]
        dead.purse.close()  # type: ignore[union-attr]  # every meter here has one
        self.meters[who] = self._meter()

    @invariant()
    def holds(self) -> None:
        """The sums are what the model says, and within the limits."""
        rows = self.till.ask("SELECT scope, dollars, tokens FROM sums WHERE period LIKE 'd%'") if self._exists() else []
        for _, dollars, tokens in rows:
            assert dollars == self.gone["dollars"] * 10**12 <= LIMIT * 10**12
            assert tokens == self.gone["tokens"] <= TOKENS

    def _exists(self) -> bool:
        return hasattr(self, "till") and (self.till.folder / "account.sqlite3").exists()

    def _take(self, amount: int) -> None:
        self.gone = {unit: gone + amount for unit, gone in self.gone.items()}

    def teardown(self) -> None:
        """Leave no folder behind."""
        if hasattr(self, "folder"):
            for meter in self.meters:
                meter.purse.close()  # type: ignore[union-attr]  # likewise
            self.folder.cleanup()


TestAccount = Account.TestCase
TestAccount.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)

_WORK = f"""
import random, sys, threading, time
sys.path.insert(0, {str(ROOT)!r})
from decimal import Decimal
from pathlib import Path
from synapse_cli.core.budget import Amounts
from synapse_cli.core.clock import FixedClock
from synapse_cli.core.errors import BudgetSpent
from tests.budget.purses import NOON, PROFILE, TENANT, Till, bid
till, chance, written = Till(Path(sys.argv[1])), random.Random(int(sys.argv[2])), threading.Lock()
meter = till.meter((PROFILE, {{"per_day": Decimal(60)}}), (TENANT, {{"per_month": Decimal(60)}}))
def work():
    for _ in range(12):
        asked = bid(chance.randint(1, 4))
        try:
            granted = meter.reserve(asked)
        except BudgetSpent:
            continue
        time.sleep(chance.random() / 200)
        took = chance.randint(0, granted.output)
        if chance.random() < 0.1:
            meter.doubt(asked, granted)
            took = granted.output
        else:
            meter.settle(asked, granted, Amounts(Decimal(took), took, 0.1, 1))
        with written:
            print(took, flush=True)
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("done", till.warned, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a kill that cannot be caught")
def test_processes_of_threads_that_are_killed_spend_no_more_than_the_limit(tmp_path: Path) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORK, str(tmp_path), str(seed)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(4)
    ]
    assert workers[0].stdout is not None
    workers[0].stdout.readline()
    time.sleep(random.Random(1).random() / 50)
    os.kill(workers[0].pid, signal.SIGKILL)
    ended = [worker.communicate(timeout=120) for worker in workers]

    till = Till(tmp_path)
    took = sum(int(line) for out, _ in ended[1:] for line in out.splitlines() if line[0].isdigit())
    sums = till.ask("SELECT dollars FROM sums")
    held = till.ask("SELECT coalesce(sum(dollars), 0) FROM reservations WHERE in_doubt = 0")
    assert [out.splitlines()[-1] for out, _ in ended[1:]] == ["done []"] * 3, ended
    assert {row[0] for row in sums} == {sums[0][0]}
    assert took * 10**12 <= sums[0][0] <= 60 * 10**12
    assert till.ask("PRAGMA integrity_check") == [("ok",)]
    assert held[0][0] <= 16 * 10**12  # four threads, four dollars each, of the one that was killed

"""Runs that are killed: the ledger is whole, no finished call is lost, and what is in doubt is marked so."""

from __future__ import annotations

import random
from pathlib import Path

from tests.bench.ledger_kill import strike
from tests.e2e.machine import Machine

KILLS = 12


def test_whenever_a_run_is_killed_no_finished_call_is_lost(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)

    found = strike(Machine(tmp_path), KILLS, seed)

    assert (found.integrity, found.wrong) == ("ok", []), (seed, found)
    assert found.before + found.between + found.after == KILLS
    assert found.in_doubt <= found.between

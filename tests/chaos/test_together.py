"""Everything on at once, eight at a time: each run is answered, recorded, counted and told, once."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from tests.e2e.machine import Machine

RUNS = 200
ALL = """schema = 1
[models.paid]
backend = "scripted"
record = "~/calls.jsonl"
price = { input = 1.0, output = 2.0 }
limits = { rpm = 100000, tpm = 100000000, parallel = 8 }
replies = [{ match = "^prompt [0-9]+$", text = "an answer", tokens = { input = 10, output = 5 } }]
[routes.default]
use = "paid"
[breaker]
failures = 3
[budget]
per_day = "100 USD"
per_month = "1000 USD"
[telemetry]
file = "~/spans.jsonl"
"""
COST = Decimal("0.00002")


def test_two_hundred_prompts_by_eight_with_limits_budgets_breaker_and_telemetry(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.use(ALL)

    done = machine.shell(f"seq {RUNS} | xargs -P8 -I{{}} synapse run 'prompt {{}}'")

    assert (done.code, done.err) == (0, "")
    assert done.out == b"an answer\n" * RUNS
    assert len(machine.calls) == RUNS
    assert machine.ledger("SELECT count(*), count(DISTINCT prompt), sum(exit_code = 0) FROM runs") == [(RUNS,) * 3]
    assert machine.ledger("SELECT count(*), sum(outcome IS NOT NULL) FROM calls") == [(RUNS, RUNS)]
    assert sum(Decimal(cost) for (cost,) in machine.ledger("SELECT cost FROM runs")) == RUNS * COST
    assert _spent(machine) == {"day": RUNS * COST, "month": RUNS * COST}
    assert _traces(machine.home / "spans.jsonl") == RUNS


def _spent(machine: Machine) -> dict[str, Decimal]:
    rows = machine.synapse("budget", "show", "--json").json
    return {row["period"]: Decimal(row["spent"]) for row in rows if row["unit"] in {"dollars", "money"}}


def _traces(path: Path) -> int:
    """How many traces a file of spans holds; every line of it is whole."""
    requests = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    scopes = [scope for one in requests for part in one.get("resourceSpans", ()) for scope in part["scopeSpans"]]
    return len({span["traceId"] for scope in scopes for span in scope["spans"]})

"""A machine of one's own, whose only model is paid for by the call."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.machine import Machine

PAID = """schema = 1
[models.dear]
backend = "scripted"
record = "~/calls.jsonl"
price = {{ input = 0, output = 1000000 }}
params = {{ max_tokens = 1 }}
replies = [{{ match = "", text = "x", latency_s = {latency_s}, tokens = {{ input = 0, output = 1 }} }}]
[routes.default]
use = "dear"
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """An empty home and the real `synapse` command."""
    return Machine(tmp_path)


def paid(machine: Machine, more: str = "", *, latency_s: float = 0.0) -> None:
    """Make a profile the user's default in which each answer costs a dollar, all of its upper bound."""
    machine.use(PAID.format(latency_s=latency_s) + more)

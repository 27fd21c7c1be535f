"""A machine of its own for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.machine import Machine

PROFILE = """schema = 1
[models]
quick = { backend = "scripted", replies = [
  { match = "sky", text = "Blue", confidence = 0.9, tokens = { input = 12, output = 3 } },
  { match = "sum", text = "It is 42", confidence = 0.2, tokens = { input = 12, output = 4 } },
  { match = "", text = "I do not know", confidence = 0.1, tokens = { input = 12, output = 4 } }] }
careful = { backend = "scripted", price = { input = 100, output = 1000 }, replies = [
  { match = "sky", text = "Blue", tokens = { input = 12, output = 3 } },
  { match = "sum", text = "42", tokens = { input = 12, output = 1 } },
  { match = "", text = "It depends", tokens = { input = 12, output = 2 } }] }
broken = { backend = "scripted", replies = [{ error = "auth" }] }
slow = { backend = "scripted", replies = [{ text = "late", latency_s = 30 }] }
slower = { backend = "scripted", replies = [{ text = "an answer of some words", latency_s = 0.03 }] }
[cascades.climb]
tiers = ["quick", "careful"]
accept = [{ kind = "confidence", min = 0.5 }]
[routes.default]
use = "climb"
"""
ROWS = """prompt,expected
What colour is the sky?,Blue
What is the sum?,42
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.use(PROFILE)
    made.write("rows.csv", ROWS)
    return made

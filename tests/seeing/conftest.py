"""A machine with a cascade whose ways a prompt can choose."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.machine import Machine

CLIMB = """schema = 1
[models.small]
backend = "scripted"
replies = [
  { match = "hard", text = "maybe", confidence = 0.31, tokens = { input = 120, output = 8 } },
  { match = "", text = "an answer", confidence = 0.93, tokens = { input = 10, output = 3 } },
]
[models.middle]
backend = "scripted"
price = { input = 0.5, output = 2.0 }
replies = [
  { match = "broken", error = "server" },
  { match = "", text = "half an answer", confidence = 0.5, tokens = { input = 1200, output = 80 } },
]
[models.big]
backend = "scripted"
price = { input = 2.5, output = 10.0 }
replies = [
  { match = "", text = "a whole answer\\nin two lines", confidence = 0.99, tokens = { input = 1250, output = 180 } },
]
[cascades.climb]
tiers = ["small", "middle", "big"]
accept = [{ kind = "confidence", min = 0.8 }, { kind = "length", min = 1 }]
[routes.code]
when = { keywords = ["parser"] }
use = "big"
[routes.default]
use = "climb"
"""

DEAD = CLIMB.replace(
    "[routes.default]",
    """[models.dead]
backend = "scripted"
price = { input = 0.5, output = 2.0 }
replies = [{ match = "", error = "server" }]
[routes.dead]
when = { keywords = ["dead"] }
use = "dead"
fallback = ["big"]
[budget]
per_day = "0.05 USD"
[routes.default]""",
)
"""With a provider that fails always, and a limit."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.use(CLIMB)
    return made

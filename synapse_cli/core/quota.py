"""What did a provider say of its own limits, beside an answer or a refusal?"""

from __future__ import annotations

from typing import Literal, NamedTuple

Unit = Literal["requests", "tokens"]


class Allowance(NamedTuple):
    """What one key may do of one thing; None is what was not said."""

    unit: Unit
    limit: int | None = None
    """In a whole window."""
    remaining: int | None = None
    reset_s: float | None = None
    """Seconds until all of it is there again."""
    window_s: float | None = None
    """Seconds that `limit` is for."""


Quota = tuple[Allowance, ...]
"""Empty where the provider says nothing, as most servers that people run themselves."""

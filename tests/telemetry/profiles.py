"""Profiles whose runs are told."""

from __future__ import annotations

CASCADE = """schema = 1
[models.small]
backend = "scripted"
replies = [{ match = "", text = "poor, and secret-answer" }]
[models.big]
backend = "scripted"
price = { input = 1, output = 2 }
replies = [{ match = "", text = "a good answer", tokens = { input = 10, output = 3 } }]
[cascades.both]
tiers = ["small", "big"]
accept = [{ kind = "regex", pattern = "good" }]
[routes.default]
use = "both"
"""
"""The first tier is rejected, the second accepted."""

PROMPT = "a question about secret-prompt"


def to(**telemetry: str | bool) -> str:
    """The cascade, told to a place."""
    said = "\n".join(
        f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}" for key, value in telemetry.items()
    )
    return f"{CASCADE}[telemetry]\n{said}\n"

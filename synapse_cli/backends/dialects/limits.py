"""What do response headers say of a provider's limits? One reading for all, since their names tell the unit.

    OpenAI, Groq, xAI, DeepSeek, Azure, GitHub   x-ratelimit-{limit,remaining,reset,renewalperiod}-{requests,tokens}
    Cerebras, SambaNova                          x-ratelimit-{…}-{requests,tokens}-{minute,hour,day}
    Mistral                                      x-ratelimit-{limit,remaining}-{req,tokens}-{minute,month}
    OpenRouter                                   x-ratelimit-{limit,remaining,reset}, of requests
    Anthropic                                    anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{…}
    Cohere                                       x-trial-endpoint-call-{limit,remaining}, of requests a minute

Gemini, Ollama and llama-server have none: of them only what they ask for with a refusal is known.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping

from synapse_cli.core.quota import Allowance, Quota, Unit

Field = dict[str, float]

_UNITS: dict[str, Unit] = {
    "": "requests",
    "req": "requests",
    "requests": "requests",
    "tokens": "tokens",
    "input-tokens": "tokens",
    "output-tokens": "tokens",
}
_WINDOWS = {"": None, "-minute": 60.0, "-hour": 3600.0, "-day": 86_400.0}
"""A month's is left out: nobody waits for it, and a 429 tells it."""
_COMMON = re.compile(
    r"x-ratelimit-(limit|remaining|reset|renewalperiod)(?:-(req|requests|tokens))?(-minute|-hour|-day)?"
)
_ANTHROPIC = re.compile(r"anthropic-ratelimit-(requests|tokens|input-tokens|output-tokens)-(limit|remaining|reset)")
_COHERE = re.compile(r"x-trial-endpoint-call-(limit|remaining)")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_EPOCH_S = 1e9
"""A number beyond it is no duration but an instant: 2001 in seconds."""
_LONGEST_S = 32 * 86_400.0
"""What would last longer than a month has been misread."""


def quota(headers: Mapping[str, str], now: float | None = None) -> Quota:
    """Every allowance that the headers tell; what makes no sense is not told."""
    found: dict[tuple[str, str], Field] = {}
    now = time.time() if now is None else now
    for name, text in headers.items():
        place = _place(name.lower())
        if place is None:
            continue
        axis, what = place
        value = seconds(text, now) if what == "reset" else _number(text)
        if value is not None:
            found.setdefault(axis, {})[what] = value
    told = (_allowance(axis, values) for axis, values in found.items())
    return tuple(each for each in told if each is not None)


def seconds(text: str, now: float) -> float | None:
    """How long until then: `6m0s`, `370ms`, `12`, an instant in seconds or milliseconds since 1970, or RFC 3339."""
    text = text.strip()
    number = _number(text)
    if number is not None:
        number = number / 1000 if number > _EPOCH_S * 100 else number
        left = number - now if number > _EPOCH_S else number
    elif _DURATION.match(text) and not _DURATION.sub("", text):
        left = sum(float(value) * _SECONDS[unit] for value, unit in _DURATION.findall(text))
    else:
        instant = _instant(text)
        if instant is None:
            return None
        left = instant - now
    return max(0.0, round(left, 6)) if left < _LONGEST_S else None


def _place(name: str) -> tuple[tuple[str, str], str] | None:
    """Which axis a header is about, and what it tells of it."""
    common = _COMMON.fullmatch(name)
    if common:
        what, unit, window = (group or "" for group in common.groups())
        return (unit, window), what
    anthropic = _ANTHROPIC.fullmatch(name)
    if anthropic:
        return (anthropic.group(1), "-minute"), anthropic.group(2)
    cohere = _COHERE.fullmatch(name)
    return (("", "-minute"), cohere.group(1)) if cohere else None


def _allowance(axis: tuple[str, str], values: Field) -> Allowance | None:
    unit, window = axis
    limit, remaining, reset_s = values.get("limit"), values.get("remaining"), values.get("reset")
    if (limit is None and remaining is None) or (limit is not None and limit < 1):
        return None  # gateways say 0 where they have no limit, and -1 where they do not know
    if remaining is not None and remaining < 0:
        remaining = None
    window_s = values.get("renewalperiod") or _WINDOWS[window]
    if window_s is None and limit and remaining is not None and reset_s and remaining < limit:
        # Of OpenAI's and Groq's buckets: 30 of 14,400 used and 3 minutes to go make a day.
        window_s = round(reset_s * limit / (limit - remaining), 1)
    return Allowance(_UNITS[unit], _whole(limit), _whole(remaining), reset_s, window_s)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value < 1e15 else None


def _instant(text: str) -> float | None:
    from datetime import datetime

    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant.timestamp() if instant.tzinfo else None

"""Which models are passed over: too slow, not good enough, or too small for this prompt?

Latency and quality are what was recorded of a model's own calls and answers. What nobody has measured yet is allowed,
and said: a new model could otherwise never be measured.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from synapse_cli.core.completion import Count, Facts
from synapse_cli.core.errors import InputError, NotAllowed, SynapseError, Unsuited
from synapse_cli.core.prompt import Request

SHARE = 0.9
"""The latency of a model is what nine of ten of its calls did not exceed."""
FEWEST_CALLS = 10
"""Below it that is merely the slowest call."""
FEWEST_VERDICTS = 10
"""Of users on a model's answers, below which their share says nothing."""
LOOKS_BACK_S = 7 * 86400.0
"""Providers change from week to week."""
_HOLDS_ANYWAY = 4096
"""Bytes that every hosted model has room for: no token is shorter than a byte."""
_TOO_MUCH_AT_LEAST = 0.8
"""Of an estimated count: other tokenizers make up to a fifth fewer tokens of the same text."""
_LONGEST_TOKEN = 8
"""Bytes a token in the text that packs best; a local model that may still hold the prompt counts for itself."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a run asks of whoever answers it; None asks nothing. `flag` says whether a flag asked."""

    max_latency_s: float | None = None
    min_quality: float | None = None
    latency_is_flag: bool = False
    quality_is_flag: bool = False


class Measured:
    """What is known of the models of a profile: from the ledger's sums, read once and only where a limit asks."""

    def __init__(self, folder: Callable[[], str], now: Callable[[], float]) -> None:
        self._folder = folder
        self._now = now

    @cached_property
    def latencies(self) -> Mapping[str, float]:
        """Seconds that nine of ten calls of the last week took at most, of each model with enough of them."""
        from synapse_cli.ledger.histogram import counts
        from synapse_cli.ledger.totals import totals

        try:
            rows = totals(self._ledger, since=self._now() - LOOKS_BACK_S, by=("model",))
        except InputError:
            return {}
        enough = [row for row in rows if sum(counts(row.latencies).values()) >= FEWEST_CALLS]
        known = {row.of["model"]: row.percentile(SHARE) for row in enough}
        return {model: seconds for model, seconds in known.items() if seconds is not None}

    @property
    def _ledger(self) -> str:
        from synapse_cli.ledger.schema import FILE

        return os.path.join(self._folder(), FILE)


def too_slow(model: str, limit: Limit, measured: Measured) -> NotAllowed | None:
    """Why a model may not be asked under a latency limit; None where it is quick enough, or nobody knows."""
    if limit.max_latency_s is None:
        return None
    known = measured.latencies.get(model)
    if known is None or known <= limit.max_latency_s:
        return None
    what = f"nine of ten calls take up to {_seconds(known)}, more than {_seconds(limit.max_latency_s)}"
    return NotAllowed(what, f"raise {_where('max_latency', '--max-latency', is_flag=limit.latency_is_flag)}")


def too_bad(quality: float | None, limit: Limit) -> NotAllowed | None:
    """Why a model may not be asked where a quality is required; None where it is good enough, or nobody knows."""
    if limit.min_quality is None or quality is None or quality >= limit.min_quality:
        return None
    what = f"its answers are {quality:.2f} good in the mean, less than {limit.min_quality:g}"
    return NotAllowed(what, f"lower {_where('min_quality', '--min-quality', is_flag=limit.quality_is_flag)}")


def too_small(
    request: Request, *, is_local: bool, declared: int | None, facts: Callable[[], Facts], count: Callable[[], Count]
) -> SynapseError | None:
    """Why a model cannot hold the prompt and the answer that was asked for; None where it can, or may.

    Only what is certain is said: a local model near its limit counts for itself, and a provider too. `facts` and
    `count` are asked only for a long prompt.
    """
    size = sum(len(message.content.encode("utf-8", "replace")) for message in request.messages)
    asked = request.params.get("max_tokens")
    output = asked if isinstance(asked, int) and not isinstance(asked, bool) else 1
    if size + output <= (_HOLDS_ANYWAY if declared is None else declared):
        return None
    window = declared or facts().context_tokens
    if window is None or size + output <= window:
        return None
    least = size / _LONGEST_TOKEN if is_local else _at_least(count())
    if least + output <= window:
        return None
    what = f"its window of {window} tokens is too small for the prompt"
    return Unsuited(what, "shorten the prompt, or use a model with a larger window")


def _at_least(count: Count) -> float:
    return count.tokens * _TOO_MUCH_AT_LEAST if count.estimated else count.tokens


def _where(key: str, flag: str, *, is_flag: bool) -> str:
    return flag if is_flag else f"{key} of the route"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"

"""Which models are passed over: too slow, not good enough, or too small for this prompt?

Latency and quality are what was recorded of a model's own calls and answers. What nobody has measured yet is allowed,
and said: a new model could otherwise never be measured.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from synapse_cli.core.completion import Count, Facts
from synapse_cli.core.errors import InputError, NotAllowed, SynapseError, Unsuited
from synapse_cli.core.prompt import Request
from synapse_cli.flows.wiring import folder_of
from synapse_cli.profile.model import Model, Route

if TYPE_CHECKING:
    from synapse_cli.flows.session import Session

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


class Limits:
    """What a run asks of whoever answers it: a flag's word goes before the route's, and None asks nothing."""

    def __init__(self, session: Session, route: Route | None) -> None:
        ask = session.ask
        self._session = session
        self._closes = ask.local_only or ask.hosted_only or session.tenant is not None
        self.max_latency_s = ask.max_latency_s
        self.min_quality = ask.min_quality
        if route is not None:
            self.max_latency_s = route.max_latency_s if ask.max_latency_s is None else ask.max_latency_s
            self.min_quality = route.min_quality if ask.min_quality is None else ask.min_quality

    @property
    def may_close(self) -> bool:
        """Whether anything keeps any model from being asked."""
        return self._closes or self.max_latency_s is not None or self.min_quality is not None

    def hindered(self, model: Model) -> SynapseError | None:
        """Why a model may not be asked now, whatever it would answer; None where it may."""
        return self._session.obstacle(model) or self._too_slow(model)

    def obstacle(self, model: Model, request: Request, quality: float | None = None) -> SynapseError | None:
        """Why a model is passed over for this request; `quality` is what is known of the way that it is asked in."""
        hindered = self.hindered(model)
        if hindered is None and self.min_quality is not None:
            known = self._measured.qualities.get(model.name) if quality is None else quality
            hindered = self.too_bad(known)
        return hindered or self._too_small(model, request)

    def too_bad(self, quality: float | None) -> NotAllowed | None:
        """Why answers of this mean quality will not do; None where they will, or nobody knows."""
        if self.min_quality is None or quality is None or quality >= self.min_quality:
            return None
        what = f"its answers are {quality:.2f} good in the mean, less than {self.min_quality:g}"
        return NotAllowed(what, f"lower {_named('--min-quality', self._session.ask.min_quality)}")

    def unknown(self, model: Model, quality: float | None) -> str:
        """Which limits cannot be held against a model because nobody has measured it; empty where they can."""
        lacks = []
        if self.max_latency_s is not None and model.name not in self._measured.latencies:
            lacks.append(f"latency (fewer than {FEWEST_CALLS} calls recorded)")
        if self.min_quality is not None and quality is None and model.name not in self._measured.qualities:
            lacks.append(f"quality (fewer than {FEWEST_VERDICTS} verdicts recorded)")
        return "unknown: " + " and ".join(lacks) if lacks else ""

    def _too_slow(self, model: Model) -> NotAllowed | None:
        if self.max_latency_s is None:
            return None
        known = self._measured.latencies.get(model.name)
        if known is None or known <= self.max_latency_s:
            return None
        what = f"one call in ten takes {_seconds(known)} or more, over the limit of {_seconds(self.max_latency_s)}"
        return NotAllowed(what, f"raise {_named('--max-latency', self._session.ask.max_latency_s)}")

    def _too_small(self, model: Model, request: Request) -> SynapseError | None:
        session = self._session
        return too_small(
            request,
            is_local=session.is_local(model),
            declared=model.context,
            facts=lambda: session.facts(model),
            count=lambda: session.backend(model).count(request.messages),
        )

    @cached_property
    def _measured(self) -> Measured:
        from synapse_cli.ledger.schema import FILE

        return Measured(os.path.join(folder_of("state"), FILE), self._session.started - LOOKS_BACK_S)


class Measured:
    """What is known of the models of a profile: from the ledger's sums since then, read only where a limit asks."""

    def __init__(self, ledger: str, since: float) -> None:
        self._ledger = ledger
        self._since = since

    @cached_property
    def latencies(self) -> Mapping[str, float]:
        """Seconds that nine of ten calls took at most, of each model with enough of them."""
        from synapse_cli.ledger.histogram import counts
        from synapse_cli.ledger.totals import totals

        try:
            rows = totals(self._ledger, since=self._since, by=("model",))
        except InputError:
            return {}
        enough = [row for row in rows if sum(counts(row.latencies).values()) >= FEWEST_CALLS]
        known = {row.of["model"]: row.percentile(SHARE) for row in enough}
        return {model: seconds for model, seconds in known.items() if seconds is not None}

    @cached_property
    def qualities(self) -> Mapping[str, float]:
        """The share of a model's answers that people called good, of those they judged; of any time."""
        from synapse_cli.ledger.totals import tallies

        try:
            said = [tally for tally in tallies(self._ledger) if tally.kind == "feedback" and tally.n >= FEWEST_VERDICTS]
        except InputError:
            return {}
        return {tally.model: tally.good / tally.n for tally in said}


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
    if is_local:
        output = 1  # an answer here ends at the window, and nobody refuses a bound that lies beyond
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


def _named(flag: str, given: float | None) -> str:
    return flag if given is not None else f"{flag.removeprefix('--').replace('-', '_')} of the route"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"

"""What does a policy promise, from which data, and how did it do on them?

Named tuples: to make a frozen dataclass takes four times as long, and every cold run under a policy makes these.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Target = Literal["max_loss", "min_quality", "max_cost", "budget_share"]


class Promise(NamedTuple):
    """What was asked of the policy, and what the data prove."""

    target: Target
    limit: float
    """Of the mean score (0.01 is one point), of dollars a request, or of the share of requests."""
    confidence: float
    certified: bool
    bound: float | None
    """What the data prove, on the same scale as the limit; None where nothing was tested."""
    method: str
    baseline: str
    """The model that it speaks of: whom losses are measured against, or whose share is limited."""

    @property
    def line(self) -> str:
        """The promise in one line."""
        words = _GAINS if self.target == "max_loss" and self.limit < 0 else _TARGETS[self.target]
        said = words.format(limit=_said(self.target, abs(self.limit)), baseline=self.baseline)
        return f"{said}, {self.confidence:.0%} confidence" if self.certified else f"aims at: {said}, not certified"


class Data(NamedTuple):
    """What the policy was made from."""

    sha256: str
    """Of the rows, whatever their order."""
    rows: int
    fitted: int
    """Rows that candidates were made and chosen from."""
    tested: int
    """Rows that the promise was tested on; none of them was fitted."""
    made: str
    """When, ISO 8601; empty where it shall not matter."""
    version: str
    """Of Synapse."""


class Measured(NamedTuple):
    """How the policy did on the rows that it was tested on (fitted rows held out, where none were)."""

    score: float
    cost: float
    """Dollars a request, all calls; a mean for comparing, never a bill."""
    baseline_score: float
    baseline_cost: float
    shares: tuple[float, ...]
    """Of requests that take each way."""

    @property
    def loss(self) -> float:
        """Mean score lost against the baseline; negative where it gains."""
        return self.baseline_score - self.score

    @property
    def saved(self) -> float:
        """Share of the baseline's cost; negative where the policy costs more."""
        return 1 - self.cost / self.baseline_cost if self.baseline_cost > 0 else 0.0


class Histogram(NamedTuple):
    """How a number was spread over the prompts of the data; what drift is measured against."""

    edges: tuple[float, ...]
    """Inner edges: one fewer than shares."""
    shares: tuple[float, ...]


_TARGETS: dict[Target, str] = {
    "max_loss": "loses at most {limit} against {baseline}",
    "min_quality": "scores at least {limit} on average",
    "max_cost": "costs at most {limit} a request on average",
    "budget_share": "sends at most {limit} of requests to {baseline}",
}


_GAINS = "gains at least {limit} against {baseline}"


def _said(target: Target, limit: float) -> str:
    if target == "max_loss":
        points = f"{limit * 100:g}"
        return f"{points} point" if points == "1" else f"{points} points"
    if target == "max_cost":
        return dollars(limit)
    return f"{limit:g}" if target == "min_quality" else f"{limit * 100:g} %"


def dollars(amount: float) -> str:
    """Mean dollars of a request, for people: two digits that tell, never as a power of ten."""
    from decimal import Decimal

    return f"${Decimal(f'{amount:.2g}'):f}"

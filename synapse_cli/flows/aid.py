"""Who helps a check that cannot judge alone? Other models of the profile, asked within the run's own bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from synapse_cli.core.completion import NO_USAGE, Completion, Usage
from synapse_cli.core.errors import UNBILLED, BackendError, UsageError
from synapse_cli.core.prompt import Json, Request
from synapse_cli.core.vectors import Vectors
from synapse_cli.flows.plan import effort
from synapse_cli.profile.model import Model

if TYPE_CHECKING:
    from synapse_cli.cascade.tier import Tier
    from synapse_cli.flows.session import Session


class Helping:
    """The Aid of one check on one answer: it asks as the run would, and adds up what that took."""

    def __init__(self, session: Session, tier: Tier) -> None:
        self._session = session
        self.tier = tier.model
        self.usage: Usage = NO_USAGE
        self.cost: Decimal | None = Decimal(0)

    def ask(self, model: str, request: Request, *, kind: Literal["judge", "sample"] = "judge") -> Completion:
        """Ask a model of the profile. Raises UsageError where there is none of that name, SynapseError as it fails."""
        asked = self._session.model(model)
        if asked is None:
            raise UsageError(f"there is no model named {model!r} to ask", "name one of the profile's models")
        obstacle = self._session.obstacle(asked)
        if obstacle is not None:
            raise obstacle
        backend = self._session.chain(asked, keeps=True, kind=kind)
        try:
            completion = backend.complete(self._for(asked, request, kind), self._session.control)
        except BackendError as error:
            if not self._session.is_local(asked) and not isinstance(error, UNBILLED):
                self.cost = None
            raise
        if not completion.cached:
            self._add(completion.usage, completion.cost)
        return completion

    def _for(self, asked: Model, request: Request, kind: str) -> Request:
        """The request with the parameters of the model that is asked, beside those that the check itself set.

        Another answer to the same request is asked for as if that model were a tier: where it is one, what was kept
        of it is found.
        """
        own = {**effort(asked), **asked.params}
        if kind == "judge":
            return replace(request, params={**own, **_bearable(request.params, asked)})
        if asked.name == self.tier:
            return replace(request, params=_bearable(request.params, asked)) if request.sample else request
        flags, defaults, tier = (
            self._session.ask.params,
            self._session.profile.defaults.params,
            self._session.model(self.tier),
        )
        before = {**defaults, **({} if tier is None else {**effort(tier), **tier.params}), "logprobs": True}
        set_here = {key: value for key, value in request.params.items() if key not in before or before[key] != value}
        flagged = {key: flags[key] for key in flags if request.params.get(key) == flags[key]}
        params = {**defaults, **own, **set_here, **flagged}
        return replace(request, params=_bearable(params, asked) if request.sample else params)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors from the profile's encoder. Raises SynapseError where there is none."""
        vectors = self._session.encode(texts)
        self._add(vectors.usage, vectors.cost)
        return vectors

    def _add(self, usage: Usage, cost: Decimal | None) -> None:
        self.usage = self.usage + usage
        self.cost = None if self.cost is None or cost is None else self.cost + cost


def _bearable(params: Mapping[str, Json], asked: Model) -> Mapping[str, Json]:
    """The parameters without a temperature where a hosted model may refuse one: those that reason take none but 1."""
    if asked.backend != "litellm" or "temperature" not in params or "temperature" in asked.params:
        return params
    from synapse_cli.backends.prices import entry

    known = entry(asked.model or "")
    if known is None or "reasoning" not in known.supports:
        return params
    return {key: value for key, value in params.items() if key != "temperature"}

"""Who helps a check that cannot judge alone? Other models of the profile, asked within the run's own bounds."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from synapse_cli.core.completion import NO_USAGE, Completion, Usage
from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Request
from synapse_cli.core.vectors import Vectors

if TYPE_CHECKING:
    from synapse_cli.flows.session import Session


class Helping:
    """The Aid of one check on one answer: it asks as the run would, and adds up what that took."""

    def __init__(self, session: Session, tier: str) -> None:
        self._session = session
        self.tier = tier
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
        completion = self._session.chain(asked, keeps=True, kind=kind).complete(request, self._session.control)
        if not completion.cached:
            self._add(completion.usage, completion.cost)
        return completion

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors from the profile's encoder. Raises SynapseError where there is none."""
        vectors = self._session.encode(texts)
        self._add(vectors.usage, vectors.cost)
        return vectors

    def _add(self, usage: Usage, cost: Decimal | None) -> None:
        self.usage = self.usage + usage
        self.cost = None if self.cost is None or cost is None else self.cost + cost

"""An Aid for one check alone: models that say what a table says, through the real scripted backend, counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

from synapse_cli.backends.scripted import Scripted
from synapse_cli.core.completion import Completion, Price
from synapse_cli.core.control import Control
from synapse_cli.core.errors import NotAllowed, SynapseError, UsageError
from synapse_cli.core.prompt import Json, Request
from synapse_cli.core.vectors import Vectors, pack
from synapse_cli.profile.model import Model

Replies = Sequence[Mapping[str, Json]]
PRICE = Price(Decimal(1), Decimal(2))


class Aided:
    """Asks scripted models by name, and keeps what they were asked. `in_turn`: the n-th reply to the n-th question."""

    def __init__(
        self,
        models: Mapping[str, Replies],
        *,
        tier: str = "small",
        in_turn: bool = False,
        forbidden: Sequence[str] = (),
        words: Sequence[str] = (),
    ) -> None:
        self._models = models
        self.tier = tier
        self._in_turn = in_turn
        self._forbidden = forbidden
        self._words = words
        self.asked: list[tuple[str, str, Request]] = []

    def ask(self, model: str, request: Request, *, kind: Literal["judge", "sample"] = "judge") -> Completion:
        if model in self._forbidden:
            raise NotAllowed(f"{model} may not be asked")
        if model not in self._models:
            raise UsageError(f"there is no model named {model!r} to ask")
        replies = self._models[model]
        if self._in_turn:
            replies = [replies[sum(name == model for name, _, _ in self.asked)]]
        self.asked.append((model, kind, request))
        scripted = Scripted(Model(name=model, backend="scripted", price=PRICE, options={"replies": [*replies]}))
        return scripted.complete(request, Control())

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One number a known word: whether the text has it."""
        if not self._words:
            raise SynapseError("there is no encoder here")
        rows = [[float(word in text.casefold()) for word in self._words] for text in texts]
        lengths = [sum(row) ** 0.5 or 1.0 for row in rows]
        unit = [[each / length for each in row] for row, length in zip(rows, lengths, strict=True)]
        return Vectors(dimension=len(self._words), packed=pack(unit))

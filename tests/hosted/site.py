"""A provider on loopback with a backend that asks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from synapse_cli.backends.litellm import LiteLLM
from synapse_cli.core.completion import Completion, Price
from synapse_cli.core.control import Control
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model
from tests.servers import anthropic, gemini, openai
from tests.servers.base import Dialect, Reply, Server, serving

CANARY = "sk-canary-7Qx2mJd9VtLw4ZrB"
QUESTION = Request(messages=(Message("system", "Be brief."), Message("user", "What is the capital of Peru?")))
PRICE = Price(Decimal(1), Decimal(2), Decimal("0.5"))

DIALECTS: dict[str, tuple[Dialect, str, str]] = {
    "openai": (openai, "openai/gpt-4o-mini", "/v1"),
    "anthropic": (anthropic, "anthropic/claude-haiku-4-5", ""),
    "gemini": (gemini, "gemini/gemini-2.5-flash", "/v1beta"),
}


@dataclass
class Site:
    """A server of one dialect, and how to ask it."""

    name: str
    server: Server

    def model(self, **changes: Any) -> Model:
        """The server's model, as a profile would have it."""
        _, model, path = DIALECTS[self.name]
        values = {"name": "m", "backend": "litellm", "model": model, "base_url": self.server.url + path, "price": PRICE}
        return Model(**{**values, **changes})

    def backend(self, **changes: Any) -> LiteLLM:
        """A backend with the canary as its key."""
        return LiteLLM(self.model(**changes), keys=lambda: (CANARY,))

    def ask(self, *replies: Reply, request: Request = QUESTION, stream: bool = False, **changes: Any) -> Completion:
        """Ask once; with replies, the server is told them first."""
        if replies:
            self.server.will(*replies)
        pieces: list[str] = []
        completion = self.backend(**changes).complete(request, Control(), pieces.append if stream else None)
        if stream:
            assert "".join(pieces) == completion.text
        return completion

    def fail(self, *replies: Reply, **how: Any) -> SynapseError:
        """Ask once, and return the error."""
        try:
            completion = self.ask(*replies, **how)
        except SynapseError as error:
            return error
        raise AssertionError(f"answered: {completion}")

    @property
    def body(self) -> dict[str, Any]:
        """The only request's body."""
        assert len(self.server.seen) == 1
        return self.server.seen[0].body


@contextmanager
def open_site(name: str) -> Iterator[Site]:
    """A site for the length of a `with`."""
    with serving(DIALECTS[name][0]) as server:
        yield Site(name, server)

"""Which wire format does an answer come in? The address that gave it tells, whoever the provider is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from synapse_cli.backends.dialects import anthropic, cohere, gemini, ollama, openai
from synapse_cli.backends.dialects.heard import Heard, Said

Hear: TypeAlias = Callable[[Heard, Said], None]

_ADDRESSES: dict[str, Hear] = {
    "/chat/completions": openai.hear,
    "/messages": anthropic.hear,
    "awPredict": anthropic.hear,  # Claude at Vertex
    "enerateContent": gemini.hear,
    "/v2/chat": cohere.hear,
    "/api/chat": ollama.hear,
}
"""How an address ends."""


def dialect(path: str) -> Hear | None:
    """What hears the answers of this address, or None where LiteLLM's own reading has to do."""
    return next((hear for ending, hear in _ADDRESSES.items() if path.endswith(ending)), None)

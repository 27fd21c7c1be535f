"""Which wire format does a provider answer in?"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import TypeAlias

from synapse_cli.backends.dialects import anthropic, cohere, gemini, ollama, openai
from synapse_cli.backends.dialects.heard import Heard, Said

Hear: TypeAlias = Callable[[Heard, Said], None]

_OWN: dict[str, Hear] = {
    "anthropic": anthropic.hear,
    "azure": openai.hear,
    "cohere": cohere.hear,
    "cohere_chat": cohere.hear,
    "gemini": gemini.hear,
    "mistral": openai.hear,
    "ollama_chat": ollama.hear,
    "openai": openai.hear,
    "openrouter": openai.hear,
}
_ADDRESSES = ("/chat/completions", "/messages", "generateContent", "streamGenerateContent", "/v2/chat", "/api/chat")


def dialect(provider: str, like_openai: Container[str], path: str) -> Hear | None:
    """What hears this provider's answers, or None where LiteLLM's own reading has to do.

    `path` is the address that was asked: behind some models LiteLLM asks another one than their provider's usual.
    """
    if not path.endswith(_ADDRESSES) and "/chat/completions" not in path:
        return None
    return _OWN.get(provider) or (openai.hear if provider in like_openai else None)

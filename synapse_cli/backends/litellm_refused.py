"""What does a provider mean that refuses a request? Status, headers and body of its answer, as one of our errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from synapse_cli.backends.dialects.limits import quota
from synapse_cli.backends.litellm_errors import STATUS, WHAT, delay, has_bad_key, hint_for
from synapse_cli.core.errors import (
    BadRequest,
    KeyRejected,
    RateLimited,
    ServerFailed,
    SynapseError,
    Unavailable,
)
from synapse_cli.core.redact import one_line

_TOO_LONG = re.compile(
    r"context[ _](length|window|size)|maximum (context|prompt) length|prompt is too long|too many tokens"
    r"|reduce the length|maximum number of tokens allowed|input length exceeds|too large for model",
    re.IGNORECASE,
)
"""How OpenAI, Anthropic, Gemini, Mistral, Cohere, Groq, xAI, vLLM, Ollama and llama-server say it."""
_FILTERED = re.compile(r"content.?(filter|management)|content_policy|responsible ?ai|flagged|moderation", re.IGNORECASE)


def refused(
    status: int, headers: Mapping[str, str], body: bytes, who: str, secrets: Iterable[str] = ()
) -> SynapseError:
    """Return our error for a response that is none of an answer, its text on one line and without secrets."""
    secrets = tuple(secrets)
    text, said = body.decode("utf-8", "replace"), _said(body)
    if 300 <= status < 400:
        place = one_line(headers.get("location", "another address"), secrets, at_most=120)
        return BadRequest(f"{who} has moved to {place}", "write the new address into the model's base_url")
    kind = _kind(status, text, who)
    line = one_line(said, secrets)
    telling = f" ({status})" if kind in {KeyRejected, RateLimited, BadRequest} or not line else ""
    message = f"{who} {WHAT[kind]}{telling}"
    message = f"{message}: {line}" if line else message
    hint = _hint(kind, status, text)
    if issubclass(kind, Unavailable):
        return kind(message, hint, retry_after_s=_delay(headers, text), quota=quota(headers))
    return kind(message, hint)


def _kind(status: int, text: str, who: str) -> type[SynapseError]:
    if status in {400, 401, 403, 429} and has_bad_key(text):
        return KeyRejected
    if status == 403 and _FILTERED.search(text):
        return BadRequest  # OpenRouter's, for what its moderation stopped
    if status == 498:  # Cohere's for a bad token, Groq's for a tier without room
        return KeyRejected if who.startswith("cohere") else ServerFailed
    return STATUS.get(status, ServerFailed if status >= 500 else BadRequest)


def _hint(kind: type[SynapseError], status: int, text: str) -> str:
    if kind is BadRequest and _TOO_LONG.search(text):
        return "shorten the input, or use a model with a larger window"
    if kind is BadRequest and _FILTERED.search(text):
        return "the provider's filter stopped it: word it otherwise, or use another model"
    return hint_for(kind, status)


def _said(body: bytes) -> str:
    """The provider's own sentence, wherever its dialect puts it."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return "" if body.lstrip()[:1] == b"<" else body[:2000].decode("utf-8", "replace")
    found = _sentence(value)
    return found or (body[:2000].decode("utf-8", "replace") if value else "")


def _sentence(value: object, depth: int = 0) -> str:
    """`error.message`, `error`, `message`, `detail`: the first that holds words; a list's first item stands for it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value:
        return _sentence(value[0], depth + 1)
    if not isinstance(value, dict) or depth > 5:
        return ""
    found = (_sentence(value.get(key), depth + 1) for key in ("error", "message", "msg", "detail"))
    return next((sentence for sentence in found if sentence), "")


def _delay(headers: Mapping[str, str], text: str) -> float | None:
    told = delay(headers)
    google = re.search(r'"retryDelay":\s*"([\d.]+)s"', text)  # Google says it in the body
    return float(google.group(1)) if told is None and google else told

"""The content address of one call: everything that decides its answer, hashed in one canonical form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Json, Request

FORMAT = 1
"""Of what is kept; another number makes every kept answer unfindable, and so safe to misread."""


def request_key(identity: str, request: Request, settings: Mapping[str, Json]) -> str:
    """Return the SHA-256 of a request to one model, in hex.

    `identity` says which model: for a GGUF the hash of its file, else `provider/id`. `settings` are the
    profile's that change an answer (base_url, context, …). The order of keys does not matter; that of
    messages, choices and tools does. Raises UsageError for a parameter that JSON cannot say (NaN).
    """
    return digest(
        {
            "format": FORMAT,
            "model": identity,
            "messages": [[message.role, message.content] for message in request.messages],
            "params": dict(request.params),
            "choices": list(request.choices),
            "schema": request.schema,
            "grammar": request.grammar,
            "tools": list(request.tools),
            "template": request.template_version,
            "settings": dict(settings),
            **({"sample": request.sample} if request.sample else {}),
        }
    )


def digest(value: Json) -> str:
    """Return the SHA-256 of a JSON value in canonical form; also for rules and routing decisions."""
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"a parameter cannot be written as JSON: {error}", "use finite numbers, texts and lists"
        ) from error
    return hashlib.sha256(text.encode("ascii")).hexdigest()

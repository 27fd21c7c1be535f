"""Which labels must the answer be one of? Those of a flag, of an enumeration, or those that the prompt names."""

from __future__ import annotations

import json

from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Request


def given_labels(request: Request) -> tuple[str, ...]:
    """Labels that bind the answer: `choices`, or a schema that allows some texts and nothing else."""
    if request.choices:
        if not all(label.strip() for label in request.choices):
            raise UsageError("one of the choices is empty", "give labels that say something")
        return tuple(dict.fromkeys(request.choices))
    return _enumeration(request.schema) if request.schema is not None else ()


def named_labels(request: Request) -> tuple[str, ...]:
    """Labels that the system prompt names, else the question."""
    from synapse_cli.backends.labels import find_labels

    system = "\n".join(message.content for message in request.messages if message.role == "system")
    return (find_labels(f"{system}\n\n…") if system else ()) or find_labels(question(request))


def question(request: Request) -> str:
    """The last thing that the user said."""
    return next((message.content for message in reversed(request.messages) if message.role == "user"), "")


def _enumeration(schema: str) -> tuple[str, ...]:
    parsed = json.loads(schema)
    if not isinstance(parsed, dict) or not {"enum", "type", "title", "description", "$schema", "default"} >= set(
        parsed
    ):
        return ()
    values = parsed.get("enum")
    if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() for value in values):
        return ()
    return tuple(dict.fromkeys(values)) if parsed.get("type", "string") == "string" else ()

"""What may be told of prompts and answers? Nothing; where the user opted in, all but keys, in the conventions' form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from synapse_cli.core.completion import Completion
from synapse_cli.core.prompt import Message, Request
from synapse_cli.telemetry import names

if TYPE_CHECKING:
    from synapse_cli.telemetry.otlp import Attributes

MOST = 64_000
"""Characters of one text: a collector takes 4 MB a request over gRPC, and a trace is no archive."""
_CUT = "… [cut]"


def of_request(request: Request) -> Attributes:
    """The messages of a call, those of the system apart."""
    system = [message for message in request.messages if message.role == "system"]
    others = [message for message in request.messages if message.role != "system"]
    return {
        names.SYSTEM_INSTRUCTIONS: _json([_text(message.content) for message in system]) if system else None,
        names.INPUT_MESSAGES: _messages(others),
    }


def of_answer(completion: Completion) -> Attributes:
    """What a model wrote, its thinking and its calls of tools included."""
    parts = [_text(completion.thinking, "reasoning")] if completion.thinking else []
    parts += [_text(completion.text)] if completion.text or not completion.tool_calls else []
    parts += [{"type": "tool_call", **_tool_call(call)} for call in completion.tool_calls]
    finish = names.FINISH_REASONS[completion.finish]
    return {names.OUTPUT_MESSAGES: _json([{"role": "assistant", "parts": parts, "finish_reason": finish}])}


def of_run(prompt: str, answer: str | None, *, is_whole: bool) -> Attributes:
    """The prompt and the answer of a run."""
    said = [{"role": "assistant", "parts": [_text(answer or "")], "finish_reason": "stop" if is_whole else "length"}]
    return {
        names.INPUT_MESSAGES: _messages([Message("user", prompt)]),
        names.OUTPUT_MESSAGES: None if answer is None else _json(said),
    }


def clean(text: str) -> str:
    """A text as it may leave: without keys, and cut; redacted first, so that no cut leaves half a key behind."""
    from synapse_cli.core.redact import redact  # its patterns take 3 ms to compile, and few tell texts

    told = redact(text[: 2 * MOST])
    return told if len(told) <= MOST else told[:MOST] + _CUT


def _messages(messages: Sequence[Message]) -> str:
    return _json([{"role": message.role, "parts": [_text(message.content)]} for message in messages])


def _text(text: str, kind: str = "text") -> dict[str, object]:
    return {"type": kind, "content": clean(text)}


def _tool_call(call: str) -> dict[str, object]:
    try:
        found = json.loads(clean(call))
    except ValueError:
        found = None
    return {"name": found.get("name"), "arguments": found.get("arguments")} if isinstance(found, dict) else {"name": ""}


def _json(value: object) -> str:
    """A JSON text: what spans of an SDK without structured attributes take."""
    return json.dumps(value, ensure_ascii=False)

"""Anthropic's messages, as its API reference describes them (POST /v1/messages)."""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.servers.base import Reply, Seen, main, split

_FINISH = {
    "stop": "end_turn",
    "length": "max_tokens",
    "refusal": "refusal",
    "filtered": "refusal",
    "tool_calls": "tool_use",
}
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def accepts(path: str) -> bool:
    """Whether the address is the one of messages."""
    return path.partition("?")[0] == "/v1/messages"


def key(_path: str, headers: dict[str, str]) -> str:
    """The key header."""
    return headers.get("x-api-key", "") or headers.get("authorization", "").removeprefix("Bearer ")


def whole(reply: Reply, seen: Seen) -> dict[str, Any]:
    """A message object."""
    return {**_message(seen), "content": _blocks(reply), "stop_reason": _FINISH[reply.finish], "usage": _usage(reply)}


def events(reply: Reply, seen: Seen) -> list[bytes]:
    """Events from message_start to message_stop."""
    asked = {**_usage(reply), "output_tokens": 1}
    sent = [_event("message_start", message={**_message(seen), "content": [], "usage": asked})]
    for index, block in enumerate(_blocks(reply)):
        sent.append(_event("content_block_start", index=index, content_block=_opened(block)))
        if index == 0:
            sent.append(_event("ping"))
        sent += [_event("content_block_delta", index=index, delta=delta) for delta in _deltas(block, reply)]
        if reply.fault == "error_event":
            break
        sent.append(_event("content_block_stop", index=index))
    if reply.fault == "error_event":
        return [*sent, _event("error", error={"type": "overloaded_error", "message": "Overloaded"})]
    ended = {"stop_reason": _FINISH[reply.finish], "stop_sequence": None}
    sent.append(_event("message_delta", delta=ended, usage={"output_tokens": reply.tokens[1]}))
    return [*sent, _event("message_stop")]


def problem(status: int, message: str) -> dict[str, Any]:
    """An error object."""
    return {"type": "error", "error": {"type": _TYPES.get(status, "api_error"), "message": message}}


def _message(seen: Seen) -> dict[str, Any]:
    return {
        "id": "msg_loopback",
        "type": "message",
        "role": "assistant",
        "model": seen.body.get("model"),
        "stop_reason": None,
        "stop_sequence": None,
    }


def _blocks(reply: Reply) -> list[dict[str, Any]]:
    if reply.fault in {"empty", "null"}:
        return []
    blocks: list[dict[str, Any]] = []
    if reply.thinking:
        blocks.append({"type": "thinking", "thinking": reply.thinking, "signature": "c2lnbmF0dXJl"})
    if reply.tool:
        blocks.append({"type": "tool_use", "id": "toolu_loopback", "name": reply.tool, "input": reply.arguments})
    elif reply.text:
        blocks.append({"type": "text", "text": reply.text})
    return blocks


def _opened(block: dict[str, Any]) -> dict[str, Any]:
    empty: dict[str, dict[str, Any]] = {
        "text": {"text": ""},
        "thinking": {"thinking": "", "signature": ""},
        "tool_use": {"input": {}},
    }
    return {**block, **empty[block["type"]]}


def _deltas(block: dict[str, Any], reply: Reply) -> list[dict[str, Any]]:
    if block["type"] == "text":
        return [{"type": "text_delta", "text": piece} for piece in split(block["text"], reply.pieces)]
    if block["type"] == "tool_use":
        pieces = split(json.dumps(block["input"]), 3)
        return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    said = [{"type": "thinking_delta", "thinking": piece} for piece in split(block["thinking"], 2)]
    return [*said, {"type": "signature_delta", "signature": block["signature"]}]


def _event(kind: str, **more: Any) -> bytes:
    data = json.dumps({"type": kind, **more}, separators=(",", ":"), ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def _usage(reply: Reply) -> dict[str, Any]:
    return {
        "input_tokens": reply.tokens[0] - reply.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": reply.cached,
        "output_tokens": reply.tokens[1],
    }


if __name__ == "__main__":
    main(sys.modules[__name__], sys.argv[1:])

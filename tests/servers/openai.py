"""OpenAI's chat completions, as its API reference describes them (POST /v1/chat/completions)."""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.servers.base import Reply, Seen, main, split, stamp

_FINISH = {
    "stop": "stop",
    "length": "length",
    "refusal": "stop",
    "filtered": "content_filter",
    "tool_calls": "tool_calls",
}
_TYPES = {401: "invalid_api_key", 403: "forbidden", 404: "model_not_found", 429: "rate_limit_exceeded"}


def accepts(path: str) -> bool:
    """Whether the address is the one of chat completions."""
    return path == "/v1/chat/completions"


def key(_path: str, headers: dict[str, str]) -> str:
    """The bearer token."""
    return headers.get("authorization", "").removeprefix("Bearer ")


def whole(reply: Reply, seen: Seen) -> dict[str, Any]:
    """A chat.completion object."""
    message: dict[str, Any] = {"role": "assistant", "content": None if reply.fault == "null" else reply.text}
    if reply.finish == "refusal":
        message = {"role": "assistant", "content": None, "refusal": reply.text}
    if reply.tool:
        message = {"role": "assistant", "content": None, "tool_calls": [_tool(reply)]}
    if reply.thinking:
        message["reasoning_content"] = reply.thinking
    choice = {"index": 0, "message": message, "logprobs": _logprobs(reply), "finish_reason": _FINISH[reply.finish]}
    return {
        "id": "chatcmpl-loopback",
        "object": "chat.completion",
        "created": stamp(),
        "model": seen.body.get("model"),
        "choices": [] if reply.fault == "empty" else [choice],
        **({"usage": _usage(reply)} if reply.counts else {}),
    }


def events(reply: Reply, seen: Seen) -> list[bytes]:
    """chat.completion.chunk objects as server-sent events, ended by [DONE]."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in split(reply.thinking, 2)]
    if reply.tool:
        deltas.append({"tool_calls": [{"index": 0, **_tool(reply)}]})
    elif reply.fault not in {"empty", "null"}:
        said = "refusal" if reply.finish == "refusal" else "content"
        deltas += [{said: piece} for piece in _pieces(reply)]
    sent = [_chunk(seen, [_choice(delta, None, reply)]) for delta in deltas]
    if reply.fault == "error_event":
        return [*sent, _event({"error": {"message": "the server had an error", "type": "server_error"}})]
    if reply.fault == "empty":
        sent = []
    else:
        sent.append(_chunk(seen, [_choice({}, _FINISH[reply.finish], reply)]))
    if reply.counts and (seen.body.get("stream_options") or {}).get("include_usage"):
        sent.append(_chunk(seen, [], usage=_usage(reply)))
    return [*sent, b"data: [DONE]\n\n"]


def problem(status: int, message: str) -> dict[str, Any]:
    """An error object."""
    return {"error": {"message": message, "type": "error", "param": None, "code": _TYPES.get(status, "server_error")}}


def _pieces(reply: Reply) -> list[str]:
    return [token for token, _ in reply.logprobs] or split(reply.text, reply.pieces)


def _choice(delta: dict[str, Any], finish: str | None, reply: Reply) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    if reply.logprobs and delta.get("content"):
        found = [pair for pair in reply.logprobs if pair[0] == delta["content"]]
        choice["logprobs"] = {"content": [_logprob(*found[0])], "refusal": None}
    return choice


def _chunk(seen: Seen, choices: list[dict[str, Any]], **more: Any) -> bytes:
    body = {
        "id": "chatcmpl-loopback",
        "object": "chat.completion.chunk",
        "created": stamp(),
        "model": seen.body.get("model"),
        "choices": choices,
    }
    return _event({**body, **more})


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def _tool(reply: Reply) -> dict[str, Any]:
    call = {"name": reply.tool, "arguments": json.dumps(reply.arguments)}
    return {"id": "call_loopback", "type": "function", "function": call}


def _logprobs(reply: Reply) -> dict[str, Any] | None:
    return {"content": [_logprob(*pair) for pair in reply.logprobs], "refusal": None} if reply.logprobs else None


def _logprob(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode()), "top_logprobs": []}


def _usage(reply: Reply) -> dict[str, Any]:
    asked, said = reply.tokens
    return {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
        "prompt_tokens_details": {"cached_tokens": reply.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning, "audio_tokens": 0},
    }


if __name__ == "__main__":
    main(sys.modules[__name__], sys.argv[1:])

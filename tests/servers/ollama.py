"""Ollama's chat and embed, as its API reference describes them: JSON lines, the last with `done`."""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.servers.base import Reply, Seen, embedding, main, split

STREAM_TYPE = "application/x-ndjson"
_FINISH = {"stop": "stop", "length": "length", "tool_calls": "stop", "broken": "unload"}


def accepts(path: str) -> bool:
    """Whether the address chats, embeds or describes a model."""
    return path in {"/api/chat", "/api/embed", "/api/show"}


def key(_path: str, headers: dict[str, str]) -> str:
    """The bearer token, which only a server behind a proxy asks for."""
    return headers.get("authorization", "").removeprefix("Bearer ")


def whole(reply: Reply, seen: Seen) -> dict[str, Any]:
    """The only object of an unstreamed answer, a model's description, or vectors."""
    if seen.path == "/api/show":
        return {"model_info": {}, "template": "", "capabilities": ["completion", "tools", "thinking"]}
    if seen.path == "/api/embed":
        texts = seen.body["input"] if isinstance(seen.body["input"], list) else [seen.body["input"]]
        rows = [embedding(text, seen.body.get("dimensions") or 4) for text in texts]
        return {"model": seen.body["model"], "embeddings": rows, "prompt_eval_count": reply.tokens[0]}
    return _end(reply, seen, _message(reply, "" if reply.tool else reply.text, reply.thinking))


def events(reply: Reply, seen: Seen) -> list[bytes]:
    """One line for each piece, and one for the end."""
    thoughts = [_message(reply, "", piece) for piece in split(reply.thinking, 2)]
    pieces = [] if reply.tool or reply.fault == "empty" else split(reply.text, reply.pieces)
    said = [{"role": "assistant", "content": piece} for piece in pieces]
    calls = [_message(reply, "", "")] if reply.tool else []
    lines = [{**_part(seen, message), "done": False} for message in [*thoughts, *said, *calls]]
    if reply.fault == "error_event":
        return [json.dumps(line).encode() + b"\n" for line in [*lines, problem(500, "the runner has gone")]]
    end = _end(reply, seen, {"role": "assistant", "content": ""})
    return [json.dumps(line).encode() + b"\n" for line in [*lines, end]]


def problem(_status: int, message: str) -> Any:
    """An error object."""
    return {"error": message}


def _message(reply: Reply, text: str, thinking: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if thinking:
        message["thinking"] = thinking
    if reply.tool and not thinking:
        message["tool_calls"] = [{"function": {"name": reply.tool, "arguments": reply.arguments}}]
    return message


def _part(seen: Seen, message: dict[str, Any]) -> dict[str, Any]:
    return {"model": seen.body.get("model"), "created_at": "2026-01-01T00:00:00Z", "message": message}


def _end(reply: Reply, seen: Seen, message: dict[str, Any]) -> dict[str, Any]:
    asked, said = reply.tokens
    counts = {"total_duration": 5, "prompt_eval_count": asked, "eval_count": said}
    end = {**_part(seen, message), "done": True, "done_reason": _FINISH[reply.finish], **counts}
    if reply.logprobs:
        end["logprobs"] = [{"token": token, "logprob": odds, "bytes": []} for token, odds in reply.logprobs]
    return end


if __name__ == "__main__":
    main(sys.modules[__name__], sys.argv[1:])

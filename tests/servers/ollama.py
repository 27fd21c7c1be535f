"""Ollama's chat, as its API reference describes it (POST /api/chat): JSON lines, the last with `done`."""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.servers.base import Reply, Seen, main, split


def accepts(path: str) -> bool:
    """Whether the address chats or describes a model."""
    return path in {"/api/chat", "/api/show"}


def key(_path: str, headers: dict[str, str]) -> str:
    """The bearer token, which only a server behind a proxy asks for."""
    return headers.get("authorization", "").removeprefix("Bearer ")


def whole(reply: Reply, seen: Seen) -> dict[str, Any]:
    """The only object of an unstreamed answer, or a model's description."""
    if seen.path == "/api/show":
        return {"model_info": {}, "template": "", "capabilities": ["completion"]}
    return _end(reply, seen, reply.text)


def events(reply: Reply, seen: Seen) -> list[bytes]:
    """One line for each piece, and one for the end."""
    pieces = [{**_part(seen, piece), "done": False} for piece in split(reply.text, reply.pieces)]
    return [json.dumps(line).encode() + b"\n" for line in [*pieces, _end(reply, seen, "")]]


def problem(_status: int, message: str) -> dict[str, Any]:
    """An error object."""
    return {"error": message}


def _part(seen: Seen, text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {"model": seen.body.get("model"), "created_at": "2026-01-01T00:00:00Z", "message": message}


def _end(reply: Reply, seen: Seen, text: str) -> dict[str, Any]:
    asked, said = reply.tokens
    counts = {"total_duration": 5, "prompt_eval_count": asked, "eval_count": said}
    return {**_part(seen, text), "done": True, "done_reason": reply.finish, **counts}


if __name__ == "__main__":
    main(sys.modules[__name__], sys.argv[1:])

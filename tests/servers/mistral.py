"""Mistral's chat completions and embeddings, as its API reference describes them."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.servers.base import Reply, Seen, split
from tests.servers.openai import Speaker


class Mistral(Speaker):
    """OpenAI's dialect, with thoughts and texts in one list, and errors of its own form."""

    finish: ClassVar[dict[str, str]] = {**Speaker.finish, "broken": "error", "length": "model_length"}
    too_long = "Prompt contains 40012 tokens and 0 draft tokens, too large for model with 32768 maximum context length"
    kinds: ClassVar[dict[int, tuple[str, str]]] = {
        400: ("invalid_request_prompt", "3051"),
        403: ("forbidden", "1401"),
        404: ("invalid_model", "1500"),
        429: ("rate_limited", "1300"),
        503: ("service_unavailable", "1800"),
    }

    def message(self, reply: Reply) -> dict[str, Any]:
        """A message; with thoughts, its content is a list."""
        message = {**super().message(reply), "tool_calls": [self.tool(reply)] if reply.tool else None}
        message.pop(self.thoughts, None)
        if reply.thinking:
            texts = [{"type": "text", "text": piece} for piece in split(reply.text, 2)]
            message["content"] = [_thought(reply.thinking), *texts]
        return message

    def deltas(self, reply: Reply) -> list[dict[str, Any]]:
        """Pieces; those of a thought come as lists."""
        deltas = [delta for delta in super().deltas(reply) if self.thoughts not in delta]
        thoughts = [{"content": [_thought(piece)]} for piece in split(reply.thinking, 2)]
        return [*deltas[:1], *thoughts, *deltas[1:]]

    def tool_deltas(self, reply: Reply) -> list[dict[str, Any]]:
        """A tool call, whole in one piece."""
        return [{"tool_calls": [{**self.tool(reply), "index": 0}]}]

    def last(self, reply: Reply, seen: Seen) -> bytes:
        """The reason for stopping, together with the tokens: nobody has to ask for them."""
        choice = self.choice({"content": ""}, self.finish[reply.finish], reply)
        return self.chunk(seen, [choice], usage=self.usage(reply))

    def counted(self, reply: Reply, seen: Seen) -> list[bytes]:
        """Nothing more."""
        return []

    def usage(self, reply: Reply) -> dict[str, Any]:
        """Tokens; those of a thought are not told apart."""
        asked, said = reply.tokens
        counts = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
        return {**counts, "prompt_tokens_details": {"cached_tokens": reply.cached}} if reply.cached else counts

    def extras(self, reply: Reply) -> dict[str, Any]:
        """Nothing more."""
        return {}

    def problem(self, status: int, message: str) -> Any:
        """An error object; its gateway has another for a wrong key."""
        if status == 401:
            return {"detail": message}
        if status == 422:
            detail = [{"type": "extra_forbidden", "loc": ["body", "x"], "msg": message, "input": 1}]
            return {"object": "error", "message": {"detail": detail}, "type": "invalid_request_error", "code": None}
        kind, code = self.kinds.get(status, ("internal_server_error", "3000"))
        return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def _thought(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


SPEAKER = Mistral()

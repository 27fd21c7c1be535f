"""Groq's chat completions, as its API reference describes them."""

from __future__ import annotations

from typing import Any

from tests.servers.base import Reply, Seen
from tests.servers.openai import Speaker


class Groq(Speaker):
    """OpenAI's dialect, with thoughts under `reasoning`, and a stream's tokens also under `x_groq`."""

    chat = "/openai/v1/chat/completions"
    thoughts = "reasoning"
    too_long = "Please reduce the length of the messages or completion."

    def last(self, reply: Reply, seen: Seen) -> bytes:
        """The reason for stopping, and the tokens in a place of their own."""
        choice = self.choice({}, self.finish[reply.finish], reply)
        return self.chunk(seen, [choice], x_groq={"id": "req_loopback", "usage": self.usage(reply)})

    def tool_deltas(self, reply: Reply) -> list[dict[str, Any]]:
        """A tool call, whole in one piece."""
        return [{"tool_calls": [{**self.tool(reply), "index": 0}]}]

    def counted(self, reply: Reply, seen: Seen) -> list[bytes]:
        """Nothing more: many models of its stream tell the tokens only there."""
        return []

    def broken(self, _seen: Seen) -> bytes:
        """An event with a name of its own."""
        return b'event: error\ndata: {"error":{"message":"the server had an error","type":"internal_server_error"}}\n\n'

    def usage(self, reply: Reply) -> dict[str, Any]:
        """Tokens and times."""
        asked, said = reply.tokens
        counts = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
        times = {"queue_time": 0.01, "prompt_time": 0.002, "completion_time": 0.03, "total_time": 0.032}
        details: dict[str, Any] = {"completion_tokens_details": {"reasoning_tokens": reply.reasoning}}
        if reply.cached:
            details["prompt_tokens_details"] = {"cached_tokens": reply.cached}
        return {**counts, **times, **details}

    def extras(self, reply: Reply) -> dict[str, Any]:
        """The request's id, and the tier it ran in."""
        return {"x_groq": {"id": "req_loopback"}, "service_tier": "on_demand", "usage_breakdown": None}

    def problem(self, status: int, message: str) -> Any:
        """An error object."""
        code = "context_length_exceeded" if "reduce the length" in message else self.codes.get(status)
        return {"error": {"message": message, "type": "invalid_request_error", "code": code}}


SPEAKER = Groq()

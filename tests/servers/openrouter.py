"""OpenRouter's chat completions, as its API reference describes them."""

from __future__ import annotations

from typing import Any

from tests.servers.base import Reply, Seen
from tests.servers.openai import Speaker, event


class OpenRouter(Speaker):
    """OpenAI's dialect, with comments while it looks for a provider, that provider's own reasons, and the cost."""

    chat = "/api/v1/chat/completions"
    embeds = "/api/v1/embeddings"
    thoughts = "reasoning"
    too_long = "This endpoint's maximum context length is 262144 tokens. However, you requested about 300010 tokens."

    def events(self, reply: Reply, seen: Seen) -> list[bytes]:
        """Comments come first."""
        return [b": OPENROUTER PROCESSING\n\n", b": OPENROUTER PROCESSING\n\n", *super().events(reply, seen)]

    def message(self, reply: Reply) -> dict[str, Any]:
        """A message, with its thoughts twice."""
        message = super().message(reply)
        if reply.thinking:
            message["reasoning_details"] = [_detail(reply.thinking)]
        return {"refusal": None, "reasoning": None, **message}

    def deltas(self, reply: Reply) -> list[dict[str, Any]]:
        """Pieces; those of a thought come twice."""
        return [
            {"role": "assistant", "content": "", **delta, "reasoning_details": [_detail(delta["reasoning"])]}
            if delta.get("reasoning")
            else delta
            for delta in super().deltas(reply)
        ]

    def choice(self, delta: dict[str, Any], finish: str | None, reply: Reply) -> dict[str, Any]:
        """A choice with the provider's own reason beside OpenRouter's."""
        return {**super().choice(delta, finish, reply), "native_finish_reason": finish and finish.upper()}

    def broken(self, seen: Seen) -> bytes:
        """A chunk that holds the error and ends the choice."""
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
        error = {"code": 502, "message": "the provider disconnected"}
        return event({"id": "gen-loopback", "object": "chat.completion.chunk", "error": error, "choices": [choice]})

    def counted(self, reply: Reply, seen: Seen) -> list[bytes]:
        """The tokens, always."""
        return [self.chunk(seen, [self.choice({"content": ""}, None, reply)], usage=self.usage(reply))]

    def usage(self, reply: Reply) -> dict[str, Any]:
        """Tokens and dollars."""
        return {**super().usage(reply), "cost": 0.00123, "is_byok": False, "cost_details": {}}

    def extras(self, reply: Reply) -> dict[str, Any]:
        """Who answered."""
        return {"provider": "Loopback"}

    def problem(self, status: int, message: str) -> Any:
        """An error object, whose code is the status."""
        metadata = {"provider_name": "Loopback", "raw": "…"} if status >= 500 else {}
        return {"error": {"message": message, "code": status, "metadata": metadata}, "user_id": "user_loopback"}


def _detail(text: str) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": text, "index": 0, "format": "unknown"}


SPEAKER = OpenRouter()

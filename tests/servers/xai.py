"""xAI's chat completions, as its API reference describes them."""

from __future__ import annotations

from typing import Any

from tests.servers.base import Reply, Seen
from tests.servers.openai import Speaker


class XAI(Speaker):
    """OpenAI's dialect, with thoughts counted beside the answer's tokens, and errors of its own form."""

    too_long = "This model's maximum prompt length is 131072 but the request contains 140009 tokens."

    def tool_deltas(self, reply: Reply) -> list[dict[str, Any]]:
        """A tool call, whole in one piece."""
        return [{"tool_calls": [{**self.tool(reply), "index": 0}]}]

    def counted(self, reply: Reply, seen: Seen) -> list[bytes]:
        """The tokens, always."""
        return [self.chunk(seen, [], usage=self.usage(reply))]

    def usage(self, reply: Reply) -> dict[str, Any]:
        """Tokens: the total is of the prompt, of the answer, and of what was thought before it."""
        usage = super().usage(reply)
        return {**usage, "completion_tokens": reply.tokens[1] - reply.reasoning, "num_sources_used": 0}

    def problem(self, status: int, message: str) -> Any:
        """What happened in general, and in particular."""
        code = {
            400: "Client specified an invalid argument",
            401: "The caller does not have valid authentication credentials",
            403: "The caller does not have permission to execute the specified operation",
            404: "Some requested entity was not found",
            429: "Some resource has been exhausted",
        }
        return {"code": code.get(status, "The service is currently unavailable"), "error": message}


SPEAKER = XAI()

"""DeepSeek's chat completions, as its API reference describes them."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.servers.base import Reply, Seen
from tests.servers.openai import Speaker


class DeepSeek(Speaker):
    """OpenAI's dialect, with signs of life before the answer, and cache hits under names of its own."""

    AWAITED = b"\n\n\n"
    """Empty lines that keep a connection open while a request waits."""
    chat = "/chat/completions"
    finish: ClassVar[dict[str, str]] = {**Speaker.finish, "broken": "insufficient_system_resource"}
    too_long = "This model's maximum context length is 131072 tokens. However, you requested 140210 tokens."

    def events(self, reply: Reply, seen: Seen) -> list[bytes]:
        """Comments come first."""
        return [b": keep-alive\n\n", b": keep-alive\n\n", *super().events(reply, seen)]

    def usage(self, reply: Reply) -> dict[str, Any]:
        """Tokens, with what was found in the cache and what was not."""
        asked, said = reply.tokens
        return {
            "prompt_tokens": asked,
            "completion_tokens": said,
            "total_tokens": asked + said,
            "prompt_cache_hit_tokens": reply.cached,
            "prompt_cache_miss_tokens": asked - reply.cached,
            "completion_tokens_details": {"reasoning_tokens": reply.reasoning},
        }

    def problem(self, status: int, message: str) -> Any:
        """An error object."""
        kind = "authentication_error" if status == 401 else "invalid_request_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": "invalid_request_error"}}


SPEAKER = DeepSeek()

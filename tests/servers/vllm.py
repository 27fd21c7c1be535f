"""vLLM's chat completions and embeddings, as its own server documents them."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.servers.base import Reply
from tests.servers.openai import Speaker


class VLLM(Speaker):
    """OpenAI's dialect, with thoughts under `reasoning`, and empty lists where others leave a field out."""

    thoughts = "reasoning"
    finish: ClassVar[dict[str, str]] = {**Speaker.finish, "broken": "abort"}
    too_long = (
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens in the messages. "
        "Please reduce the length of the messages."
    )

    def message(self, reply: Reply) -> dict[str, Any]:
        """A message with every field it could have."""
        empty: dict[str, Any] = {"refusal": None, "annotations": None, "tool_calls": [], self.thoughts: None}
        return {**empty, **super().message(reply)}

    def choice(self, delta: dict[str, Any], finish: str | None, reply: Reply) -> dict[str, Any]:
        """A choice with the stop string, or None."""
        return {**super().choice(delta, finish, reply), "stop_reason": None, "token_ids": None}

    def usage(self, reply: Reply) -> dict[str, Any]:
        """Tokens; thoughts are not told apart, and cache hits only with --enable-prompt-tokens-details."""
        asked, said = reply.tokens
        details = {"cached_tokens": reply.cached} if reply.cached else None
        counts = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
        return {**counts, "prompt_tokens_details": details}

    def extras(self, reply: Reply) -> dict[str, Any]:
        """What is there, and empty."""
        return {"service_tier": None, "system_fingerprint": None, "prompt_logprobs": None, "kv_transfer_params": None}

    def problem(self, status: int, message: str) -> Any:
        """An error object; a wrong key is met before the server that makes them."""
        if status == 401:
            return {"error": message}
        kinds = {400: "BadRequestError", 404: "NotFoundError"}
        kind = kinds.get(status, "InternalServerError")
        return {"error": {"message": message, "type": kind, "param": None, "code": status}}


SPEAKER = VLLM()

"""llama.cpp's llama-server, as its README describes its chat completions and embeddings."""

from __future__ import annotations

from typing import Any

from tests.servers.base import Reply, Seen
from tests.servers.openai import Speaker


class LlamaServer(Speaker):
    """OpenAI's dialect, with timings, and with the status inside each error."""

    too_long = "request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it"

    def last(self, reply: Reply, seen: Seen) -> bytes:
        """The reason for stopping, with the timings."""
        return self.chunk(seen, [self.choice({}, self.finish[reply.finish], reply)], timings=_timings(reply))

    def broken(self, _seen: Seen) -> bytes:
        """An error in the middle of a stream, as a field of its own."""
        return b'error: {"code":500,"message":"the slot was lost","type":"server_error"}\n\n'

    def usage(self, reply: Reply) -> dict[str, Any]:
        """Tokens; thoughts are not told apart."""
        asked, said = reply.tokens
        counts = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
        return {**counts, "prompt_tokens_details": {"cached_tokens": reply.cached}}

    def extras(self, reply: Reply) -> dict[str, Any]:
        """The build, and the timings."""
        return {"system_fingerprint": "b7000-loopback", "timings": _timings(reply)}

    def problem(self, status: int, message: str) -> Any:
        """An error object."""
        kinds = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error"}
        kinds |= {404: "not_found_error", 429: "unavailable_error", 503: "unavailable_error"}
        error: dict[str, Any] = {"code": status, "message": message, "type": kinds.get(status, "server_error")}
        if "context size" in message:
            error |= {"type": "exceed_context_size_error", "n_prompt_tokens": 9412, "n_ctx": 8192}
        return {"error": error}


def _timings(reply: Reply) -> dict[str, Any]:
    asked, said = reply.tokens
    return {"cache_n": reply.cached, "prompt_n": asked - reply.cached, "prompt_ms": 1.5, "predicted_n": said}


SPEAKER = LlamaServer()

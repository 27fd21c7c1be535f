"""OpenAI's chat completions and embeddings, as its API reference describes them; other servers speak them too."""

from __future__ import annotations

import json
import sys
from typing import Any, ClassVar

from tests.servers.base import Reply, Seen, embedding, main, split, stamp


class Speaker:
    """Speaks the dialect as OpenAI does; providers with an accent of their own override what they say otherwise."""

    chat: ClassVar[str] = "/v1/chat/completions"
    embeds: ClassVar[str] = "/v1/embeddings"
    thoughts: ClassVar[str] = "reasoning_content"
    """Field of what the model thought; OpenAI itself tells nothing of it."""
    finish: ClassVar[dict[str, str]] = {
        "stop": "stop",
        "length": "length",
        "refusal": "stop",
        "filtered": "content_filter",
        "tool_calls": "tool_calls",
        "broken": "error",
    }
    codes: ClassVar[dict[int, str]] = {
        400: "invalid_request_error",
        401: "invalid_api_key",
        403: "forbidden",
        404: "model_not_found",
        429: "rate_limit_exceeded",
    }
    too_long: ClassVar[str] = (
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130512 tokens."
    )

    def accepts(self, path: str) -> bool:
        """Whether the provider has this address."""
        return path in {self.chat, self.embeds}

    def key(self, _path: str, headers: dict[str, str]) -> str:
        """The bearer token."""
        return headers.get("authorization", "").removeprefix("Bearer ")

    def whole(self, reply: Reply, seen: Seen) -> dict[str, Any]:
        """A chat.completion object, or a list of embeddings."""
        if "input" in seen.body:
            return self.vectors(reply, seen)
        choice = {
            "index": 0,
            "message": self.message(reply),
            "logprobs": self.logprobs(reply.logprobs),
            "finish_reason": self.finish[reply.finish],
        }
        return {
            "id": "chatcmpl-loopback",
            "object": "chat.completion",
            "created": stamp(),
            "model": seen.body.get("model"),
            "choices": [] if reply.fault == "empty" else [choice],
            **({"usage": self.usage(reply)} if reply.counts else {}),
            **self.extras(reply),
        }

    def events(self, reply: Reply, seen: Seen) -> list[bytes]:
        """chat.completion.chunk objects as server-sent events, ended by [DONE]."""
        sent = [self.chunk(seen, [self.choice(delta, None, reply)]) for delta in self.deltas(reply)]
        if reply.fault == "error_event":
            return [*sent, self.broken(seen)]
        if reply.fault == "empty":
            sent = []
        else:
            sent.append(self.last(reply, seen))
        return [*sent, *self.counted(reply, seen), b"data: [DONE]\n\n"]

    def problem(self, status: int, message: str) -> Any:
        """An error object."""
        kind = "server_error" if status >= 500 else self.codes.get(status, "error")
        return {"error": {"message": message, "type": kind, "param": None, "code": self.codes.get(status)}}

    # --- what others say otherwise ---

    def message(self, reply: Reply) -> dict[str, Any]:
        """The whole message."""
        message: dict[str, Any] = {"role": "assistant", "content": None if reply.fault == "null" else reply.text}
        if reply.finish == "refusal":
            message = {"role": "assistant", "content": None, "refusal": reply.text}
        if reply.tool:
            message = {"role": "assistant", "content": None, "tool_calls": [self.tool(reply)]}
        if reply.thinking:
            message[self.thoughts] = reply.thinking
        return message

    def deltas(self, reply: Reply) -> list[dict[str, Any]]:
        """The pieces of a streamed message."""
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{self.thoughts: piece} for piece in split(reply.thinking, 2)]
        if reply.tool:
            return deltas + self.tool_deltas(reply)
        if reply.fault not in {"empty", "null"}:
            said = "refusal" if reply.finish == "refusal" else "content"
            deltas += [{said: piece} for piece in _pieces(reply)]
        return deltas

    def tool(self, reply: Reply) -> dict[str, Any]:
        """A whole tool call."""
        call = {"name": reply.tool, "arguments": json.dumps(reply.arguments)}
        return {"id": "call_loopback", "type": "function", "function": call}

    def tool_deltas(self, reply: Reply) -> list[dict[str, Any]]:
        """A tool call in pieces: its name, then its arguments."""
        begun = {"index": 0, "id": "call_loopback", "type": "function"}
        pieces: list[dict[str, Any]] = [{**begun, "function": {"name": reply.tool, "arguments": ""}}]
        pieces += [{"index": 0, "function": {"arguments": piece}} for piece in split(json.dumps(reply.arguments), 3)]
        return [{"tool_calls": [piece]} for piece in pieces]

    def last(self, reply: Reply, seen: Seen) -> bytes:
        """The chunk with the reason for stopping."""
        return self.chunk(seen, [self.choice({}, self.finish[reply.finish], reply)])

    def counted(self, reply: Reply, seen: Seen) -> list[bytes]:
        """The chunk with the tokens, where it was asked for."""
        if not reply.counts or not (seen.body.get("stream_options") or {}).get("include_usage"):
            return []
        return [self.chunk(seen, [], usage=self.usage(reply))]

    def broken(self, _seen: Seen) -> bytes:
        """An error in the middle of a stream."""
        return event({"error": {"message": "the server had an error", "type": "server_error"}})

    def usage(self, reply: Reply) -> dict[str, Any]:
        """Tokens."""
        asked, said = reply.tokens
        return {
            "prompt_tokens": asked,
            "completion_tokens": said,
            "total_tokens": asked + said,
            "prompt_tokens_details": {"cached_tokens": reply.cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": reply.reasoning, "audio_tokens": 0},
        }

    def extras(self, _reply: Reply) -> dict[str, Any]:
        """Further fields of a whole answer."""
        return {"service_tier": "default", "system_fingerprint": "fp_loopback"}

    def choice(self, delta: dict[str, Any], finish: str | None, reply: Reply) -> dict[str, Any]:
        """The only choice of a chunk."""
        found = [pair for pair in reply.logprobs if pair[0] == delta.get("content")][:1]
        logprobs = self.logprobs(tuple(found)) if delta.get("content") else None
        return {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}

    def logprobs(self, pairs: tuple[tuple[str, float], ...]) -> dict[str, Any] | None:
        """Tokens with their logarithms."""
        return {"content": [_logprob(*pair) for pair in pairs], "refusal": None} if pairs else None

    def chunk(self, seen: Seen, choices: list[dict[str, Any]], **more: Any) -> bytes:
        """One chat.completion.chunk."""
        body = {
            "id": "chatcmpl-loopback",
            "object": "chat.completion.chunk",
            "created": stamp(),
            "model": seen.body.get("model"),
            "choices": choices,
        }
        return event({**body, **more})

    def vectors(self, reply: Reply, seen: Seen) -> dict[str, Any]:
        """A list of embeddings, in the order of the texts or as base64 where that was asked for."""
        texts = seen.body["input"] if isinstance(seen.body["input"], list) else [seen.body["input"]]
        form = seen.body.get("encoding_format", "float")
        rows = [embedding(text, seen.body.get("dimensions") or 4, form) for text in texts]
        data = [{"object": "embedding", "index": index, "embedding": row} for index, row in enumerate(rows)]
        usage = {"prompt_tokens": reply.tokens[0], "total_tokens": reply.tokens[0]}
        return {"object": "list", "data": data, "model": seen.body.get("model"), "usage": usage}


def event(value: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def _pieces(reply: Reply) -> list[str]:
    return [token for token, _ in reply.logprobs] or split(reply.text, reply.pieces)


def _logprob(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode()), "top_logprobs": []}


SPEAKER = Speaker()
accepts, key, whole, events, problem = (
    SPEAKER.accepts,
    SPEAKER.key,
    SPEAKER.whole,
    SPEAKER.events,
    SPEAKER.problem,
)


if __name__ == "__main__":
    main(sys.modules[__name__], sys.argv[1:])

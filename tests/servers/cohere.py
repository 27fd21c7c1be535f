"""Cohere's chat and embed, version 2, as its API reference describes them (POST /v2/chat, POST /v2/embed)."""

from __future__ import annotations

import json
from typing import Any

from tests.servers.base import Reply, Seen, embedding, split

_FINISH = {
    "stop": "COMPLETE",
    "length": "MAX_TOKENS",
    "refusal": "COMPLETE",
    "tool_calls": "TOOL_CALL",
    "broken": "ERROR",
}
TOO_LONG = (
    "too many tokens: total number of tokens in the prompt cannot exceed 262144 - received 300010. "
    "Try using a shorter prompt, or enabling prompt truncating."
)


class Cohere:
    """A dialect of its own: typed events, billed and other tokens, a plan before a tool is called."""

    too_long = TOO_LONG

    def accepts(self, path: str) -> bool:
        """Whether the provider has this address."""
        return path in {"/v2/chat", "/v2/embed"}

    def key(self, _path: str, headers: dict[str, str]) -> str:
        """The bearer token."""
        return headers.get("authorization", "").removeprefix("Bearer ")

    def whole(self, reply: Reply, seen: Seen) -> dict[str, Any]:
        """A chat response, or embeddings by type."""
        if "texts" in seen.body:
            rows = [embedding(text, seen.body.get("output_dimension") or 4) for text in seen.body["texts"]]
            meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": reply.tokens[0]}}
            return {"id": "e-loopback", "embeddings": {"float": rows}, "texts": seen.body["texts"], "meta": meta}
        message: dict[str, Any] = {"role": "assistant"}
        if reply.tool:
            message |= {"tool_plan": "I will ask the tool.", "tool_calls": [_tool(reply)]}
        elif reply.fault not in {"empty", "null"}:
            thought = [{"type": "thinking", "thinking": reply.thinking}] if reply.thinking else []
            message["content"] = [*thought, {"type": "text", "text": reply.text}]
        answer = {
            "id": "c-loopback",
            "finish_reason": _FINISH[reply.finish],
            "message": message,
            "usage": self.usage(reply),
        }
        return {**answer, "logprobs": [_odds(*pair) for pair in reply.logprobs]} if reply.logprobs else answer

    def events(self, reply: Reply, seen: Seen) -> list[bytes]:
        """Events from message-start to message-end, each with its name twice."""
        sent = [_event("message-start", id="c-loopback", delta={"message": {"role": "assistant", "content": []}})]
        if reply.tool:
            sent += _tool_events(reply)
        elif reply.fault not in {"empty", "null"}:
            blocks = [("thinking", reply.thinking)] if reply.thinking else []
            for index, (kind, text) in enumerate([*blocks, ("text", reply.text)]):
                sent += _content_events(index, kind, text, reply)
        end: dict[str, Any] = {"finish_reason": _FINISH[reply.finish], "usage": self.usage(reply)}
        if reply.fault == "error_event":
            end = {"finish_reason": "ERROR", "error": "the server had an error"}
        return [*sent, _event("message-end", id="c-loopback", delta=end), b"data: [DONE]\n\n"]

    def problem(self, status: int, message: str) -> Any:
        """An error object."""
        return {"id": "x-loopback", "message": message}

    def usage(self, reply: Reply) -> dict[str, Any]:
        """What is billed, and what the model saw, with its template."""
        asked, said = reply.tokens
        return {
            "billed_units": {"input_tokens": float(asked), "output_tokens": float(said)},
            "tokens": {"input_tokens": float(asked + 490), "output_tokens": float(said + 2)},
            "cached_tokens": float(reply.cached),
        }


def _content_events(index: int, kind: str, text: str, reply: Reply) -> list[bytes]:
    begun = {"message": {"content": {"type": kind, kind: ""}}}
    sent = [_event("content-start", index=index, delta=begun)]
    likely = dict(reply.logprobs)
    for piece in list(likely) or split(text, reply.pieces):
        odds = {"logprobs": _odds(piece, likely[piece])} if piece in likely else {}
        sent.append(_event("content-delta", index=index, delta={"message": {"content": {kind: piece}}}, **odds))
    return [*sent, _event("content-end", index=index)]


def _odds(text: str, logarithm: float) -> dict[str, Any]:
    return {"text": text, "token_ids": [1], "logprobs": [logarithm]}


def _tool_events(reply: Reply) -> list[bytes]:
    begun = {**_tool(reply), "function": {"name": reply.tool, "arguments": ""}}
    sent = [
        _event("tool-plan-delta", delta={"message": {"tool_plan": piece}}) for piece in split("I will ask the tool.", 3)
    ]
    sent.append(_event("tool-call-start", index=0, delta={"message": {"tool_calls": begun}}))
    for piece in split(json.dumps(reply.arguments), 3):
        delta = {"message": {"tool_calls": {"function": {"arguments": piece}}}}
        sent.append(_event("tool-call-delta", index=0, delta=delta))
    return [*sent, _event("tool-call-end", index=0)]


def _tool(reply: Reply) -> dict[str, Any]:
    call = {"name": reply.tool, "arguments": json.dumps(reply.arguments)}
    return {"id": f"{reply.tool}_loopback", "type": "function", "function": call}


def _event(kind: str, **more: Any) -> bytes:
    data = json.dumps({"type": kind, **more}, separators=(",", ":"), ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


SPEAKER = Cohere()

"""Google's Gemini API, as its reference describes it (POST /v1beta/models/ID:generateContent)."""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.base import Reply, Seen, embedding, main, split

_FINISH = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "refusal": "SAFETY",
    "filtered": "PROHIBITED_CONTENT",
    "tool_calls": "STOP",
    "broken": "MALFORMED_FUNCTION_CALL",
}
_STATES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def accepts(path: str) -> bool:
    """Whether the address generates content."""
    address = urlsplit(path).path
    verb = address.rpartition(":")[2]
    verbs = {"generateContent", "streamGenerateContent", "embedContent", "batchEmbedContents"}
    return address.startswith("/v1beta/models/") and verb in verbs


def key(path: str, headers: dict[str, str]) -> str:
    """The key, which comes in a header or in the address."""
    return headers.get("x-goog-api-key", "") or parse_qs(urlsplit(path).query).get("key", [""])[0]


def whole(reply: Reply, seen: Seen) -> dict[str, Any]:
    """A GenerateContentResponse, or embeddings."""
    if "requests" in seen.body:
        return {"embeddings": [{"values": _vector(asked)} for asked in seen.body["requests"]]}
    if "content" in seen.body:
        return {"embedding": {"values": _vector(seen.body)}}
    if reply.fault == "blocked":
        return {
            "promptFeedback": {"blockReason": "SAFETY"},
            "usageMetadata": {"promptTokenCount": 11, "totalTokenCount": 11},
        }
    return _response(reply, seen, _parts(reply), finish=True)


def events(reply: Reply, seen: Seen) -> list[bytes]:
    """GenerateContentResponses as server-sent events; the last holds the finish reason, and nothing follows it."""
    parts = _parts(reply)
    spread: list[dict[str, Any]] = []
    for part in parts:
        if "functionCall" in part:
            spread.append(part)
        else:
            pieces = 2 if part.get("thought") else reply.pieces
            spread += [{**part, "text": piece} for piece in split(part["text"], pieces)]
    if reply.fault == "blocked":
        return [_event(whole(reply, seen))]
    if reply.fault == "error_event":
        return [*[_event(_response(reply, seen, [part])) for part in spread], _event(problem(503, "overloaded"))]
    if not spread:
        return [_event(_response(reply, seen, [], finish=True))]
    sent = [_event(_response(reply, seen, [part])) for part in spread[:-1]]
    return [*sent, _event(_response(reply, seen, spread[-1:], finish=True))]


def problem(status: int, message: str) -> dict[str, Any]:
    """An error object."""
    return {"error": {"code": status, "message": message, "status": _STATES.get(status, "UNKNOWN")}}


def _vector(asked: dict[str, Any]) -> list[float]:
    text = "".join(part["text"] for part in asked["content"]["parts"])
    numbers: list[float] = embedding(text, asked.get("outputDimensionality") or asked.get("dimensions") or 4)
    return numbers


def _parts(reply: Reply) -> list[dict[str, Any]]:
    if reply.fault in {"empty", "null"}:
        return []
    parts: list[dict[str, Any]] = []
    if reply.thinking:
        parts.append({"text": reply.thinking, "thought": True})
    if reply.tool:
        parts.append({"functionCall": {"name": reply.tool, "args": reply.arguments}})
    elif reply.text:
        parts.append({"text": reply.text})
    return parts


def _response(reply: Reply, seen: Seen, parts: list[dict[str, Any]], *, finish: bool = False) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = _FINISH[reply.finish]
    if finish and reply.logprobs:
        chosen = [{"token": token, "tokenId": 1, "logProbability": odds} for token, odds in reply.logprobs]
        candidate["logprobsResult"] = {"chosenCandidates": chosen, "topCandidates": []}
    asked, said = reply.tokens
    usage: dict[str, Any] = {"promptTokenCount": asked, "totalTokenCount": asked}
    if finish:
        usage |= {"candidatesTokenCount": said - reply.reasoning, "totalTokenCount": asked + said}
        usage |= {"thoughtsTokenCount": reply.reasoning} if reply.reasoning else {}
        usage |= {"cachedContentTokenCount": reply.cached} if reply.cached else {}
    return {
        "candidates": [] if reply.fault == "empty" else [candidate],
        "usageMetadata": usage,
        "modelVersion": urlsplit(seen.path).path.rpartition("/")[2].partition(":")[0],
        "responseId": "loopback",
    }


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\r\n\r\n"


if __name__ == "__main__":
    main(sys.modules[__name__], sys.argv[1:])

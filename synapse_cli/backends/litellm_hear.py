"""What a provider answered: LiteLLM's objects, whole or in pieces, as plain values that are then judged usable."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from synapse_cli.backends.litellm_ask import Shape
from synapse_cli.core.completion import Finish, Usage
from synapse_cli.core.errors import BadAnswer, CutStream

UNKNOWN_USAGE = Usage(None, None)
_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "refusal",
    "refusal": "refusal",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
"""LiteLLM's words for the providers' reasons (`map_finish_reason`, 1.106)."""


@dataclass(slots=True)
class Heard:
    """What has been heard of one answer so far. Grows piece by piece; `reason` is the provider's own, or None."""

    text: str = ""
    thinking: str = ""
    refusal: str = ""
    reason: str | None = None
    google_ended: bool = False
    """Whether one of Google's own chunks said that it was the last."""
    usage: Usage = UNKNOWN_USAGE
    calls: dict[int, list[str]] = field(default_factory=dict)
    """Name and arguments of each tool call, by its place."""
    odds: list[tuple[str, float]] = field(default_factory=list)
    """Each token with the logarithm of its probability."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is fit for use."""

    text: str
    finish: Finish
    confidence: float | None
    tool_calls: tuple[str, ...]
    warnings: tuple[str, ...]


def hear_whole(response: Any) -> Heard:  # LiteLLM's ModelResponse; the package has no types that mypy may follow
    """Take in an unstreamed response."""
    heard = Heard(usage=usage_of(getattr(response, "usage", None)))
    for choice in (getattr(response, "choices", None) or [])[:1]:
        _take(heard, choice.message, choice)
        heard.refusal = _refusal(choice.message)
        heard.reason = choice.finish_reason or "stop"
    return heard


def hear_piece(heard: Heard, chunk: Any) -> str:
    """Take in one chunk of a stream, and return the text it brought."""
    before = len(heard.text)
    for choice in (getattr(chunk, "choices", None) or [])[:1]:
        _take(heard, choice.delta, choice)
    return heard.text[before:]


def hear_refusal(heard: Heard, chunk: Any) -> None:
    """Take in the refusal of a provider's own chunk, before LiteLLM reads it."""
    for choice in (getattr(chunk, "choices", None) or [])[:1]:
        said = getattr(getattr(choice, "delta", None), "refusal", None)
        heard.refusal += said if isinstance(said, str) else ""


def hear_google(heard: Heard, chunk: dict[str, Any]) -> None:
    """Take in whether a chunk of Google's ends the answer: a finish reason, or a prompt that was blocked."""
    ends = [candidate.get("finishReason") for candidate in chunk.get("candidates") or []]
    blocked = (chunk.get("promptFeedback") or {}).get("blockReason")
    heard.google_ended = heard.google_ended or any(ends) or bool(blocked)


def hear_end(heard: Heard, stream: Any) -> None:
    """Take in what the stream itself knows at its end, or where it broke.

    Its chunks' own finish reason is no proof, because LiteLLM invents "stop" on a stream that was cut:
    `received_finish_reason` came from the provider. Google's never gets there, only into the other
    attribute, together with invented ones. Usage is read where it is kept as it arrived: at the end of a
    stream LiteLLM hands out a guess of its own.
    """
    heard.reason = getattr(stream, "received_finish_reason", None)
    if heard.reason is None and heard.google_ended:
        heard.reason = getattr(stream, "intermittent_finish_reason", None) or "stop"
    for chunk in getattr(stream, "chunks", None) or []:
        reported = getattr(chunk, "usage", None)
        if reported is not None:
            heard.usage = usage_of(reported)


def usage_of(reported: Any) -> Usage:
    """Tokens as the provider counted them. LiteLLM writes zeros where it was told nothing."""
    asked, said = getattr(reported, "prompt_tokens", None), getattr(reported, "completion_tokens", None)
    if not asked:
        return UNKNOWN_USAGE
    return Usage(
        asked,
        said or 0,
        cached=_detail(reported, "prompt_tokens_details", "cached_tokens"),
        reasoning=_detail(reported, "completion_tokens_details", "reasoning_tokens"),
    )


def judged(heard: Heard, shape: Shape, who: str) -> Answer:
    """Return the answer where it is complete and holds something; else raise CutStream or BadAnswer."""
    if heard.reason is None:
        raise CutStream(
            f"{who} ended the stream before it said that the answer was finished", "try again; --no-stream may help"
        )
    finish = _FINISH.get(heard.reason)
    calls = _tool_calls(heard)
    warnings = () if finish else (f"{who} stopped for a reason of its own: {heard.reason[:40]!r}",)
    finish = "refusal" if heard.refusal and not heard.text else finish or "stop"
    finish = "tool_calls" if calls and finish == "stop" else finish
    text = heard.text or heard.refusal
    if not text and finish in {"stop", "length"}:
        raise _nothing(heard, finish, who)
    confidence = confidence_of(heard.odds, text)
    if shape != "text" and finish == "stop":
        text, confidence = _unwrapped(text, shape, heard.odds)
    return Answer(text, finish, confidence, calls, warnings)


def confidence_of(odds: Sequence[tuple[str, float]], text: str, span: tuple[int, int] | None = None) -> float | None:
    """Geometric mean of the probabilities of the answer's tokens; of those within `span` where it is given."""
    if span is not None and "".join(token for token, _ in odds) == text:
        odds = _within(odds, span)
    if not odds:
        return None
    return math.exp(min(0.0, sum(logarithm for _, logarithm in odds) / len(odds)))


def _take(heard: Heard, message: Any, choice: Any) -> None:
    heard.text += getattr(message, "content", None) or ""
    heard.thinking += getattr(message, "reasoning_content", None) or ""
    for place, call in enumerate(getattr(message, "tool_calls", None) or []):
        index = getattr(call, "index", None)
        known = heard.calls.setdefault(place if index is None else index, ["", ""])
        known[0] += call.function.name or ""
        known[1] += call.function.arguments or ""
    for token in getattr(getattr(choice, "logprobs", None), "content", None) or []:
        heard.odds.append((token.token, token.logprob))


def _refusal(message: Any) -> str:
    fields = getattr(message, "provider_specific_fields", None) or {}
    said = getattr(message, "refusal", None) or fields.get("refusal")
    return said if isinstance(said, str) else ""


def _detail(reported: Any, group: str, name: str) -> int:
    value = getattr(getattr(reported, group, None), name, None)
    return value if isinstance(value, int) else 0


def _tool_calls(heard: Heard) -> tuple[str, ...]:
    return tuple(
        json.dumps(
            {"name": name, "arguments": _arguments(text)}, sort_keys=True, ensure_ascii=False, separators=(",", ":")
        )
        for _, (name, text) in sorted(heard.calls.items())
    )


def _arguments(text: str) -> object:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text  # whoever runs the tool says what is wrong with it


def _nothing(heard: Heard, finish: Finish, who: str) -> BadAnswer:
    if finish == "length":
        return BadAnswer(f"{who} used up its output tokens before it wrote an answer", "raise max_tokens")
    if heard.thinking:
        return BadAnswer(f"{who} thought, and then wrote no answer", "raise max_tokens, or try again")
    return BadAnswer(f"{who} answered with no text", "try again, or use another model")


def _unwrapped(text: str, shape: Shape, odds: Sequence[tuple[str, float]]) -> tuple[str, float | None]:
    """The value inside {"answer": …}; a text of another form is kept as it is, for the checks to judge."""
    try:
        outer = json.loads(text)
    except ValueError:
        return text, confidence_of(odds, text)
    if not isinstance(outer, dict) or "answer" not in outer:
        return text, confidence_of(odds, text)
    value = outer["answer"]
    start = text.find(":") + 1
    end = text.rfind("}")
    while start < end and text[start] in ' \t\r\n"':
        start += 1
    while end > start and text[end - 1] in ' \t\r\n"':
        end -= 1
    plain = value if shape == "label" and isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return plain, confidence_of(odds, text, (start, end))


def _within(odds: Sequence[tuple[str, float]], span: tuple[int, int]) -> list[tuple[str, float]]:
    found = []
    at = 0
    for token, logarithm in odds:
        if at < span[1] and at + len(token) > span[0]:
            found.append((token, logarithm))
        at += len(token)
    return found

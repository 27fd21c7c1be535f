"""What a provider answered: LiteLLM's objects, whole or in pieces, as plain values that are then judged usable."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from synapse_cli.backends.dialects.heard import UNKNOWN_USAGE, Heard
from synapse_cli.backends.litellm_ask import Shape
from synapse_cli.core.completion import Finish, Usage
from synapse_cli.core.errors import BadAnswer, CutStream

_JSON_TOOL = "json_tool_call"
"""LiteLLM's name for it (`RESPONSE_FORMAT_TOOL_NAME`)."""
_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "refusal",
    "refusal": "refusal",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
"""LiteLLM's words for the providers' reasons (`map_finish_reason`, 1.106)."""


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
        heard.stop(choice.finish_reason or "stop", _FINISH)
    return heard


def hear_piece(heard: Heard, chunk: Any) -> str:
    """Take in one chunk of a stream, and return the text it brought."""
    before = len(heard.text)
    for choice in (getattr(chunk, "choices", None) or [])[:1]:
        _take(heard, choice.delta, choice)
    return heard.text[before:]


def hear_end(heard: Heard, stream: Any) -> None:
    """Take in what the stream itself knows at its end.

    Its chunks' own finish reason is no proof, because LiteLLM invents "stop" on a stream that was cut:
    `received_finish_reason` came from the provider. Usage is read where it is kept as it arrived: at the
    end of a stream LiteLLM hands out a guess of its own.
    """
    heard.stop(getattr(stream, "received_finish_reason", None), _FINISH)
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
        written=_detail(reported, "prompt_tokens_details", "cache_creation_tokens"),
    )


def judged(heard: Heard, shape: Shape, who: str) -> Answer:
    """Return the answer where it is complete and holds something; else raise CutStream or BadAnswer."""
    if heard.reason is None:
        raise CutStream(
            f"{who} ended the stream before it said that the answer was finished", "try again; --no-stream may help"
        )
    _take_json_tool(heard)
    finish, calls = heard.finish, _tool_calls(heard)
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
    heard.write(getattr(message, "content", None))
    heard.think(getattr(message, "reasoning_content", None))
    for place, call in enumerate(getattr(message, "tool_calls", None) or []):
        index = getattr(call, "index", None)
        heard.call(place if index is None else index, call.function.name, call.function.arguments)
    for token in getattr(getattr(choice, "logprobs", None), "content", None) or []:
        heard.odds.append((token.token, token.logprob))


def _refusal(message: Any) -> str:
    fields = getattr(message, "provider_specific_fields", None) or {}
    said = getattr(message, "refusal", None) or fields.get("refusal")
    return said if isinstance(said, str) else ""


def _detail(reported: Any, group: str, name: str) -> int:
    value = getattr(getattr(reported, group, None), name, None)
    return value if isinstance(value, int) else 0


def _take_json_tool(heard: Heard) -> None:
    """Take the answer out of a tool's arguments, where LiteLLM has made a tool of the schema."""
    names = {name for name, _ in heard.calls.values()}
    if names == {_JSON_TOOL} and not heard.text:
        heard.text = heard.calls[min(heard.calls)][1]
        heard.calls.clear()
        heard.finish = "stop" if heard.finish == "tool_calls" else heard.finish


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
    except (ValueError, RecursionError):
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
    except (ValueError, RecursionError):
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

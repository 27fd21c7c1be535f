"""What does an answer of Anthropic's messages say?"""

from __future__ import annotations

from synapse_cli.backends.dialects.heard import Heard, Said, Trouble, objects, part, whole, words
from synapse_cli.core.completion import Finish

_FINISH: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}
_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "overloaded_error": 529,
}


def hear(heard: Heard, said: Said) -> None:
    """Take in a message, or one event of its stream."""
    match said.get("type"):
        case "message":
            for place, block in enumerate(objects(said.get("content"))):
                _block(heard, place, block)
            _usage(heard, said.get("usage"))
            heard.stop(said.get("stop_reason") or "end_turn", _FINISH)
        case "message_start":
            _usage(heard, part(said, "message", "usage"))
        case "content_block_start":
            _block(heard, whole(said.get("index")), part(said, "content_block") or {}, opening=True)
        case "content_block_delta":
            _delta(heard, whole(said.get("index")), part(said, "delta") or {})
        case "message_delta":
            _usage(heard, said.get("usage"))
            heard.stop(part(said, "delta", "stop_reason"), _FINISH)
        case "message_stop":
            heard.over = True
        case "error":
            kind = words(part(said, "error", "type"))
            heard.trouble = Trouble(words(part(said, "error", "message")) or kind, _STATUS.get(kind))


def _block(heard: Heard, place: int, block: Said, *, opening: bool = False) -> None:
    heard.write(block.get("text"))
    heard.think(block.get("thinking"))
    if block.get("type") == "tool_use":
        heard.call(place, block.get("name"), "" if opening else block.get("input"))


def _delta(heard: Heard, place: int, delta: Said) -> None:
    heard.write(delta.get("text"))
    heard.think(delta.get("thinking"))
    if delta.get("type") == "input_json_delta":
        heard.call(place, "", delta.get("partial_json"))


def _usage(heard: Heard, usage: object) -> None:
    """What the start of a stream told stays where its end does not tell it again."""
    if not isinstance(usage, dict):
        return
    before = heard.usage
    cached = whole(usage.get("cache_read_input_tokens"))
    written = whole(usage.get("cache_creation_input_tokens"))
    asked = whole(usage.get("input_tokens")) + written + cached  # here `input_tokens` is only what no cache knew
    reasoning = whole(part(usage, "output_tokens_details", "thinking_tokens"))
    heard.count(
        asked or before.input or 0,
        whole(usage.get("output_tokens")),
        cached=cached if asked else before.cached,
        reasoning=reasoning or before.reasoning,
        written=written if asked else before.written,
    )

"""What does an answer of Cohere's chat, version 2, say?"""

from __future__ import annotations

from synapse_cli.backends.dialects.heard import Heard, Said, Trouble, objects, part, whole, words
from synapse_cli.core.completion import Finish

_FINISH: dict[str, Finish] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
}
_BROKEN = frozenset({"ERROR", "TIMEOUT"})


def hear(heard: Heard, said: Said) -> None:
    """Take in a whole answer, or one event of its stream."""
    place = whole(said.get("index"))
    message = part(said, "delta", "message")
    match said.get("type"):
        case "content-start" | "content-delta":
            _content(heard, part(message, "content"))
            _weigh(heard, said.get("logprobs"))
        case "tool-plan-delta":
            heard.think(part(message, "tool_plan"))
        case "tool-call-start" | "tool-call-delta":
            _call(heard, place, part(message, "tool_calls"))
        case "message-end":
            _end(heard, part(said, "delta") or {})
        case None if isinstance(said.get("message"), dict):
            _whole(heard, said["message"])
            for chunk in objects(said.get("logprobs")):
                _weigh(heard, chunk)
            _end(heard, said)


def _whole(heard: Heard, message: Said) -> None:
    heard.think(message.get("tool_plan"))
    for content in objects(message.get("content")):
        _content(heard, content)
    for place, call in enumerate(objects(message.get("tool_calls"))):
        _call(heard, place, call)


def _content(heard: Heard, content: object) -> None:
    heard.write(part(content, "text"))
    heard.think(part(content, "thinking"))


def _weigh(heard: Heard, chunk: object) -> None:
    """A text with the probabilities of its tokens, whose own texts are not told: the first stands for all."""
    numbers = part(chunk, "logprobs")
    texts = [part(chunk, "text"), *[""] * len(numbers or ())] if isinstance(numbers, list) else []
    heard.weigh([{"token": text, "logprob": number} for text, number in zip(texts, numbers or (), strict=False)])


def _call(heard: Heard, place: int, call: object) -> None:
    heard.call(place, part(call, "function", "name"), part(call, "function", "arguments"))


def _end(heard: Heard, end: Said) -> None:
    heard.over = True
    heard.stop(end.get("finish_reason"), _FINISH, _BROKEN)
    if end.get("error"):
        heard.trouble = Trouble(words(end["error"]), 500)
    _usage(heard, end.get("usage"))


def _usage(heard: Heard, usage: object) -> None:
    """What is billed, where that is told: the template's own tokens are not."""
    counts = part(usage, "billed_units") or part(usage, "tokens")
    heard.count(
        whole(part(counts, "input_tokens")),
        whole(part(counts, "output_tokens")),
        cached=whole(part(usage, "cached_tokens")),
    )

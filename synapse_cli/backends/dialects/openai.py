"""What does an answer of OpenAI's chat completions say? Most servers speak this dialect, each with its own accent."""

from __future__ import annotations

import math
from decimal import Decimal

from synapse_cli.backends.dialects.heard import Heard, Said, Trouble, objects, part, whole, words
from synapse_cli.core.completion import Finish

_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "refusal",
    "refusal": "refusal",
}
"""`model_length` is Mistral's."""
_BROKEN = frozenset({"insufficient_system_resource", "error", "abort", "aborted", "cancelled"})
"""DeepSeek's, Mistral's and OpenRouter's, vLLM's: the answer is not whole, and LiteLLM makes "stop" of each."""
_TICKS = Decimal(10) ** 10
"""Of xAI's `cost_in_usd_ticks` in a dollar."""


def hear(heard: Heard, said: Said) -> None:
    """Take in a chat.completion, or one chat.completion.chunk."""
    if said.get("error"):
        heard.trouble = _trouble(said["error"])
    for choice in objects(said.get("choices"))[:1]:
        _choice(heard, choice)
    usage = said.get("usage") or part(said, "x_groq", "usage")
    if isinstance(usage, dict):
        _usage(heard, usage)


def ended(heard: Heard) -> None:
    """Take in `[DONE]`: some servers leave the reason of a tool call empty."""
    heard.over = True
    if heard.reason is None and heard.calls:
        heard.stop("tool_calls", _FINISH)


def _choice(heard: Heard, choice: Said) -> None:
    message = choice.get("delta") or choice.get("message") or {}
    _content(heard, message.get("content"))
    heard.think(message.get("reasoning_content") or message.get("reasoning"))
    heard.refusal += words(message.get("refusal"))
    for place, call in enumerate(objects(message.get("tool_calls"))):
        index = call.get("index")
        function = part(call, "function")
        heard.call(index if isinstance(index, int) else place, part(function, "name"), part(function, "arguments"))
    heard.weigh(part(choice, "logprobs", "content"))
    if "message" in choice and not choice.get("finish_reason"):  # whole by its own braces; xAI leaves it empty
        heard.stop("tool_calls" if heard.calls else "stop", _FINISH)
    heard.stop(choice.get("finish_reason"), _FINISH, _BROKEN)


def _content(heard: Heard, content: object) -> None:
    """Text as it is, or Mistral's list of texts and thoughts."""
    heard.write(content)
    for item in objects(content):
        if item.get("type") == "thinking":
            thought = item.get("thinking")
            for piece in objects(thought):
                heard.think(piece.get("text"))
            heard.think(thought)
        else:
            heard.write(item.get("text"))


def _usage(heard: Heard, usage: Said) -> None:
    asked, answered = whole(usage.get("prompt_tokens")), whole(usage.get("completion_tokens"))
    if not asked:
        return
    reasoning = whole(part(usage, "completion_tokens_details", "reasoning_tokens"))
    if reasoning and whole(usage.get("total_tokens")) == asked + answered + reasoning:
        answered += reasoning  # xAI's: elsewhere what was thought is among what was written
    written = whole(part(usage, "prompt_tokens_details", "cache_write_tokens"))
    heard.count(asked, answered, cached=_cached(usage), reasoning=reasoning, written=written)
    told = _cost(usage)
    heard.cost = heard.cost if told is None else told


def _cost(usage: Said) -> Decimal | None:
    """What the provider itself says that it bills.

    OpenRouter's is without what a key of the user's own pays behind it; Perplexity's is with its searches.
    """
    cost, ticks = usage.get("cost"), usage.get("cost_in_usd_ticks")
    told = _dollars(part(cost, "total_cost") if isinstance(cost, dict) else cost)
    if told is not None:
        behind = _dollars(part(usage, "cost_details", "upstream_inference_cost")) if usage.get("is_byok") else None
        return told + (behind or 0)
    return ticks / _TICKS if isinstance(ticks, int) and ticks >= 0 else None


def _dollars(value: object) -> Decimal | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
        return None
    return Decimal(str(value))


def _cached(usage: Said) -> int:
    """OpenAI's place, Mistral's spelling of it, DeepSeek's own."""
    return (
        whole(part(usage, "prompt_tokens_details", "cached_tokens"))
        or whole(part(usage, "prompt_token_details", "cached_tokens"))
        or whole(usage.get("num_cached_tokens"))
        or whole(usage.get("prompt_cache_hit_tokens"))
    )


def _trouble(error: object) -> Trouble:
    if not isinstance(error, dict):
        return Trouble(words(error))
    code = error.get("code")
    status = code if isinstance(code, int) else int(code) if isinstance(code, str) and code.isdigit() else None
    return Trouble(words(error.get("message")), status)

"""What each provider means by its counts, in its own words: which tokens are among which, and what is billed.

The payloads are those of the providers' references.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from synapse_cli.backends.dialects import anthropic, cohere, gemini, ollama, openai
from synapse_cli.backends.dialects.heard import Heard
from synapse_cli.backends.dialects.known import Hear
from synapse_cli.core.completion import Price, Usage

PRICE = Price(Decimal(1), Decimal(10), Decimal("0.1"), Decimal("1.25"))
"""A fresh token asked is a millionth of a dollar, one of the cache a tenth, one for the cache 1.25, one said ten."""


def _openai(**usage: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": usage}


CASES: dict[str, tuple[Hear, dict[str, Any], Usage, str]] = {
    "OpenAI counts cached tokens among those asked, and thoughts among those said": (
        openai.hear,
        _openai(
            prompt_tokens=2006,
            completion_tokens=300,
            total_tokens=2306,
            prompt_tokens_details={"cached_tokens": 1920, "audio_tokens": 0},
            completion_tokens_details={"reasoning_tokens": 256},
        ),
        Usage(2006, 300, cached=1920, reasoning=256),
        "3278",
    ),
    "Azure OpenAI likewise": (
        openai.hear,
        _openai(prompt_tokens=9, completion_tokens=12, total_tokens=21, prompt_tokens_details={"cached_tokens": 0}),
        Usage(9, 12),
        "129",
    ),
    "Anthropic leaves what its cache held or keeps out of input_tokens": (
        anthropic.hear,
        {
            "type": "message",
            "content": [{"type": "text", "text": "x"}],
            "stop_reason": "end_turn",
            "usage": {
                "input_tokens": 50,
                "cache_creation_input_tokens": 400,
                "cache_read_input_tokens": 1000,
                "output_tokens": 20,
            },
        },
        Usage(1450, 20, cached=1000, written=400),
        "850",
    ),
    "Gemini counts cached tokens among the prompt's, and thoughts apart from the candidates'": (
        gemini.hear,
        {
            "candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}],
            "usageMetadata": {
                "promptTokenCount": 1000,
                "cachedContentTokenCount": 800,
                "candidatesTokenCount": 10,
                "thoughtsTokenCount": 90,
                "totalTokenCount": 1100,
            },
        },
        Usage(1000, 100, cached=800, reasoning=90),
        "1280",
    ),
    "Mistral has OpenAI's counts": (
        openai.hear,
        _openai(prompt_tokens=10, completion_tokens=5, total_tokens=15, prompt_token_details={"cached_tokens": 4}),
        Usage(10, 5, cached=4),
        "56.4",
    ),
    "Cohere bills what it calls billed units, which are fewer": (
        cohere.hear,
        {
            "message": {"content": [{"type": "text", "text": "x"}]},
            "finish_reason": "COMPLETE",
            "usage": {
                "billed_units": {"input_tokens": 17.0, "output_tokens": 12.0},
                "tokens": {"input_tokens": 215, "output_tokens": 14},
            },
        },
        Usage(17, 12),
        "137",
    ),
    "DeepSeek says what its cache held in a word of its own": (
        openai.hear,
        _openai(
            prompt_tokens=100,
            completion_tokens=50,
            total_tokens=150,
            prompt_cache_hit_tokens=64,
            prompt_cache_miss_tokens=36,
            completion_tokens_details={"reasoning_tokens": 40},
        ),
        Usage(100, 50, cached=64, reasoning=40),
        "542.4",
    ),
    "Groq has OpenAI's counts": (
        openai.hear,
        _openai(prompt_tokens=40, completion_tokens=3, prompt_tokens_details={"cached_tokens": 32}),
        Usage(40, 3, cached=32),
        "41.2",
    ),
    "OpenRouter tells what is written to a cache as well": (
        openai.hear,
        _openai(
            prompt_tokens=194,
            completion_tokens=2,
            total_tokens=196,
            prompt_tokens_details={"cached_tokens": 0, "cache_write_tokens": 100},
            completion_tokens_details={"reasoning_tokens": 0},
        ),
        Usage(194, 2, written=100),
        "239",
    ),
    "xAI counts thoughts beside what was said": (
        openai.hear,
        _openai(
            prompt_tokens=30,
            completion_tokens=9,
            total_tokens=339,
            prompt_tokens_details={"cached_tokens": 5},
            completion_tokens_details={"reasoning_tokens": 300},
        ),
        Usage(30, 309, cached=5, reasoning=300),
        "3115.5",
    ),
    "Ollama counts what it evaluated": (
        ollama.hear,
        {"message": {"content": "x"}, "done": True, "prompt_eval_count": 26, "eval_count": 298},
        Usage(26, 298),
        "3006",
    ),
    "vLLM has OpenAI's counts, and may leave the details empty": (
        openai.hear,
        _openai(prompt_tokens=7, completion_tokens=3, total_tokens=10, prompt_tokens_details=None),
        Usage(7, 3),
        "37",
    ),
    "llama-server has OpenAI's counts": (
        openai.hear,
        _openai(prompt_tokens=7, completion_tokens=3, prompt_tokens_details={"cached_tokens": 6}),
        Usage(7, 3, cached=6),
        "31.6",
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_tokens_are_billed_as_the_provider_counts_them(what: str) -> None:
    hear, said, usage, millionths = CASES[what]
    heard = Heard()

    hear(heard, said)

    assert heard.usage == usage
    assert PRICE.cost(heard.usage) == Decimal(millionths) / 1_000_000


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.00014}, "0.00014"),
        ({"cost": 0.00001, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.0002}}, "0.00021"),
        ({"cost": 0.5, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.4}}, "0.5"),
        ({"cost": {"input_tokens_cost": 0.001, "request_cost": 0.005, "total_cost": 0.006}}, "0.006"),
        ({"cost_in_usd_ticks": 37_756_000}, "0.0037756"),
        ({"cost": True}, None),
        ({"cost": -1}, None),
        ({"cost": "much"}, None),
    ],
)
def test_what_a_provider_says_that_it_bills_is_taken(usage: dict[str, Any], cost: str | None) -> None:
    heard = Heard()

    openai.hear(heard, _openai(prompt_tokens=10, completion_tokens=5, **usage))

    assert heard.cost == (None if cost is None else Decimal(cost))


def test_a_told_bill_is_not_forgotten_by_a_later_count() -> None:
    heard = Heard()

    openai.hear(heard, {"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.25}})
    openai.hear(heard, {"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}})

    assert heard.cost == Decimal("0.25")

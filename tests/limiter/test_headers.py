"""What each provider's headers say, as these were seen on the wire."""

from __future__ import annotations

import pytest

from synapse_cli.backends.dialects.limits import quota, seconds
from synapse_cli.backends.litellm_errors import delay
from synapse_cli.core.quota import Allowance, Quota

NOW = 1_788_000_000.0

SEEN: dict[str, tuple[dict[str, str], Quota]] = {
    "openai": (
        {
            "x-ratelimit-limit-requests": "5000",
            "x-ratelimit-remaining-requests": "4999",
            "x-ratelimit-reset-requests": "12ms",
            "x-ratelimit-limit-tokens": "160000",
            "x-ratelimit-remaining-tokens": "159976",
            "x-ratelimit-reset-tokens": "9ms",
            "x-ratelimit-limit-tokens_usage_based": "160000",
        },
        (Allowance("requests", 5000, 4999, 0.012, 60.0), Allowance("tokens", 160_000, 159_976, 0.009, 60.0)),
    ),
    "groq counts requests by the day": (
        {
            "x-ratelimit-limit-requests": "14400",
            "x-ratelimit-remaining-requests": "14370",
            "x-ratelimit-reset-requests": "3m0s",
        },
        (Allowance("requests", 14_400, 14_370, 180.0, 86_400.0),),
    ),
    "azure, with its window": (
        {
            "x-ratelimit-limit-tokens": "5000",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "0",
            "x-ratelimit-renewalperiod-tokens": "60",
        },
        (Allowance("tokens", 5000, 0, 0.0, 60.0),),
    ),
    "cerebras": (
        {
            "X-RateLimit-Limit-Requests-Day": "10000",
            "X-RateLimit-Remaining-Requests-Day": "9500",
            "X-RateLimit-Reset-Requests-Day": "33011.382867",
        },
        (Allowance("requests", 10_000, 9500, 33_011.382867, 86_400.0),),
    ),
    "mistral": (
        {
            "x-ratelimit-limit-req-minute": "60",
            "x-ratelimit-remaining-req-minute": "59",
            "x-ratelimit-limit-tokens-month": "4000000",
            "x-ratelimit-tokens-query-cost": "2804",
        },
        (Allowance("requests", 60, 59, None, 60.0),),
    ),
    "openrouter counts from 1970 in milliseconds": (
        {"x-ratelimit-limit": "50", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1788000090000"},
        (Allowance("requests", 50, 0, 90.0, 90.0),),
    ),
    "anthropic": (
        {
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-ratelimit-requests-remaining": "49",
            "anthropic-ratelimit-requests-reset": "2026-08-29T10:40:01Z",
            "anthropic-ratelimit-output-tokens-limit": "8000",
            "anthropic-ratelimit-output-tokens-remaining": "7000",
            "anthropic-ratelimit-unified-reset": "1788000600",
        },
        (Allowance("requests", 50, 49, 1.0, 60.0), Allowance("tokens", 8000, 7000, None, 60.0)),
    ),
    "cohere": (
        {"x-trial-endpoint-call-limit": "20", "x-trial-endpoint-call-remaining": "19"},
        (Allowance("requests", 20, 19, None, 60.0),),
    ),
    "nothing": ({"content-type": "application/json", "x-request-id": "1"}, ()),
    "a gateway without limits": ({"x-ratelimit-limit-requests": "0", "x-ratelimit-remaining-requests": "0"}, ()),
    "a gateway that does not know": (
        {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "-1"},
        (Allowance("requests", 10, None, None, None),),
    ),
    "nonsense": (
        {
            "x-ratelimit-limit-requests": "many",
            "x-ratelimit-remaining-tokens": "nan",
            "x-ratelimit-reset-tokens": "soon",
        },
        (),
    ),
}


@pytest.mark.parametrize("case", sorted(SEEN))
def test_each_provider_is_understood(case: str) -> None:
    headers, told = SEEN[case]

    assert quota(headers, NOW) == told


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("12", 12.0),
        ("7.66s", 7.66),
        ("6m0s", 360.0),
        ("370ms", 0.37),
        ("1h2m3s", 3723.0),
        ("2d", 172_800.0),
        ("1788000012", 12.0),
        ("1788000012000", 12.0),
        ("2026-08-29T10:41:00Z", 60.0),
        ("2026-08-29T12:41:00+02:00", 60.0),
        ("2026-08-29T10:39:00Z", 0.0),
        ("2026-08-29T10:41:00", None),
        ("2036-08-29T10:41:00Z", None),
        ("", None),
        ("s", None),
        ("5 apples", None),
        ("inf", None),
    ],
)
def test_an_instant_or_a_span_is_told_by_its_form(text: str, left: float | None) -> None:
    assert seconds(text, NOW) == left


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "1", "retry-after-ms": "0"}, 1.0),
        ({"retry-after": "2", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "7.66"}, 7.66),
        ({}, None),
    ],
)
def test_of_two_delays_the_finer_one_counts_unless_it_says_nothing(
    headers: dict[str, str], wait_s: float | None
) -> None:
    assert delay(headers) == wait_s

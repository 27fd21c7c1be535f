"""The chaos provider fails as it is told, counts what reaches it, and can be told anew while it runs."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections import Counter
from typing import Any

import pytest

from tests.chaos.faults import STORM, parse
from tests.chaos.place import far
from tests.chaos.provider import Arrival, early, proof, providing


def ask(url: str, prompt: str = "hello") -> str:
    """Ask over plain HTTP; the answer's text, or the name of what went wrong."""
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": prompt}]}).encode()
    request = urllib.request.Request(f"{url}/v1/chat/completions", body, {"Authorization": "Bearer k"})
    try:
        with urllib.request.urlopen(request, timeout=0.5) as answer:
            said: dict[str, Any] = json.loads(answer.read(1_000_000))
            return str(said["choices"][0]["message"]["content"])
    except urllib.error.HTTPError as error:
        error.close()
        return f"{error.code} {error.headers.get('Retry-After', '')}".strip()
    except (OSError, ValueError, KeyError, TypeError, IndexError, http.client.HTTPException) as error:
        return type(error).__name__


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("429", "429"),
        ("429:2", "429 2"),
        ("401", "401"),
        ("503", "503"),
        ("hang", "TimeoutError"),
        ("garbage", "JSONDecodeError"),
        ("empty", "IndexError"),
        ("wrong", "TypeError"),
        ("huge", "JSONDecodeError"),
        ("reset", "ConnectionResetError"),
        ("refused", "RemoteDisconnected"),
        ("drip", "TimeoutError"),
    ],
)
def test_a_fault_is_what_its_name_says(fault: str, seen: str) -> None:
    with providing(faults=fault) as provider:
        assert ask(provider.url) in ({seen, proof("m", "hello")} if fault == "drip" else {seen})
        assert provider.told()["done"] == {fault: 1}


def test_an_answer_proves_its_model_and_its_prompt() -> None:
    with providing() as provider:
        assert [ask(provider.url, prompt) for prompt in ("a", "b")] == [proof("m", "a"), proof("m", "b")]
    assert len({proof(model, prompt) for model in "mn" for prompt in "ab"}) == 4


def test_the_same_seed_fails_the_same_requests_in_whatever_order_they_come() -> None:
    def failed(prompts: list[str], seed: int) -> dict[str, str]:
        with providing(faults="500=0.3,429=0.3", seed=seed) as provider:
            return {prompt: ask(provider.url, prompt) for prompt in prompts}

    prompts = [str(number) for number in range(30)]

    first = failed(prompts, 1)

    assert failed(prompts[::-1], 1) == first
    assert failed(prompts, 2) != first
    assert {said.partition(" ")[0] for said in first.values()} == {"429", "500", "begin"}


def test_it_is_told_to_fail_otherwise_while_it_runs() -> None:
    with far(faults="500") as provider:
        assert ask(provider.url) == "500"

        provider.told(faults="", forget=True)

        assert ask(provider.url) == proof("m", "hello")
        assert provider.told() == {
            "requests": 1,
            "prompts": 1,
            "most_in_flight": 1,
            "early": 0,
            "done": {"well": 1},
        }


def test_a_storm_is_made_of_all_of_its_faults_at_the_rate_that_was_asked_for() -> None:
    rates = parse("all=0.3,401=0.01")

    assert Counter(rates.keys()) == Counter([*STORM, "401"])
    assert sum(rates.values()) == pytest.approx(0.31)


def test_whoever_comes_before_it_may_is_early() -> None:
    told = Arrival(10.0, "key", "a", "429:1", told=11.0)
    again, later = Arrival(10.1, "key", "a", ""), Arrival(11.01, "key", "a", "")
    crossing, other = Arrival(10.1, "key", "b", ""), Arrival(10.1, "other key", "c", "")
    careless = Arrival(10.5, "key", "d", "")

    assert early([told, again, crossing, other, careless, later]) == [again, careless]

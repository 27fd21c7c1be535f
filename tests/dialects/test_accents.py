"""What is told to providers otherwise than LiteLLM tells it: addresses, efforts, schemas, names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synapse_cli.backends import prices
from synapse_cli.backends.litellm_accents import address, effort
from synapse_cli.backends.litellm_package import package
from synapse_cli.core.errors import BadRequest, KeyRejected
from tests.dialects.dialects import CITY, DIALECTS, Dialect
from tests.dialects.place import CANARY, open_place
from tests.servers.base import Reply, Seen

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
HERE = "http://127.0.0.1:8080/v1"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIALECT_KEY", CANARY)


@pytest.mark.parametrize(
    ("provider", "base_url", "told"),
    [
        ("openai", None, {}),
        ("openai", HERE, {"api_base": HERE}),
        ("ollama", None, {"api_base": "http://127.0.0.1:11434"}),
        ("azure", "https://r.openai.azure.com", {"api_base": "https://r.openai.azure.com"}),
        (
            "azure",
            "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2025-04-01-preview",
            {"api_base": "https://r.openai.azure.com", "api_version": "2025-04-01-preview"},
        ),
        (
            "azure",
            "https://r.openai.azure.com/openai/v1/",
            {"api_base": "https://r.openai.azure.com", "api_version": "v1"},
        ),
        ("cohere", "https://proxy.example", {"api_base": "https://proxy.example/v2/chat"}),
        ("cohere", "https://proxy.example/v2/", {"api_base": "https://proxy.example/v2/chat"}),
        ("cohere", "https://proxy.example/v2/chat", {"api_base": "https://proxy.example/v2/chat"}),
    ],
)
def test_an_address_is_put_as_litellm_wants_it(provider: str, base_url: str | None, told: dict[str, str]) -> None:
    assert address(provider, base_url) == told


def test_azures_newer_address_is_asked_too(tmp_path: Path) -> None:
    from tests.servers import openai

    class Newer(openai.Speaker):
        chat = "/openai/v1/chat/completions"

    with open_place(_with(BY_NAME["Azure OpenAI"], server=Newer(), base="/openai/v1"), tmp_path) as place:
        answer = place.ask(Reply(text="Lima"))

        assert (answer.text, place.seen.path, place.seen.body["model"]) == ("Lima", Newer.chat, "my-mini")


def test_a_model_of_ollama_is_asked_in_its_chat_under_either_name(tmp_path: Path) -> None:
    with open_place(BY_NAME["Ollama"], tmp_path) as place:
        place.ask(Reply(), model="ollama/qwen3")

        assert (place.seen.path, place.seen.body["model"]) == ("/api/chat", "qwen3")


EFFORTS: list[tuple[str, str, dict[str, Any]]] = [
    ("openai/gpt-5-mini", "none", {"reasoning_effort": "minimal"}),
    ("openai/gpt-5-mini", "minimal", {"reasoning_effort": "minimal"}),
    ("openai/gpt-5.1", "none", {"reasoning_effort": "none"}),
    ("openai/gpt-5.1", "minimal", {"reasoning_effort": "low"}),
    ("openai/o3-mini", "none", {"reasoning_effort": "low"}),
    ("groq/openai/gpt-oss-20b", "none", {"reasoning_effort": "low"}),
    ("groq/openai/gpt-oss-20b", "high", {"reasoning_effort": "high"}),
    ("groq/qwen/qwen3-32b", "none", {"reasoning_effort": "none"}),
    ("groq/qwen/qwen3-32b", "high", {"reasoning_effort": "default"}),
    ("xai/grok-4.3", "minimal", {"reasoning_effort": "low"}),
    ("mistral/magistral-small-latest", "high", {}),
    ("cohere/command-a-reasoning-08-2025", "none", {"thinking": {"type": "disabled"}}),
    ("cohere/command-a-reasoning-08-2025", "high", {"thinking": {"type": "enabled", "token_budget": 16384}}),
    ("openrouter/anthropic/claude-sonnet-4.5", "high", {"extra_body": {"reasoning": {"effort": "high"}}}),
    ("deepseek/deepseek-chat", "high", {"reasoning_effort": "high"}),
]


@pytest.mark.parametrize(("name", "wanted", "told"), EFFORTS, ids=[f"{name} {how}" for name, how, _ in EFFORTS])
def test_an_effort_is_the_nearest_that_the_model_takes(name: str, wanted: str, told: dict[str, Any]) -> None:
    extra = effort(wanted, name, prices.entry(name), _supported(name), None)

    assert ({key: extra.arguments[key] for key in told}, extra.notices) == (told, ())
    assert set(extra.arguments) - set(told) <= {"allowed_openai_params"}


def test_a_model_that_does_not_think_is_asked_without_and_the_user_is_told(tmp_path: Path) -> None:
    with open_place(BY_NAME["OpenAI"], tmp_path) as place:
        answer = place.ask(Reply(text="Lima"), keys={"effort": "high"})

        assert "reasoning_effort" not in place.seen.body
        assert answer.warnings == ("openai/gpt-4o-mini does not think, so that effort = 'high' changes nothing",)
        assert place.ask(Reply(text="Lima"), keys={"effort": "none"}).warnings == ()


@pytest.mark.parametrize(
    ("limit", "wanted", "budget"),
    [(500, "high", None), (1500, "high", 1024), (3000, "high", 2048), (9000, "high", 4096)],
)
def test_a_thought_leaves_room_for_the_answer(limit: int, wanted: str, budget: int | None, tmp_path: Path) -> None:
    """Anthropic refuses a budget that is not below max_tokens."""
    with open_place(BY_NAME["Anthropic"], tmp_path) as place:
        answer = place.ask(Reply(), keys={"effort": wanted}, params={"max_tokens": limit})

        told = place.seen.body.get("thinking", {}).get("budget_tokens")
        assert (told, place.seen.body["max_tokens"], len(answer.warnings)) == (budget, limit, int(budget is None))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_model_that_refuses_to_tell_probabilities_is_asked_once_more_without(stream: bool, tmp_path: Path) -> None:
    refusal = Reply(status=400, message="Logprobs is not enabled for models/gemini-2.5-flash")
    with open_place(BY_NAME["Gemini"], tmp_path) as place:
        answer, _ = place.call(refusal, Reply(text="Lima"), stream=stream, params={"logprobs": True})

        first, second = (seen.body.get("generationConfig", {}) for seen in place.server.seen)
        assert (answer.text, answer.confidence) == ("Lima", None)
        assert ("responseLogprobs" in first, "responseLogprobs" in second) == (True, False)


def test_a_model_is_not_asked_a_third_time(tmp_path: Path) -> None:
    with open_place(BY_NAME["OpenAI"], tmp_path) as place:
        with pytest.raises(BadRequest, match="logprobs"):
            place.call(Reply(status=400, message="no logprobs here"), params={"logprobs": True})

        assert len(place.server.seen) == 2


def test_a_flag_outdoes_the_effort_of_the_profile(tmp_path: Path) -> None:
    with open_place(BY_NAME["OpenAI"], tmp_path) as place:
        how = {"model": "openai/gpt-5-mini", "keys": {"effort": "high"}}
        place.ask(Reply(), params={"effort": "low"}, **how)  # type: ignore[arg-type]

        assert place.seen.body["reasoning_effort"] == "low"


def test_an_effort_and_a_body_of_ones_own_are_both_sent(tmp_path: Path) -> None:
    with open_place(BY_NAME["OpenRouter"], tmp_path) as place:
        own = {"extra_body": {"provider": {"order": ["groq"]}}}
        place.ask(Reply(), keys={"effort": "high"}, params=own)

        body = place.seen.body
        assert (body["reasoning"], body["provider"]) == ({"effort": "high"}, {"order": ["groq"]})


@pytest.mark.parametrize("name", sorted(set(BY_NAME) - {"Ollama"}))
def test_a_schema_is_held_to_by_a_model_that_nobody_knows(name: str, tmp_path: Path) -> None:
    provider = BY_NAME[name].model.partition("/")[0]
    text = json.dumps({"city": "Lima"})
    with open_place(BY_NAME[name], tmp_path) as place:
        answer = place.ask(Reply(text=text), model=f"{provider}/brand-new-9", schema=CITY)

        assert json.loads(answer.text) == {"city": "Lima"}
        assert "city" in json.dumps(place.seen.body)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("name", "model"), [("Anthropic", "anthropic/claude-3-haiku-20240307"), ("Groq", "groq/brand-new-9")]
)
def test_where_litellm_makes_a_tool_of_the_schema_its_arguments_are_the_answer(
    name: str, model: str, stream: bool, tmp_path: Path
) -> None:
    reply = Reply(tool="json_tool_call", arguments={"city": "Lima"}, finish="tool_calls", text="")
    with open_place(BY_NAME[name], tmp_path) as place:
        answer = place.ask(reply, stream=stream, model=model, schema=CITY)

        assert "json_tool_call" in json.dumps(place.seen.body["tools"])
        assert (json.loads(answer.text), answer.finish, answer.tool_calls) == ({"city": "Lima"}, "stop", ())


def test_a_list_is_asked_of_deepseek_in_words_because_its_json_is_always_an_object(tmp_path: Path) -> None:
    with open_place(BY_NAME["DeepSeek"], tmp_path) as place:
        answer = place.ask(Reply(text="[1, 2]"), schema={"type": "array", "items": {"type": "integer"}})

        assert (answer.text, "response_format" in place.seen.body) == ("[1, 2]", False)
        assert "JSON Schema" in place.seen.body["messages"][-1]["content"]


def test_what_openrouter_says_that_a_call_cost_is_believed_before_the_catalogue(tmp_path: Path) -> None:
    with open_place(BY_NAME["OpenRouter"], tmp_path) as place:
        assert str(place.ask(Reply()).cost) == "0.00123"
        assert place.ask(Reply(tokens=(1_000_000, 0)), keys={"price": {"input": 2.0, "output": 3.0}}).cost == 2


def _supported(name: str) -> frozenset[str]:
    provider, _, bare = name.partition("/")
    return frozenset(package().get_supported_openai_params(model=bare, custom_llm_provider=provider) or ())


def _with(dialect: Dialect, **changes: Any) -> Dialect:
    from dataclasses import replace

    return replace(dialect, **changes)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_error_that_comes_with_a_200_is_an_error(stream: bool, tmp_path: Path) -> None:
    from tests.servers.openai import event
    from tests.servers.openrouter import OpenRouter

    class Poor(OpenRouter):
        def whole(self, reply: Reply, seen: Seen) -> dict[str, Any]:
            return {"error": {"code": 402, "message": "Insufficient credits"}, "user_id": "u"}

        def events(self, reply: Reply, seen: Seen) -> list[bytes]:
            return [event(self.whole(reply, seen))]

    with open_place(_with(BY_NAME["OpenRouter"], server=Poor()), tmp_path) as place:
        error = place.fail(Reply(), stream=stream)

        assert (type(error), "Insufficient credits" in error.message) == (KeyRejected, True)

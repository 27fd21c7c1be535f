"""What is asked of a provider, byte for byte, and what becomes of its answer."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pytest

from synapse_cli.backends.litellm import LiteLLM
from synapse_cli.core.completion import FREE, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadAnswer, BadRequest
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model
from tests.hosted.site import CANARY, PRICE, QUESTION, Site, open_site
from tests.servers.base import Reply

MESSAGES = QUESTION.messages
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {
    "name": "weather",
    "description": "Tell the weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@streamed
def test_an_answer_comes_with_its_tokens_and_its_cost(site: Site, stream: bool) -> None:
    answer = site.ask(Reply(text="Lima.\n\n  It is.", tokens=(100, 20), cached=40, pieces=9), stream=stream)

    assert (answer.text, answer.finish, answer.thinking) == ("Lima.\n\n  It is.", "stop", "")
    assert answer.usage == Usage(100, 20, cached=40)
    assert answer.cost == Decimal("0.00012")  # 60 fresh at $1, 40 cached at $0.5, 20 out at $2, per million
    assert (answer.first_latency_s is not None) == stream
    assert len(site.server.seen) == 1


@streamed
def test_the_request_is_the_providers_own(site: Site, stream: bool) -> None:
    params = {"max_tokens": 50, "temperature": 0.5, "stop": ["END"]}
    site.ask(Reply(), request=Request(messages=MESSAGES, params=params), stream=stream)

    assert site.server.seen[0].key == CANARY
    assert site.body == _wanted_body(site.name, stream=stream)


def _wanted_body(name: str, *, stream: bool) -> dict[str, Any]:
    question = "What is the capital of Peru?"
    if name == "openai":
        body = {
            "model": "gpt-4o-mini",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}],
            "max_tokens": 50,
            "temperature": 0.5,
            "stop": ["END"],
        }
        return body | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})
    if name == "anthropic":
        body = {
            "model": "claude-haiku-4-5",
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": question}]}],
            "max_tokens": 50,
            "temperature": 0.5,
            "stop_sequences": ["END"],
        }
        return body | ({"stream": True} if stream else {})
    return {
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": question}]}],
        "generationConfig": {"max_output_tokens": 50, "temperature": 0.5, "stop_sequences": ["END"]},
    }


def test_nothing_is_sent_that_the_user_did_not_set(openai_site: Site) -> None:
    openai_site.ask(Reply())

    assert set(openai_site.body) == {"model", "messages"}


@streamed
def test_thinking_is_kept_apart_from_the_answer(site: Site, stream: bool) -> None:
    answer = site.ask(Reply(text="Lima", thinking="Peru has Lima", reasoning=3), stream=stream)

    assert (answer.text, answer.thinking) == ("Lima", "Peru has Lima")


@streamed
@pytest.mark.parametrize("finish", ["length", "refusal", "filtered"])
def test_the_reason_for_stopping_is_told_in_our_words(site: Site, finish: str, stream: bool) -> None:
    answer = site.ask(Reply(text="Half an ans", finish=finish), stream=stream)

    assert answer.finish == ("length" if finish == "length" else "refusal")


@streamed
def test_a_prompt_that_gemini_blocks_is_a_refusal(stream: bool) -> None:
    with open_site("gemini") as site:
        answer = site.ask(Reply(fault="blocked"), stream=stream)

    assert (answer.finish, answer.text) == ("refusal", "")


@streamed
def test_tools_go_out_and_calls_come_back(site: Site, stream: bool) -> None:
    request = Request(messages=MESSAGES, tools=(json.dumps(TOOL),))
    reply = Reply(tool="weather", arguments={"city": "Lima"}, finish="tool_calls")

    answer = site.ask(reply, request=request, stream=stream)

    assert (answer.finish, answer.text) == ("tool_calls", "")
    assert answer.tool_calls == ('{"arguments":{"city":"Lima"},"name":"weather"}',)
    assert TOOL["parameters"]["required"] == _tools_sent(site)["required"]


def _tools_sent(site: Site) -> dict[str, Any]:
    tool = site.body["tools"][0]
    if site.name == "openai":
        assert tool["function"] == TOOL
        return tool["function"]["parameters"]
    if site.name == "anthropic":
        assert (tool["name"], tool["description"]) == (TOOL["name"], TOOL["description"])
        return tool["input_schema"]
    declared = tool["function_declarations"][0]
    assert (declared["name"], declared["description"]) == (TOOL["name"], TOOL["description"])
    return declared["parameters"]


@streamed
def test_a_schema_is_enforced_by_the_provider(site: Site, stream: bool) -> None:
    request = Request(messages=MESSAGES, schema=json.dumps(SCHEMA))

    answer = site.ask(Reply(text='{"city": "Lima"}'), request=request, stream=stream)

    assert answer.text == '{"city": "Lima"}'
    assert _schema_sent(site)["properties"]["city"] == {"type": "string"}


def _schema_sent(site: Site) -> dict[str, Any]:
    if site.name == "openai":
        wanted = site.body["response_format"]
        assert (wanted["type"], wanted["json_schema"]["strict"]) == ("json_schema", True)
        return wanted["json_schema"]["schema"]
    if site.name == "anthropic":
        found = site.body.get("output_format") or site.body["output_config"]["format"]
        assert found["type"] == "json_schema"
        return found["schema"]
    config = site.body["generationConfig"]
    assert config["response_mime_type"] == "application/json"
    return config.get("response_json_schema") or config["response_schema"]


@streamed
def test_choices_are_an_enum_and_come_back_as_the_plain_label(site: Site, stream: bool) -> None:
    request = Request(messages=MESSAGES, choices=("Lima", "La Paz"))

    answer = site.ask(Reply(text='{"answer": "La Paz"}'), request=request, stream=stream)

    assert answer.text == "La Paz"
    assert _schema_sent(site)["properties"]["answer"]["enum"] == ["Lima", "La Paz"]


def test_a_schema_of_a_list_is_wrapped_in_an_object(openai_site: Site) -> None:
    schema = {"$defs": {"n": {"type": "integer"}}, "type": "array", "items": {"$ref": "#/$defs/n"}}
    request = Request(messages=MESSAGES, schema=json.dumps(schema))

    answer = openai_site.ask(Reply(text='{"answer": [1, 2]}'), request=request)

    sent = _schema_sent(openai_site)
    assert answer.text == "[1, 2]"
    assert sent["properties"]["answer"] == {"type": "array", "items": {"$ref": "#/$defs/n"}}
    assert sent["$defs"] == schema["$defs"]


def test_an_answer_in_another_form_is_left_for_the_checks(openai_site: Site) -> None:
    request = Request(messages=MESSAGES, choices=("Lima", "La Paz"))

    texts = [openai_site.ask(Reply(text=text), request=request).text for text in ("Lima!", '{"x": 1}', "[1]")]

    assert texts == ["Lima!", '{"x": 1}', "[1]"]


def test_an_open_schema_is_not_sent_as_strict(openai_site: Site) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    openai_site.ask(Reply(text="{}"), request=Request(messages=MESSAGES, schema=json.dumps(schema)))

    assert openai_site.body["response_format"]["json_schema"]["strict"] is False


def test_a_model_without_schemas_is_asked_in_words(openai_site: Site) -> None:
    request = Request(messages=MESSAGES, choices=("Lima", "La Paz"))

    answer = openai_site.ask(Reply(text="Lima"), request=request, model="openai/gpt-3.5-turbo")

    assert answer.text == "Lima"
    assert "response_format" not in openai_site.body
    assert openai_site.body["messages"][-1]["content"].endswith(
        "Answer with exactly one of these, and nothing else: Lima, La Paz"
    )


ODDS = (("Li", math.log(0.9)), ("ma", math.log(0.4)))


@streamed
def test_confidence_is_the_geometric_mean_of_the_tokens(openai_site: Site, stream: bool) -> None:
    request = Request(messages=MESSAGES, params={"logprobs": True})

    answer = openai_site.ask(Reply(text="Lima", logprobs=ODDS), request=request, stream=stream)

    assert openai_site.body["logprobs"] is True
    assert answer.confidence == pytest.approx(0.6)


def test_confidence_in_a_label_does_not_count_the_brackets_around_it(openai_site: Site) -> None:
    request = Request(messages=MESSAGES, params={"logprobs": True}, choices=("Lima", "Cusco"))
    odds = (('{"', -1.0), ("answer", 0.0), ('":"', -2.0), *ODDS, ('"}', -3.0))

    answer = openai_site.ask(Reply(text='{"answer":"Lima"}', logprobs=odds), request=request)

    assert answer.confidence == pytest.approx(0.6)


def test_confidence_is_missing_where_it_cannot_be_had(openai_site: Site) -> None:
    request = Request(messages=MESSAGES, params={"logprobs": True})

    assert openai_site.ask(Reply(), request=request, model="openai/gpt-5-mini").confidence is None
    assert "logprobs" not in openai_site.body


@streamed
@pytest.mark.parametrize("fault", ["empty", "null"])
def test_an_answer_without_text_is_no_answer(site: Site, fault: str, stream: bool) -> None:
    error = site.fail(Reply(fault=fault), stream=stream)

    assert error.kind in {"bad_answer", "cut"}
    assert len(site.server.seen) == 1


def test_output_spent_on_thinking_is_said(openai_site: Site) -> None:
    error = openai_site.fail(Reply(text="", finish="length"))

    assert isinstance(error, BadAnswer)
    assert (error.message, error.hint) == (
        "openai/gpt-4o-mini used up its output tokens before it wrote an answer",
        "raise max_tokens",
    )


@streamed
def test_tokens_that_nobody_counted_are_estimated_and_marked(openai_site: Site, stream: bool) -> None:
    answer = openai_site.ask(Reply(text="one two three", counts=False), stream=stream)

    usage = answer.usage
    assert usage.estimated
    assert usage.input is not None
    assert (usage.input > 3, usage.output) == (True, 3)
    assert answer.cost == PRICE.cost(usage)


@streamed
def test_the_same_piece_many_times_over_is_an_answer(openai_site: Site, stream: bool) -> None:
    answer = openai_site.ask(Reply(text="----" * 300, pieces=300), stream=stream)

    assert answer.text == "----" * 300


def test_headers_and_organisation_are_sent(openai_site: Site) -> None:
    openai_site.ask(Reply(), headers={"X-Team": "maps"}, organization="org-1", project="proj-1")

    headers = openai_site.server.seen[0].headers
    assert (headers["x-team"], headers["openai-organization"], headers["openai-project"]) == ("maps", "org-1", "proj-1")


def test_several_keys_are_used_in_turn(openai_site: Site) -> None:
    backend = LiteLLM(openai_site.model(), keys=lambda: ("sk-first", "sk-second"))
    for _ in range(4):
        backend.complete(QUESTION, Control())

    used = [seen.key for seen in openai_site.server.seen]
    assert sorted(used[:2]) == ["sk-first", "sk-second"]
    assert used[:2] == used[2:]


@pytest.mark.parametrize("name", ["api_base", "api_key", "base_url", "fallbacks", "mock_response", "extra_headers"])
def test_no_parameter_can_move_the_call(openai_site: Site, name: str) -> None:
    error = openai_site.fail(request=Request(messages=MESSAGES, params={name: "http://127.0.0.1:1"}))

    assert isinstance(error, BadRequest)
    assert name in error.message
    assert openai_site.server.seen == []


def test_a_misspelt_parameter_is_met_with_the_right_one(openai_site: Site) -> None:
    error = openai_site.fail(request=Request(messages=MESSAGES, params={"temprature": 1}))

    assert error.hint == "did you mean 'temperature'?"


def test_a_parameter_that_the_model_refuses_is_named(openai_site: Site) -> None:
    error = openai_site.fail(request=Request(messages=MESSAGES, params={"temperature": 0.2}), model="openai/gpt-5-mini")

    assert isinstance(error, BadRequest)
    assert "temperature" in error.message


def test_a_grammar_is_for_local_tiers(openai_site: Site) -> None:
    error = openai_site.fail(request=Request(messages=MESSAGES, grammar="root ::= [a-z]"))

    assert error.message == "a hosted model takes no GBNF grammar"


def test_facts_come_from_the_catalogue_and_the_profile() -> None:
    def facts(**values: Any) -> Any:
        return LiteLLM(Model(name="m", backend="litellm", **values)).facts()

    known = facts(model="openai/gpt-5-mini")
    assert (known.provider, known.context_tokens, known.max_output_tokens) == ("openai", 272_000, 128_000)
    assert (known.price.input, known.price.output, known.is_local) == (Decimal("0.25"), Decimal(2), False)
    assert facts(model="openai/gpt-5-mini", context=8192).context_tokens == 8192
    assert facts(model="openai/nobody-knows-me").price is None
    assert facts(model="openai/gpt-5-mini", base_url="http://127.0.0.1:9/v1").price == known.price
    assert (facts(model="ollama_chat/qwen3").price, facts(model="ollama_chat/qwen3").is_local) == (FREE, True)
    assert facts(model="ollama/gpt-oss:120b-cloud").is_local is False
    assert facts(model="ollama/qwen3", base_url="http://10.0.0.7:11434").is_local is False


def test_a_conversation_is_sent_in_its_order(site: Site) -> None:
    turns = (Message("user", "one"), Message("assistant", "two"), Message("user", "three"))
    site.ask(Reply(), request=Request(messages=turns))

    sent = json.dumps(site.body)
    assert sent.index("one") < sent.index("two") < sent.index("three")


@streamed
@pytest.mark.parametrize(
    "text", ["Perú 🍋 \u4e16", "a\u2028b\u2029c\x85d\x0be\x1cf", 'data: {"x":1}\n\ndata: [DONE]\n\n', "\n\n \n"]
)
def test_every_character_arrives(site: Site, text: str, stream: bool) -> None:
    assert site.ask(Reply(text=text, pieces=len(text)), stream=stream).text == text

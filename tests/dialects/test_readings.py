"""Each reading by itself: nothing that a server may say makes it fall over, and refusals are understood."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.backends.dialects import anthropic, cohere, gemini, ollama, openai
from synapse_cli.backends.dialects.heard import Heard
from synapse_cli.backends.dialects.known import Hear, dialect
from synapse_cli.backends.litellm_package import client
from synapse_cli.backends.litellm_refused import refused
from synapse_cli.backends.litellm_wire import DONE, Wire, tapped
from synapse_cli.core.completion import Usage
from synapse_cli.core.errors import (
    BadAnswer,
    BadRequest,
    KeyRejected,
    RateLimited,
    ServerFailed,
    SynapseError,
    TimedOut,
)
from tests.servers import openai as openai_server
from tests.servers.base import Reply, serving

READINGS: dict[str, Hear] = {
    "openai": openai.hear,
    "anthropic": anthropic.hear,
    "gemini": gemini.hear,
    "cohere": cohere.hear,
    "ollama": ollama.hear,
}
WORDS = """choices delta message content text thinking tool_calls function name arguments finish_reason usage index
prompt_tokens completion_tokens details error code type message_start content_block content_block_delta partial_json
message_delta stop_reason candidates parts functionCall args usageMetadata promptTokenCount finishReason content-delta
message-end tool-call-delta billed_units input_tokens output_tokens cached_tokens cost total_tokens
done done_reason prompt_eval_count logprobs logprob token refusal reasoning""".split()  # noqa: SIM905  # a long list
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**12) | st.floats() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=25,
)


@pytest.mark.parametrize("name", READINGS)
@settings(max_examples=150, deadline=None)
@given(said=st.dictionaries(st.sampled_from(WORDS), values, max_size=6))
def test_nothing_that_a_server_says_makes_a_reading_fall_over(name: str, said: dict[str, Any]) -> None:
    heard = Heard()

    READINGS[name](heard, said)
    heard.close()

    assert isinstance(heard.text + heard.thinking + heard.refusal, str)
    assert heard.cost is None or heard.cost >= 0
    assert (heard.usage.input or 0) >= heard.usage.cached >= 0
    assert heard.reason is None or isinstance(heard.reason, str)
    assert all(isinstance(name_, str) and isinstance(text, str) for name_, text in heard.calls.values())


@pytest.mark.parametrize("pieces", [1, 2, 5, 40])
def test_what_a_model_thinks_between_marks_is_no_answer(pieces: int) -> None:
    """vLLM, llama-server, Ollama and Groq leave the marks in where no parser of theirs knows the model."""
    text = "<think>\nPeru has Lima.\n</think>\n\nLima, <b>it</b> is"
    heard = Heard()
    size = -(-len(text) // pieces)

    for start in range(0, len(text), size):
        openai.hear(heard, {"choices": [{"delta": {"content": text[start : start + size]}}]})
    heard.close()

    assert (heard.text, heard.thinking.strip()) == ("Lima, <b>it</b> is", "Peru has Lima.")


def test_xais_thoughts_are_added_once() -> None:
    heard = Heard()
    counts = {"prompt_tokens": 30, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 300}}

    openai.hear(heard, {"usage": {**counts, "total_tokens": 339, "cost_in_usd_ticks": 37_756_000}})

    assert (heard.usage, heard.cost) == (Usage(30, 309, reasoning=300), Decimal("0.0037756"))


def test_tokens_of_anthropics_start_stay_known_at_its_end() -> None:
    heard = Heard()
    start = {"input_tokens": 10, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 85, "output_tokens": 1}

    anthropic.hear(heard, {"type": "message_start", "message": {"usage": start}})
    anthropic.hear(
        heard, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}}
    )

    assert heard.usage == Usage(100, 20, cached=85, written=5)


def test_several_tool_calls_keep_their_places() -> None:
    heard = Heard()
    for index, piece in [(0, '{"a"'), (1, '{"b"'), (0, ": 1}"), (1, ": 2}")]:
        call = {"index": index, "function": {"name": None, "arguments": piece}}
        openai.hear(heard, {"choices": [{"delta": {"tool_calls": [call]}}]})

    assert [heard.calls[place][1] for place in (0, 1)] == ['{"a": 1}', '{"b": 2}']


@pytest.mark.parametrize(
    ("path", "hear"),
    [
        ("/v1/chat/completions", openai.hear),
        ("/openai/deployments/my-mini/chat/completions", openai.hear),
        ("/v1/messages", anthropic.hear),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/claude:streamRawPredict", anthropic.hear),
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent", gemini.hear),
        ("/v1/responses", None),
        ("/model/x/converse-stream", None),
        ("/api/generate", None),
    ],
)
def test_an_address_tells_the_dialect_or_leaves_it_to_litellm(path: str, hear: Hear | None) -> None:
    assert dialect(path) is hear


REFUSALS: list[tuple[int, object, type[SynapseError], str]] = [
    (400, {"error": {"message": "bad", "type": "x"}}, BadRequest, "bad"),
    (
        400,
        {"object": "error", "message": {"detail": [{"msg": "Extra inputs", "loc": ["x"]}]}},
        BadRequest,
        "Extra inputs",
    ),
    (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, BadRequest, "field required"),
    (401, {"detail": "Unauthorized"}, KeyRejected, "Unauthorized"),
    (401, {"error": "Unauthorized"}, KeyRejected, "Unauthorized"),
    (400, {"code": "Client specified an invalid argument", "error": "no such model"}, BadRequest, "no such model"),
    (
        400,
        [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}],
        KeyRejected,
        "API key",
    ),
    (402, {"error": {"message": "Insufficient Balance"}}, KeyRejected, "Insufficient Balance"),
    (403, {"error": {"code": 403, "message": "flagged", "metadata": {"reasons": ["hate"]}}}, BadRequest, "flagged"),
    (408, {"error": {"message": "slow"}}, TimedOut, "slow"),
    (429, {"error": {"code": "insufficient_quota", "message": "You exceeded your quota"}}, KeyRejected, "quota"),
    (429, {"message": "slow down"}, RateLimited, "slow down"),
    (499, {"message": "closed"}, ServerFailed, "closed"),
    (503, "<html><body>Bad Gateway</body></html>", ServerFailed, ""),
    (500, "", ServerFailed, ""),
    (502, "plain words", ServerFailed, "plain words"),
]


@pytest.mark.parametrize(("status", "body", "kind", "said"), REFUSALS)
def test_a_refusal_is_understood_wherever_its_sentence_stands(
    status: int, body: object, kind: type[SynapseError], said: str
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)

    error = refused(status, {}, text.encode(), "openai/x")

    assert (type(error), said in error.message, "\n" in error.message) == (kind, True, False)
    assert "<html>" not in error.message


def test_a_failure_without_a_word_tells_its_status() -> None:
    assert refused(500, {}, b"<html>oops", "openai/x").message == "openai/x failed (500)"
    assert refused(500, {}, b'{"error":{"message":"overheated"}}', "openai/x").message == "openai/x failed: overheated"


def test_498_is_a_key_at_cohere_and_a_full_house_at_groq() -> None:
    assert type(refused(498, {}, b'{"message":"invalid token"}', "cohere/command-a")) is KeyRejected
    assert type(refused(498, {}, b'{"error":{"message":"capacity"}}', "groq/x")) is ServerFailed


def test_googles_delay_stands_in_the_body() -> None:
    body = {"error": {"code": 429, "details": [{"retryDelay": "13s"}], "message": "slow"}}

    error = refused(429, {}, json.dumps(body).encode(), "gemini/x")

    assert getattr(error, "retry_after_s", None) == 13.0


def test_a_prompt_that_a_filter_stopped_says_so() -> None:
    body = {"error": {"code": "content_filter", "message": "The response was filtered", "innererror": {}}}

    error = refused(400, {}, json.dumps(body).encode(), "azure/x")

    assert error.hint == "the provider's filter stopped it: word it otherwise, or use another model"


@settings(max_examples=100, deadline=None)
@given(status=st.integers(300, 599), body=st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_every_refusal_is_one_line(status: int, body: bytes) -> None:
    error = refused(status, {"location": "http://a\r\nb"}, body, "openai/x", ("sk-secret-key",))

    assert "\n" not in error.message + error.hint
    assert len(error.message) < 2_000


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    with serving(openai_server, Reply(text="x" * 100_000, pieces=100)) as server:
        asking = client().client
        url = f"{server.url}/v1/chat/completions"
        for streams in (False, True):
            with tapped(Wire(5.0, most_bytes=20_000)), pytest.raises(BadAnswer, match="no end"):
                asking.post(url, json={"model": "m", "stream": streams})


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b'{"a": 1}', [{"a": 1}]),
        (b'{"a": 1}\n{"b": 2}\n', [{"a": 1}, {"b": 2}]),
        (b'data: {"a": 1}\n\ndata: [DONE]\n\n', [{"a": 1}, DONE]),
        (b': hello\r\nevent: x\r\nid: 7\r\ndata: {"a":\r\ndata: 1}\r\n\r\n', [{"a": 1}]),
        (b'data:{"a": 1}\n\ndata: {"b', [{"a": 1}]),
        (b'error: {"code":500}\n\n', [{"error": {"code": 500}}]),
        (b'data: {"a": "\xe2\x80\xa8"}\n\n', [{"a": "\u2028"}]),
    ],
)
def test_events_are_cut_where_the_standard_cuts_them(body: bytes, events: list[object]) -> None:
    import httpx

    for kind in ("text/event-stream", "application/json"):
        response = httpx.Response(200, headers={"content-type": kind}, content=iter([body[:5], body[5:]]))

        assert list(Wire(1.0, response=response).events()) == events


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=80) | st.text(max_size=60).map(str.encode))
def test_no_bytes_make_the_wire_fall_over(body: bytes) -> None:
    import httpx

    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=iter([body]))

    assert all(isinstance(event, dict) for event in Wire(1.0, response=response).events())

"""Vectors from a provider, over HTTP: what is sent, what is understood, and what goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from synapse_cli.backends.litellm_embed import LiteLLMEncoder
from synapse_cli.core.completion import Price
from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    BadAnswer,
    BadRequest,
    Interrupted,
    KeyMissing,
    KeyRejected,
    RateLimited,
    ServerFailed,
    SynapseError,
    TimedOut,
)
from synapse_cli.profile.model import Model
from tests.servers import openai
from tests.servers.base import Reply, Server, serving

pytestmark = pytest.mark.filterwarnings(r"ignore:Item '\w+' on TypedDict class:UserWarning")  # LiteLLM's own types
KEY = "sk-loopback-secret-1234567890"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(openai) as running:
        yield running


def encoder(server: Server, **settings: object) -> LiteLLMEncoder:
    model = Model(name="h", backend="encoder", model="openai/text-embedding-3-small", base_url=f"{server.url}/v1")
    return LiteLLMEncoder(replace(model, **settings), lambda: (KEY,))  # type: ignore[arg-type]


def test_the_texts_the_model_and_the_key_are_sent_and_nothing_else_is_asked(server: Server) -> None:
    encoder(server).encode(["one", "two"], Control())

    (seen,) = server.seen
    assert seen.path == "/v1/embeddings"
    assert seen.body == {"input": ["one", "two"], "model": "text-embedding-3-small", "encoding_format": "float"}
    assert seen.headers["authorization"] == f"Bearer {KEY}"


def test_dimensions_headers_organisation_and_project_are_sent(server: Server) -> None:
    made = encoder(server, dimensions=7, headers={"X-Team": "blue"}, organization="org-1", project="proj-1").encode(
        ["one"], Control()
    )

    (seen,) = server.seen
    assert (made.dimension, seen.body["dimensions"]) == (7, 7)
    assert seen.headers["x-team"] == "blue"
    assert seen.headers["openai-organization"] == "org-1"
    assert seen.headers["openai-project"] == "proj-1"


def test_another_servers_model_may_have_dimensions_too(server: Server) -> None:
    made = encoder(server, model="openai/nomic-embed-text", dimensions=5).encode(["one"], Control())

    assert made.dimension == 5


def test_tokens_and_money_are_counted_over_all_requests(server: Server) -> None:
    made = encoder(server, price=Price(Decimal("0.02"), Decimal(0))).encode(["a text"] * 200, Control())

    assert [len(seen.body["input"]) for seen in server.seen] == [96, 96, 8]
    assert made.usage.input == 3 * 11
    assert made.cost == Decimal(33) * Decimal("0.02") / 1_000_000


def test_the_catalogue_knows_the_price_and_an_unknown_one_is_unknown(server: Server) -> None:
    assert encoder(server).facts().price == Price(Decimal("0.02"), Decimal(0))
    assert encoder(server, model="mistral/mistral-embed").facts().price == Price(Decimal("0.1"), Decimal(0))
    made = encoder(server, model="openai/own-model").encode(["one"], Control())
    assert made.cost is None


def test_an_empty_text_is_sent_as_a_space(server: Server) -> None:
    assert len(encoder(server).encode([""], Control())) == 1
    assert server.seen[0].body["input"] == [" "]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(status=401, message="Incorrect API key provided: {key}"), KeyRejected),
        (Reply(status=429, retry_after="3"), RateLimited),
        (Reply(status=400), BadRequest),
        (Reply(status=404), BadRequest),
        (Reply(status=500), ServerFailed),
        (Reply(fault="reset"), ServerFailed),
        (Reply(fault="garbage"), SynapseError),
    ],
)
def test_a_failure_is_one_line_of_ours_without_the_key(server: Server, reply: Reply, error: type[SynapseError]) -> None:
    server.will(reply)

    with pytest.raises(error) as caught:
        encoder(server).encode(["one"], Control())

    assert len(server.seen) == 1
    assert "\n" not in caught.value.message
    assert KEY not in f"{caught.value.message} {caught.value.hint}"


def test_the_delay_that_a_provider_asks_for_is_heard(server: Server) -> None:
    server.will(Reply(status=429, retry_after="3"))

    with pytest.raises(RateLimited) as caught:
        encoder(server).encode(["one"], Control())

    assert caught.value.retry_after_s == 3


def test_a_provider_that_hangs_is_given_up_in_time_and_on_ctrl_c(server: Server) -> None:
    server.will(Reply(fault="hang"), Reply(fault="hang"))
    control = Control()
    threading.Timer(0.3, control.stop).start()

    with pytest.raises(Interrupted):
        encoder(server).encode(["one"], control)
    with pytest.raises(TimedOut):
        encoder(server, timeout_s=0.3).encode(["one"], Control())


def test_without_a_key_nothing_is_sent(server: Server) -> None:
    model = Model(name="h", backend="encoder", model="openai/text-embedding-3-small")

    with pytest.raises(KeyMissing):
        LiteLLMEncoder(model, tuple).encode(["one"], Control())

    assert server.seen == []


def test_vectors_that_are_too_few_are_no_answer() -> None:
    class Short(openai.Speaker):
        def vectors(self, reply: Reply, seen: object) -> dict[str, object]:
            made = super().vectors(reply, seen)  # type: ignore[arg-type]
            return {**made, "data": made["data"][:-1]}

    with serving(Short()) as server, pytest.raises(BadAnswer, match="1 vectors for 2 texts"):
        encoder(server).encode(["one", "two"], Control())


def test_vectors_out_of_order_are_put_in_order() -> None:
    class Shuffled(openai.Speaker):
        def vectors(self, reply: Reply, seen: object) -> dict[str, object]:
            made = super().vectors(reply, seen)  # type: ignore[arg-type]
            return {**made, "data": made["data"][::-1]}

    texts = ["one", "another", "x!"]
    with serving(Shuffled()) as odd, serving(openai) as plain:
        assert encoder(odd).encode(texts, Control()).packed == encoder(plain).encode(texts, Control()).packed

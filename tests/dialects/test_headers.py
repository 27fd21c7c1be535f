"""What goes along with a request: the user's own headers, organisation and project; and where it never goes."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from synapse_cli.backends.litellm import LiteLLM
from synapse_cli.backends.litellm_package import MOST_CLIENTS, package
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError, BadRequest
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model
from tests.dialects.dialects import DIALECTS, Dialect
from tests.dialects.place import CANARY, open_place
from tests.servers.base import Reply
from tests.servers.proxy import make_certificates, proxying

OPENAI, OPENROUTER = DIALECTS[0], next(dialect for dialect in DIALECTS if dialect.name == "OpenRouter")
HELLO = Request(messages=(Message("user", "hi"),))
SAYS_WHEN = [dialect for dialect in DIALECTS if dialect.name != "Gemini"]
"""Whose streams say that they are over; Gemini's just end."""
by_name = pytest.mark.parametrize("dialect", DIALECTS, ids=[dialect.name for dialect in DIALECTS])


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIALECT_KEY", CANARY)


@by_name
def test_headers_of_the_profile_reach_every_provider(dialect: Dialect, tmp_path: Path) -> None:
    with open_place(dialect, tmp_path) as place:
        place.ask(Reply(), keys={"headers": {"X-Team": "maps", "X-Cost-Center": "7"}})

        assert (place.seen.headers["x-team"], place.seen.headers["x-cost-center"]) == ("maps", "7")


@pytest.mark.parametrize("name", ["OpenAI", "Azure OpenAI", "llama-server"])
def test_organisation_and_project_are_told_to_who_knows_them(name: str, tmp_path: Path) -> None:
    dialect = next(dialect for dialect in DIALECTS if dialect.name == name)
    with open_place(dialect, tmp_path) as place:
        place.ask(Reply(), keys={"organization": "org-1", "project": "proj-1"})

        assert place.seen.headers["openai-project"] == "proj-1"
        if name != "Azure OpenAI":
            assert place.seen.headers["openai-organization"] == "org-1"


def test_openrouter_hears_who_asks_and_not_who_carries_it(tmp_path: Path) -> None:
    with open_place(OPENROUTER, tmp_path) as place:
        place.ask(Reply())

        assert place.seen.headers["x-title"] == "Synapse"
        assert "litellm.ai" not in json.dumps(place.seen.headers)


@by_name
def test_a_key_stands_in_its_one_header_and_nowhere_else(dialect: Dialect, tmp_path: Path) -> None:
    with open_place(dialect, tmp_path) as place:
        place.ask(Reply())

        header, before = dialect.key
        assert [name for name, value in place.seen.headers.items() if CANARY in value] == [header]
        assert place.seen.headers[header] == before + CANARY
        assert CANARY not in place.seen.path + json.dumps(place.seen.body)


@by_name
def test_a_redirect_is_an_error_that_names_the_place_and_the_key_does_not_follow(
    dialect: Dialect, tmp_path: Path
) -> None:
    with open_place(dialect, tmp_path) as place, _Redirecting(place.server.url) as url:
        error = _error(LiteLLM(_model(dialect, url), lambda: (CANARY,)))

        assert (type(error), place.server.seen) == (BadRequest, [])
        assert error.message.endswith(f"has moved to {place.server.url}/elsewhere")


def test_a_certificate_that_nobody_signed_is_said_plainly(tmp_path: Path) -> None:
    _, certificate = make_certificates(tmp_path, ["127.0.0.1"])
    with proxying(lambda _: {}, certificate, at_once=True) as server:
        url = server.url.replace("http:", "https:")
        model = Model(name="m", backend="litellm", model="openai/gpt-4o-mini", base_url=f"{url}/v1", timeout_s=10)

        error = _error(LiteLLM(model, lambda: (CANARY,)))

    assert (error.retryable, error.message) == (
        False,
        "openai/gpt-4o-mini failed: the certificate at its address is signed by nobody that is trusted here",
    )


@by_name
def test_a_connection_serves_the_next_call_too(dialect: Dialect, tmp_path: Path) -> None:
    """A warm host spares a handshake a call: what follows an answer is read to its end."""
    with open_place(dialect, tmp_path) as place:
        for streams in (True, False, True, True):
            place.call(Reply(keeps=True, chunked=True), stream=streams)
            _wait_until_idle()

        own = 1 if dialect.name == "Ollama" else 0  # LiteLLM asks it by itself what the model can
        assert place.server.connections - own == 1


@pytest.mark.parametrize("dialect", SAYS_WHEN, ids=[dialect.name for dialect in SAYS_WHEN])
def test_an_answer_does_not_wait_for_a_server_that_leaves_its_stream_open(dialect: Dialect, tmp_path: Path) -> None:
    with open_place(dialect, tmp_path) as place:
        answer, _ = place.call(Reply(text="Lima", lingers=True), stream=True)

        assert answer.text == "Lima"
        assert any(thread.name == "litellm m" for thread in threading.enumerate())  # still listening


def test_clients_do_not_pile_up_with_keys_addresses_and_deadlines(tmp_path: Path) -> None:
    """A host lives for days: whatever changes from call to call must not leave a client behind."""
    from time import monotonic

    litellm = package()
    with open_place(OPENAI, tmp_path) as place:
        place.server.will(Reply(text="Lima"))
        for turn in range(2 * MOST_CLIENTS):
            model = _model(OPENAI, place.server.url)
            backend = LiteLLM(model, lambda turn=turn: (f"sk-{turn:04}-of-many",))  # type: ignore[misc]
            backend.complete(HELLO, Control(monotonic() + 30 + turn))

    kept = litellm.in_memory_llm_clients_cache.cache_dict
    assert len(place.server.seen) == 2 * MOST_CLIENTS
    assert len(kept) <= MOST_CLIENTS
    assert {id(client._client) for client in kept.values()} == {id(litellm.client_session)}


def test_a_deadline_leaves_no_client_of_its_own(tmp_path: Path) -> None:
    from time import monotonic

    kept = package().in_memory_llm_clients_cache.cache_dict
    with open_place(OPENAI, tmp_path) as place:
        place.server.will(Reply(text="Lima"))
        backend = LiteLLM(_model(OPENAI, place.server.url), lambda: ("sk-one-key",))
        backend.complete(HELLO, Control())
        before = set(kept)
        for turn in range(5):
            backend.complete(HELLO, Control(monotonic() + 20 + turn))

    assert set(kept) == before


def _model(dialect: Dialect, url: str) -> Model:
    return Model(name="m", backend="litellm", model=dialect.model, base_url=url + dialect.base, timeout_s=10)


def _error(backend: LiteLLM) -> BackendError:
    with pytest.raises(BackendError) as caught:
        backend.complete(HELLO, Control())
    return caught.value


def _wait_until_idle() -> None:
    """The calls' threads end when they have read all that came."""
    for thread in threading.enumerate():
        if thread.name == "litellm m":
            thread.join(20)


class _Redirecting:
    """A server that sends everybody to another one."""

    def __init__(self, target: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(307)
                self.send_header("Location", f"{target}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is the base class's
                """Say nothing on stderr."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

"""Everything a provider can do wrong is one clear error of ours, after one request, without the key."""

from __future__ import annotations

import threading
import time
import traceback

import pytest

from synapse_cli.backends.litellm import LiteLLM
from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    BadAnswer,
    BadRequest,
    ClosedPipe,
    Exit,
    Interrupted,
    KeyMissing,
    KeyRejected,
    RateLimited,
    ServerFailed,
    SynapseError,
    TimedOut,
)
from synapse_cli.profile.model import Model
from tests.hosted.site import CANARY, QUESTION, Site
from tests.servers.base import Reply

streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])

STATUSES: list[tuple[int, type[SynapseError]]] = [
    (400, BadRequest),
    (401, KeyRejected),
    (402, KeyRejected),
    (403, KeyRejected),
    (404, BadRequest),
    (408, TimedOut),
    (413, BadRequest),
    (422, BadRequest),
    (429, RateLimited),
    (500, ServerFailed),
    (502, ServerFailed),
    (503, ServerFailed),
    (529, ServerFailed),
]


def _all_text(error: BaseException) -> str:
    chain = "".join(traceback.format_exception(error))
    return " ".join([chain, repr(error), str(error), repr(error.__dict__), repr(error.__cause__), repr(error.args)])


@streamed
@pytest.mark.parametrize(("status", "kind"), STATUSES, ids=[str(status) for status, _ in STATUSES])
def test_a_status_is_one_error_of_ours_without_the_key(
    site: Site, status: int, kind: type[SynapseError], stream: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    error = site.fail(Reply(status=status, message="no\nthanks, {key} is wrong"), stream=stream)

    assert type(error) is kind
    assert "thanks" in error.message
    assert "\n" not in error.message + error.hint
    assert CANARY[3:11] not in _all_text(error)
    assert len(site.server.seen) == 1
    assert capfd.readouterr() == ("", "")


@streamed
@pytest.mark.parametrize("status", [429, 503])
def test_the_delay_that_the_provider_asks_for_is_kept(site: Site, status: int, stream: bool) -> None:
    error = site.fail(Reply(status=status, retry_after="7"), stream=stream)

    assert getattr(error, "retry_after_s", None) == 7.0
    assert (error.exit_code, error.retryable) == (Exit.LATER, True)


def test_a_delay_may_be_a_date(openai_site: Site) -> None:
    from email.utils import formatdate

    error = openai_site.fail(Reply(status=429, retry_after=formatdate(time.time() + 30, usegmt=True)))

    assert 20 < getattr(error, "retry_after_s", 0) <= 30


def test_a_spent_quota_is_no_passing_trouble(openai_site: Site) -> None:
    error = openai_site.fail(
        Reply(status=429, message="You exceeded your current quota, please check your plan and billing details.")
    )

    assert type(error) is KeyRejected


@streamed
def test_a_prompt_that_is_too_long_is_said(site: Site, stream: bool) -> None:
    text = "This model's maximum context length is 10 tokens, but you sent 20"
    error = site.fail(Reply(status=400, message=text), stream=stream)

    assert isinstance(error, BadRequest)
    assert error.hint == "shorten the input, or use a model with a larger window"


@streamed
def test_a_connection_that_is_reset_is_a_failed_server(site: Site, stream: bool) -> None:
    assert type(site.fail(Reply(fault="reset"), stream=stream)) is ServerFailed


@streamed
def test_a_server_that_is_not_there_is_a_failed_server(site: Site, stream: bool) -> None:
    path = site.model().base_url
    assert path is not None

    error = site.fail(stream=stream, base_url=path.replace(str(site.server.port), "1"))

    assert type(error) is ServerFailed


def test_what_is_not_json_is_a_bad_answer(site: Site) -> None:
    assert type(site.fail(Reply(fault="garbage"))) is BadAnswer


def test_a_stream_that_is_not_one_is_no_answer(site: Site) -> None:
    error = site.fail(Reply(fault="garbage"), stream=True)

    assert error.kind in {"cut", "bad_answer"}


@streamed
def test_a_body_that_ends_early_is_no_answer(site: Site, stream: bool) -> None:
    assert site.fail(Reply(cut_after=120), stream=stream).kind in {"cut", "server", "bad_answer"}


def test_an_error_inside_a_stream_is_an_error(site: Site) -> None:
    error = site.fail(Reply(fault="error_event"), stream=True)

    assert error.retryable
    assert error.kind in {"server", "cut"}


@streamed
def test_a_server_that_says_nothing_is_left_at_the_models_timeout(site: Site, stream: bool) -> None:
    error = site.fail(Reply(fault="hang"), stream=stream, timeout_s=0.4)

    assert type(error) is TimedOut
    assert len(site.server.seen) == 1


@streamed
def test_a_runs_deadline_holds_against_a_server_that_drips(site: Site, stream: bool) -> None:
    site.server.will(Reply(drip_s=0.2))
    pieces: list[str] = []
    began = time.monotonic()

    with pytest.raises(TimedOut):
        site.backend().complete(QUESTION, Control(began + 1.0), pieces.append if stream else None)

    assert time.monotonic() - began < 5.0  # the body alone takes more than 20 s


@streamed
def test_a_stop_ends_the_wait(site: Site, stream: bool) -> None:
    site.server.will(Reply(fault="hang"))
    control = Control()
    threading.Timer(0.3, control.stop).start()

    with pytest.raises(Interrupted):
        site.backend().complete(QUESTION, control, (lambda _: None) if stream else None)


def test_what_the_reader_raises_ends_the_call(site: Site) -> None:
    site.server.will(Reply(pause_s=0.02, pieces=50))

    def gone(_: str) -> None:
        raise ClosedPipe("the reader went away")

    with pytest.raises(ClosedPipe):
        site.backend().complete(QUESTION, Control(), gone)


def test_calls_side_by_side_do_not_mix(site: Site) -> None:
    from concurrent.futures import ThreadPoolExecutor

    site.server.choose = lambda seen: Reply(text=f"for {seen.headers['x-turn']}", pieces=4)

    def ask(turn: int) -> str:
        pieces: list[str] = []
        backend = site.backend(headers={"X-Turn": str(turn)})
        return backend.complete(QUESTION, Control(), pieces.append).text

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(24))) == [f"for {turn}" for turn in range(24)]


def test_a_missing_key_is_said_before_anything_is_sent() -> None:
    backend = LiteLLM(Model(name="m", backend="litellm", model="openai/gpt-5-mini"), keys=lambda: ())

    with pytest.raises(KeyMissing) as caught:
        backend.complete(QUESTION, Control())

    assert "OPENAI_API_KEY" in caught.value.hint


@pytest.mark.parametrize("model", ["openai/gpt-5.1-codex", "openai/text-embedding-3-small"])
def test_a_model_that_does_not_chat_is_refused_before_anything_is_sent(openai_site: Site, model: str) -> None:
    error = openai_site.fail(model=model)

    assert isinstance(error, BadRequest)
    assert error.message.endswith("model, not a chat model")
    assert openai_site.server.seen == []


def test_an_unknown_provider_is_a_bad_request() -> None:
    backend = LiteLLM(Model(name="m", backend="litellm", model="nobody/knows"), keys=lambda: (CANARY,))

    with pytest.raises(BadRequest) as caught:
        backend.complete(QUESTION, Control())

    assert "nobody/knows" in caught.value.message

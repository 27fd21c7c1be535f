"""An Ollama on this machine is asked through LiteLLM like the others, and is local and free."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from synapse_cli.backends.litellm import LiteLLM
from synapse_cli.core.completion import Completion, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import SynapseError
from synapse_cli.profile.model import Model
from tests.hosted.site import QUESTION
from tests.servers import ollama
from tests.servers.base import Reply, Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(ollama) as running:
        yield running


def _ask(server: Server, *, stream: bool) -> Completion:
    backend = LiteLLM(Model(name="m", backend="litellm", model="ollama_chat/qwen3", base_url=server.url))
    pieces: list[str] = []
    answer = backend.complete(QUESTION, Control(), pieces.append if stream else None)
    assert "".join(pieces) == (answer.text if stream else "")
    return answer


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_answer_is_free_and_needs_no_key(server: Server, stream: bool) -> None:
    answer = _ask(server, stream=stream)

    (chat,) = [seen.body for seen in server.seen if seen.path == "/api/chat"]
    assert (answer.text, answer.usage, answer.cost) == (Reply().text, Usage(11, 7), Decimal(0))
    assert (chat["model"], [turn["role"] for turn in chat["messages"]]) == ("qwen3", ["system", "user"])


def test_a_cut_stream_is_no_answer(server: Server) -> None:
    _ask(server, stream=True)
    seen = next(seen for seen in server.seen if seen.path == "/api/chat")
    lines = ollama.events(Reply(), seen)
    length, last = len(b"".join(lines)), len(lines[-1])
    outcomes: dict[int, str] = {}
    final: list[str] = []

    for cut in sorted({*range(0, length, 29), *range(length - last - 2, length - last + 3), length - 2}):
        server.choose = lambda seen, cut=cut: Reply(cut_after=cut if seen.path == "/api/chat" else None)  # type: ignore[misc]
        try:
            outcomes[cut] = _ask(server, stream=True).text
        except SynapseError as error:
            final += [] if error.retryable else [f"{cut}: {error!r}"]

    assert len(lines) == 7
    assert (outcomes, final) == ({}, [])

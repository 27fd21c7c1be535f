"""A stream that is cut at any byte is never an answer, unless the provider's own last word had arrived."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from synapse_cli.core.completion import Completion, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.prompt import Message, Request
from tests.hosted.site import PRICE, QUESTION, Site
from tests.servers.base import Reply

TEXT = "Lima is the capital of Peru. It lies on the coast, and a third of all Peruvians live there. ¡Salud! 🍋"
REPLIES = {
    "openai": Reply(text=TEXT, pieces=7),
    "anthropic": Reply(text=TEXT * 3, pieces=10),
    "gemini": Reply(text=TEXT, pieces=9),
}
"""About 2,000 bytes of stream each."""
LAST_WORD = {
    "openai": rb'"finish_reason":"stop"',
    "anthropic": rb'"stop_reason":"end_turn"',
    "gemini": rb'"finishReason": "STOP"',
}
EVERY_OFFSET = os.environ.get("SYNAPSE_EVERY_OFFSET") == "1"
"""All offsets take a minute or more; else each one near the border of an event, and every seventh of the others."""


def _stream(site: Site) -> bytes:
    """The bytes of a whole stream, as they are sent."""
    site.ask(REPLIES[site.name], stream=True)
    return b"".join(site.server.dialect.events(REPLIES[site.name], site.server.seen[-1]))


def _offsets(stream: bytes) -> list[int]:
    if EVERY_OFFSET:
        return list(range(len(stream)))
    borders = [match.start() for match in re.finditer(rb"\n", stream)]
    near = {offset + step for offset in borders for step in range(-3, 4)}
    return sorted({*range(0, len(stream), 7), *(offset for offset in near if 0 <= offset < len(stream))})


def _outcomes(site: Site, offsets: list[int], *, chunked: bool) -> Iterator[tuple[int, Completion | SynapseError]]:
    reply = replace(REPLIES[site.name], chunked=chunked)
    site.server.choose = lambda seen: replace(
        reply, cut_after=int(re.findall(r"cut (\d+)\.", json.dumps(seen.body))[0])
    )
    backend = site.backend()

    def one(offset: int) -> tuple[int, Completion | SynapseError]:
        question = Request(messages=(Message("user", f"cut {offset}."),))
        pieces: list[str] = []
        try:
            answer = backend.complete(question, Control(), pieces.append)
        except SynapseError as error:
            return offset, error
        assert "".join(pieces) == answer.text
        return offset, answer

    with ThreadPoolExecutor(4) as pool:
        yield from pool.map(one, offsets)


@pytest.mark.parametrize("chunked", [False, True], ids=["ended", "framed"])
def test_no_cut_stream_is_taken_for_an_answer(site: Site, chunked: bool) -> None:
    stream = _stream(site)
    found = re.search(LAST_WORD[site.name], stream)
    assert found is not None
    event_end = stream.index(b"\n", found.end())
    accepted: list[int] = []

    for offset, outcome in _outcomes(site, _offsets(stream), chunked=chunked):
        if isinstance(outcome, Completion):
            accepted.append(offset)
            assert outcome.text == REPLIES[site.name].text
            assert outcome.finish == "stop"
        else:
            assert outcome.retryable, f"{offset}: {outcome!r}"
            assert outcome.kind in {"cut", "server"}

    assert 1900 <= len(stream) <= 2600
    assert [offset for offset in accepted if offset < found.end()] == []
    assert set(accepted) >= {offset for offset in _offsets(stream) if offset > event_end + 2}


def test_a_cut_after_the_last_word_leaves_the_tokens_to_be_estimated(openai_site: Site) -> None:
    stream = _stream(openai_site)
    found = re.search(LAST_WORD["openai"], stream)
    assert found is not None

    (_, answer), *_ = _outcomes(openai_site, [stream.index(b"\n\n", found.end()) + 2], chunked=False)

    assert isinstance(answer, Completion)
    assert (answer.text, answer.usage.estimated, answer.cost) == (TEXT, True, PRICE.cost(answer.usage))


def test_a_whole_stream_is_an_answer_with_its_tokens(site: Site) -> None:
    answer = site.ask(REPLIES[site.name], request=QUESTION, stream=True)

    assert (answer.text, answer.usage) == (REPLIES[site.name].text, Usage(11, 7))

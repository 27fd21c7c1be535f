"""What Synapse mends is still broken without it: once LiteLLM is right, its way round can go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from synapse_cli.backends.litellm_package import hush, package
from tests.dialects.dialects import DIALECTS, QUESTION
from tests.dialects.place import CANARY, Place, open_place
from tests.servers.base import Reply

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
LINES = "a\u2028b\x85c"
IN_REQUESTS = {"completion", "schema", "labels", "effort", "confidence"}
"""Cases that are mended in what is sent; those below are mended in what is heard."""
UNFINISHED = ("Gemini", "Mistral", "Cohere", "DeepSeek", "OpenRouter", "vLLM")
BROKEN_LINES = ("Anthropic", "Gemini", "Mistral", "DeepSeek", "Groq", "OpenRouter", "xAI", "vLLM")


@pytest.mark.parametrize("name", UNFINISHED)
def test_litellm_calls_an_unfinished_answer_whole(name: str, tmp_path: Path) -> None:
    assert _heard(name, Reply(finish="broken"), tmp_path)["reason"] == "stop"


@pytest.mark.parametrize("name", BROKEN_LINES)
def test_litellm_loses_characters_of_streams(name: str, tmp_path: Path) -> None:
    assert _heard(name, Reply(text=LINES, pieces=1), tmp_path, stream=True)["text"] != LINES


def test_litellm_keeps_the_last_of_mistrals_texts(tmp_path: Path) -> None:
    assert _heard("Mistral", Reply(text="Lima, it is", thinking="hm"), tmp_path)["text"] != "Lima, it is"


def test_litellm_cannot_read_coheres_streams(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="Error parsing chunk"):
        _heard("Cohere", Reply(), tmp_path, stream=True)


def test_litellm_drops_what_cohere_says(tmp_path: Path) -> None:
    heard = _heard("Cohere", Reply(thinking="hm", cached=4, finish="length"), tmp_path)

    assert (heard["reason"], heard["thinking"], heard["cached"]) == ("stop", None, None)


def test_litellm_drops_coheres_delay(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="loopback says 429") as caught:
        _heard("Cohere", Reply(status=429, retry_after="7"), tmp_path)

    assert "retry-after" not in {*(getattr(caught.value, "litellm_response_headers", None) or {})}


def test_litellm_gives_geminis_last_chunk_no_reason_of_its_own(tmp_path: Path) -> None:
    assert _heard("Gemini", Reply(finish="length"), tmp_path, stream=True)["received"] is None


def test_litellm_overhears_an_error_of_llama_server(tmp_path: Path) -> None:
    assert _heard("llama-server", Reply(fault="error_event"), tmp_path, stream=True)["reason"] == "stop"


def test_each_case_that_is_mended_in_what_is_heard_is_shown_above() -> None:
    shown = {
        *((name, "half") for name in UNFINISHED),
        *((name, "characters") for name in BROKEN_LINES),
        *(("Cohere", case) for case in ("stream", "tools", "thinking", "cached", "stops", "retry")),
        *(("Mistral", "thinking"), ("Gemini", "stops"), ("llama-server", "mid_stream")),
    }

    assert {(one.name, case) for one in DIALECTS for case in one.mended if case not in IN_REQUESTS} == shown


def _heard(name: str, reply: Reply, folder: Path, *, stream: bool = False) -> dict[str, Any]:
    """What LiteLLM by itself makes of an answer."""
    with open_place(BY_NAME[name], folder) as place, _let_go():
        place.server.will(reply)
        litellm = package()
        hush()
        answer = litellm.completion(
            model=place.dialect.model,
            messages=[{"role": "user", "content": QUESTION}],
            api_base=_address(place),
            api_key=CANARY,
            max_retries=0,
            stream=stream,
        )
        if stream:
            chunks = list(answer)
            choices = [choice for chunk in chunks for choice in chunk.choices[:1]]
            reasons = [choice.finish_reason for choice in choices if choice.finish_reason]
            text = "".join(choice.delta.content or "" for choice in choices)
            return {"text": text, "reason": reasons[-1], "received": answer.received_finish_reason}
        message = answer.choices[0].message
        details = answer.usage.prompt_tokens_details
        return {
            "text": message.content,
            "thinking": getattr(message, "reasoning_content", None),
            "reason": answer.choices[0].finish_reason,
            "cached": details and details.cached_tokens,
        }


@contextmanager
def _let_go() -> Iterator[None]:
    """Close what LiteLLM leaves half read: else httpcore does when Python tidies up, and may wait for its own lock."""
    heard: list[Any] = []
    hooks = package().client_session.event_hooks["response"]
    hooks.append(heard.append)
    try:
        yield
    finally:
        hooks.remove(heard.append)
        for response in heard:
            response.close()


def _address(place: Place) -> str:
    """LiteLLM asks Cohere's address as it is."""
    return place.server.url + (place.dialect.path if place.dialect.name == "Cohere" else place.dialect.base)

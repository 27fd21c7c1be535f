"""A provider's stream as it really came, where LiteLLM's reading of it loses something that counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from synapse_cli.backends.litellm_hear import Heard, hear_google, hear_refusal
from synapse_cli.backends.litellm_package import package


@lru_cache(maxsize=8)
def line_client(timeout_s: float) -> Any:
    """An HTTP client that ends lines where server-sent events do.

    That of httpx also ends them at U+0085, U+2028 and U+2029, which are text inside JSON: Gemini's answers
    lost those characters, and Anthropic's broke off. It also holds the timeout, which Gemini's streams ignore.
    Kept, because making one costs 20 ms of reading certificates.
    """
    client = package().HTTPHandler(timeout=timeout_s)
    client.client.event_hooks = {"response": [_end_lines_at_newlines]}
    return client


def _end_lines_at_newlines(response: Any) -> None:
    def lines() -> Iterator[str]:
        rest = ""
        for text in response.iter_text():
            *whole, rest = (rest + text).split("\n")
            yield from (line.removesuffix("\r") for line in whole)
        if rest:
            yield rest

    response.iter_lines = lines


def listen(stream: Any, heard: Heard) -> None:
    """Hear the provider's own chunks, before LiteLLM makes of them what it will."""
    fetch = stream.make_call
    if stream.completion_stream is None and fetch is not None:  # this provider is asked at the first `next`

        def fetched(client: object) -> object:
            raw = fetch(client=client)
            _listen_for_end(raw, heard)
            return raw

        stream.make_call = fetched
    elif hasattr(stream.completion_stream, "__next__"):
        stream.completion_stream = _with_refusals(stream.completion_stream, heard)


def _with_refusals(raw: Any, heard: Heard) -> Iterator[object]:
    """Note what an OpenAI model says in `delta.refusal`: LiteLLM drops a chunk that brings nothing else."""
    try:
        for chunk in raw:
            hear_refusal(heard, chunk)
            yield chunk
    finally:
        close(raw)


def _listen_for_end(raw: Any, heard: Heard) -> None:
    """Note Google's terminal reason where it arrives: LiteLLM gives each of its chunks the reason "stop"."""
    parse = getattr(raw, "chunk_parser", None)
    if parse is not None:

        def parsed(chunk: dict[str, Any]) -> object:
            hear_google(heard, chunk)
            return parse(chunk=chunk)

        raw.chunk_parser = parsed


def close(stream: Any) -> None:
    """Let the connection go, so that an abandoned call stops costing."""
    end = getattr(stream, "close", None)
    if end is not None:
        with suppress(Exception):
            end()

"""What came over the wire for one call: heard below LiteLLM, where nothing of it is lost yet."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from synapse_cli.backends.dialects import limits
from synapse_cli.core.errors import BadAnswer
from synapse_cli.core.prompt import Json
from synapse_cli.core.quota import Quota

DONE: dict[str, Json] = {"[DONE]": True}
"""Stands among the events for the mark that ends a stream."""
_here = threading.local()


@dataclass(slots=True)
class Wire:
    """The HTTP exchange of the call that this thread makes. LiteLLM sends; what comes back is kept here."""

    timeout_s: float
    headers: Mapping[str, str] = field(default_factory=dict)
    """What every request says besides; an empty one is not said at all."""
    most_bytes: int = 64_000_000
    """Of one answer: a server that sends without end must not fill the memory."""
    response: Any = None  # httpx.Response; typed where the package is imported, which is not here

    @property
    def failed(self) -> bool:
        """Whether the provider itself refused: what it said is in the response."""
        return self.response is not None and self.response.status_code >= 300

    @property
    def path(self) -> str:
        """The address that answered, without what follows its question mark."""
        return str(self.response.request.url.path) if self.response is not None else ""

    @property
    def quota(self) -> Quota:
        """What the provider said of its limits."""
        return limits.quota(self.response.headers) if self.response is not None else ()

    def body(self) -> bytes:
        """All that was answered; what is missing stays missing, as where the connection broke."""
        try:
            return bytes(self.response.read())
        except Exception:  # noqa: BLE001  # closed, or cut: the error that brought us here tells more
            return b""

    def events(self) -> Iterator[dict[str, Json]]:
        """Each JSON object of the answer as it arrives, and DONE."""
        response = self.response
        if response.is_stream_consumed or "application/json" in response.headers.get("content-type", ""):
            yield from _whole(response.read())
            return
        yield from _events(_lines(response.iter_bytes()))

    def close(self) -> None:
        """Let the connection go, so that an abandoned call stops costing."""
        if self.response is not None:
            self.response.close()


@contextmanager
def tapped(wire: Wire) -> Iterator[Wire]:
    """Listen to what this thread sends and hears; its requests wait no longer than `timeout_s` for each piece."""
    _here.wire = wire
    try:
        yield wire
    finally:
        _here.wire = None
        wire.close()


def drain(events: Iterator[object]) -> None:
    """Read what follows an answer that is already told, so that its connection serves the next call as well."""
    with suppress(Exception):
        for _ in events:
            pass


def tap(client: Any) -> Any:
    """Make an httpx.Client tell the call that uses it what it hears, and follow no redirect: keys would follow too."""
    client.event_hooks = {"request": [_sent], "response": [_heard]}
    client.follow_redirects = False
    return client


def _sent(request: Any) -> None:
    wire = getattr(_here, "wire", None)
    if wire is None:
        return
    # LiteLLM hands timeout and headers on to some providers' clients, and to others' not
    request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), wire.timeout_s)
    for name, value in wire.headers.items():
        if value:
            request.headers[name] = value
        elif name in request.headers:
            del request.headers[name]


def _heard(response: Any) -> None:
    wire = getattr(_here, "wire", None)
    if wire is not None:
        wire.response = response
        response.iter_bytes = _bounded(response.iter_bytes, wire.most_bytes)
        if wire.failed:
            response.read()  # LiteLLM closes what it refuses to read


def _bounded(pieces: Callable[..., Iterator[bytes]], most: int) -> Callable[..., Iterator[bytes]]:
    def bounded(*how: Any, **more: Any) -> Iterator[bytes]:
        total = 0
        for piece in pieces(*how, **more):
            total += len(piece)
            if total > most:
                raise BadAnswer("the answer has no end", "try again, or use another model")
            yield piece

    return bounded


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Cut at newlines only: httpx also cuts at U+0085, U+2028 and U+2029, which are text inside JSON."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n") if b"\n" in piece else (rest + piece,)
        yield from lines
    yield rest


def _events(lines: Iterator[bytes]) -> Iterator[dict[str, Json]]:
    """Server-sent events (their data may take several lines), or JSON lines; comments and names are passed over."""
    held = b""
    for line in (line.rstrip(b"\r") for line in lines):
        if line.startswith(b"data:"):
            held += line[5:].removeprefix(b" ")
        elif line.startswith(b"{"):
            held += line
        elif line.startswith(b"error: {"):  # llama-server's, before it was an event like the others
            held = b'{"error":' + line[7:] + b"}"
        elif not held or line:
            continue
        if held == b"[DONE]":
            yield DONE
            held = b""
        elif held:
            event = _parsed(held)
            if event is not None:
                yield event
                held = b""
            elif not line:
                held = b""


def _parsed(text: bytes) -> dict[str, Json] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _whole(text: bytes) -> Iterator[dict[str, Json]]:
    """The one object of an unstreamed answer; some servers call a stream by the same name."""
    value = _parsed(text)
    found = [value] if value is not None else list(_events(iter([*text.split(b"\n"), b""])))
    if not found:
        raise BadAnswer(
            "what came is not the JSON object that the provider's dialect asks for", "check the model's base_url"
        )
    yield from found

"""A loopback HTTP server that answers like a model provider, remembers what it was asked, and fails on demand."""

from __future__ import annotations

import argparse
import base64
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

FAULTS = ("hang", "reset", "garbage", "empty", "null", "error_event", "blocked")
"""What can go wrong besides a status: no answer, RST, not JSON, no choices, no content, an error inside the
stream, Gemini's blocked prompt."""


@dataclass(frozen=True)
class Reply:
    """What the server does with one request."""

    text: str = "A short answer from the loopback server."
    pieces: int = 6
    """Events that the text is spread over when it is streamed."""
    thinking: str = ""
    finish: str = "stop"
    """stop, length, refusal (the model's), filtered (the provider's), tool_calls or broken (it could not finish)."""
    tool: str = ""
    """Name of a tool to call instead of answering."""
    arguments: dict[str, Any] = field(default_factory=dict)
    tokens: tuple[int, int] = (11, 7)
    counts: bool = True
    """Whether tokens are reported at all (OpenAI's dialect; many servers that speak it do not)."""
    cached: int = 0
    reasoning: int = 0
    logprobs: tuple[tuple[str, float], ...] = ()
    status: int = 200
    fault: str = ""
    message: str = ""
    """Text of an error, in place of the usual one. `{key}` is replaced by the key that came with the request."""
    retry_after: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """Said besides, with answers and refusals."""
    cut_after: int | None = None
    """Bytes of body after which the connection ends."""
    keeps: bool = False
    """Whether the connection is kept for the next request."""
    lingers: bool = False
    """Whether a stream stays open when all has been said."""
    chunked: bool = False
    """Whether a stream is framed (a cut is then seen by HTTP itself) or ends with the connection."""
    delay_s: float = 0.0
    """Wait before the first byte of the head."""
    drip_s: float = 0.0
    """Wait between the bytes of the body."""
    pause_s: float = 0.0
    """Wait between the events of a stream."""


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    key: str

    @property
    def streaming(self) -> bool:
        """Whether a stream was asked for."""
        return bool(self.body.get("stream")) or "streamGenerateContent" in self.path


class Dialect(Protocol):
    """How one provider writes; a module of this folder."""

    def key(self, path: str, headers: dict[str, str]) -> str:
        """The key that came with a request."""
        ...

    def whole(self, reply: Reply, seen: Seen) -> dict[str, Any]:
        """The body of an unstreamed answer."""
        ...

    def events(self, reply: Reply, seen: Seen) -> list[bytes]:
        """The events of a streamed answer."""
        ...

    def problem(self, status: int, message: str) -> Any:
        """The body of an error."""
        ...

    def accepts(self, path: str) -> bool:
        """Whether the provider has this address."""
        ...


class Server:
    """A running server. `replies` are used in turn, the last one for ever; `choose` decides instead where it is set."""

    def __init__(self, dialect: Dialect, *replies: Reply, port: int = 0, log: str = "") -> None:
        self.dialect = dialect
        self.replies = list(replies) or [Reply()]
        self.choose: Callable[[Seen], Reply] | None = None
        self.seen: list[Seen] = []
        self.log = log
        self.connections = 0
        """How many clients have come, each with as many requests as it liked."""
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", port), self.handler())
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What answers each connection; a server that fails in ways of its own says otherwise."""
        return handler_of(self)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Server:
        """Listen in a thread."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop listening; what hangs is let go."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def will(self, *replies: Reply) -> None:
        """Answer in this way from now on, and forget what was seen."""
        with self._lock:
            self.replies = list(replies)
            self.choose = None
            self.seen.clear()

    def next_reply(self, seen: Seen) -> Reply:
        """Take note of a request, and decide its answer."""
        with self._lock:
            self.seen.append(seen)
            if self.log:
                with open(self.log, "a", encoding="utf-8") as log:
                    log.write(json.dumps({"path": seen.path, "headers": seen.headers, "body": seen.body}) + "\n")
            if self.choose is not None:
                return self.choose(seen)
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def serving(dialect: Dialect, *replies: Reply) -> Iterator[Server]:
    """A server for the length of a `with`."""
    server = Server(dialect, *replies).start()
    try:
        yield server
    finally:
        server.close()


def main(dialect: Dialect, argv: list[str]) -> None:
    """Serve from a command line: print the port, then answer until killed."""
    parser = argparse.ArgumentParser(description="a loopback model provider")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", default="", help="append each request to this file, as a JSON line")
    parser.add_argument("--reply", action="append", default=[], help="JSON of a Reply; several are used in turn")
    options = parser.parse_args(argv)
    replies = [reply_of(json.loads(text)) for text in options.reply]
    server = Server(dialect, *replies, port=options.port, log=options.log).start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        server.closing.wait()


def reply_of(values: dict[str, Any]) -> Reply:
    """A Reply from JSON."""
    known = {item.name for item in fields(Reply)}
    unknown = set(values) - known
    if unknown:
        raise SystemExit(f"no such field of a reply: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    for key in ("tokens", "logprobs", "headers"):
        if key in values:
            values[key] = tuple(tuple(item) if isinstance(item, list) else item for item in values[key])
    return Reply(**values)


def split(text: str, pieces: int) -> list[str]:
    """Cut a text into about as many pieces, none empty."""
    size = max(1, -(-len(text) // max(1, pieces)))
    return [text[start : start + size] for start in range(0, len(text), size)]


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients of these tests leave in the middle on purpose."""


def handler_of(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            server.connections += 1

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            key = server.dialect.key(self.path, headers)
            seen = Seen(self.path, headers, json.loads(raw or b"{}"), key)
            reply = server.next_reply(seen)
            self.close_connection = not reply.keeps
            if server.closing.wait(reply.delay_s):
                return
            if reply.fault == "hang":
                server.closing.wait()
            elif reply.fault == "reset":
                self._reset()
            elif not server.dialect.accepts(self.path):
                self._send(404, json.dumps({"error": {"message": f"no such address: {self.path}"}}).encode(), reply)
            else:
                self._answer(reply, seen)

        def _answer(self, reply: Reply, seen: Seen) -> None:
            if reply.status != 200:
                message = (reply.message or f"loopback says {reply.status}").replace("{key}", seen.key)
                body = json.dumps(server.dialect.problem(reply.status, message)).encode()
                self._send(reply.status, body, reply)
            elif reply.fault == "garbage":
                self._send(200, b"<html><body>502 from a gateway that says 200</body></html>", reply)
            elif seen.streaming:
                self._stream(server.dialect.events(reply, seen), reply)
            else:
                body = json.dumps(server.dialect.whole(reply, seen), ensure_ascii=False).encode()
                self._send(200, getattr(server.dialect, "AWAITED", b"") + body, reply)

        def _send(self, status: int, body: bytes, reply: Reply) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if not reply.keeps:
                self.send_header("Connection", "close")
            if reply.retry_after:
                self.send_header("Retry-After", reply.retry_after)
            self._say_more(reply)
            self.end_headers()
            self._body([body], reply)

        def _stream(self, events: list[bytes], reply: Reply) -> None:
            self.send_response(200)
            kind = getattr(server.dialect, "STREAM_TYPE", "text/event-stream; charset=utf-8")
            self.send_header("Content-Type", kind)
            if not reply.keeps:
                self.send_header("Connection", "close")
            if reply.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            self._say_more(reply)
            self.end_headers()
            self._body(events, reply)

        def _say_more(self, reply: Reply) -> None:
            for name, value in reply.headers:
                self.send_header(name, value)

        def _body(self, parts: list[bytes], reply: Reply) -> None:
            left = reply.cut_after
            framed = reply.chunked and len(parts) > 1
            for part in parts:
                if server.closing.wait(reply.pause_s):
                    return
                piece = part if left is None else part[:left]
                left = None if left is None else left - len(piece)
                self._write(piece, reply, framed=framed)
                if left == 0:
                    return
            if reply.lingers and len(parts) > 1:
                server.closing.wait()
            if framed:
                self.wfile.write(b"0\r\n\r\n")

        def _write(self, piece: bytes, reply: Reply, *, framed: bool) -> None:
            if framed and piece:
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            elif reply.drip_s:
                for byte in piece:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if server.closing.wait(reply.drip_s):
                        return
            else:
                self.wfile.write(piece)
            self.wfile.flush()

        def _reset(self) -> None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is the base class's
            """Say nothing on stderr."""

    return Handler


def embedding(text: str, size: int, form: str = "float") -> Any:
    """A vector that is the text's own, as numbers or as the base64 of its float32."""
    numbers = [1.0 + (sum(text.encode()) + 7 * place * len(text)) % 11 for place in range(size)]
    if form == "base64":
        return base64.b64encode(struct.pack(f"<{size}f", *numbers)).decode()
    return numbers


def stamp() -> int:
    """Seconds since 1970, as providers write them."""
    return int(time.time())

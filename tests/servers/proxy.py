"""A loopback proxy that forwards nothing: it answers for every host itself, in clear or behind a certificate."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request that came through."""

    host: str
    """Host and port of the CONNECT, or of the address itself where it came in clear."""
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Proxy:
    """A running proxy. `answer` decides what is said to each request."""

    port: int
    answer: Callable[[Asked], dict[str, Any]]
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address, for HTTP_PROXY and HTTPS_PROXY."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def proxying(
    answer: Callable[[Asked], dict[str, Any]],
    certificate: tuple[Path, Path] | None = None,
    *,
    at_once: bool = False,
) -> Iterator[Proxy]:
    """A proxy for the length of a `with`; `certificate` is what it shows for whatever host was asked for.

    With `at_once` it shows it to whoever comes: it is then no proxy, but the server itself.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = Proxy(int(listener.getsockname()[1]), answer)
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, certificate))
    threading.Thread(target=_accept, args=(listener, proxy, context, at_once), daemon=True).start()
    try:
        yield proxy
    finally:
        listener.close()


def make_certificates(folder: Path, hosts: Sequence[str]) -> tuple[Path, tuple[Path, Path]]:
    """An authority of one's own, and a certificate of these hosts with its key."""
    authority, key = folder / "authority.pem", folder / "authority.key"
    certificate, own = folder / "server.pem", folder / "server.key"
    names = ",".join(f"IP:{host}" if host[0].isdigit() else f"DNS:{host}" for host in hosts)
    (folder / "names").write_text(f"subjectAltName={names}\n")
    ask = ["req", "-newkey", "rsa:2048", "-nodes", "-subj"]
    _openssl(*ask, "/CN=loopback authority", "-x509", "-days", "2", "-keyout", key, "-out", authority)
    _openssl(*ask, "/CN=loopback", "-keyout", own, "-out", folder / "request")
    signed: list[str | Path] = [
        "-CA",
        authority,
        "-CAkey",
        key,
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        folder / "names",
    ]
    _openssl("x509", "-req", "-in", folder / "request", *signed, "-out", certificate)
    return authority, (certificate, own)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def _accept(listener: socket.socket, proxy: Proxy, context: ssl.SSLContext | None, at_once: bool) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, proxy, context, at_once), daemon=True).start()


def _serve(connection: socket.socket, proxy: Proxy, context: ssl.SSLContext | None, at_once: bool) -> None:
    with suppress(OSError), connection:
        if at_once and context is not None:
            connection = context.wrap_socket(connection, server_side=True)
        line, headers, body = _read(connection)
        _verb, target, _ = line.split(" ", 2)
        host = target
        if line.startswith("CONNECT"):
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            assert context is not None
            connection = context.wrap_socket(connection, server_side=True)
            line, headers, body = _read(connection)
            target = line.split(" ", 2)[1]
        elif "://" in target:
            host, _, path = target.partition("://")[2].partition("/")
            target = f"/{path}"
        asked = Asked(host, target, headers, json.loads(body or b"{}"))
        proxy.asked.append(asked)
        said = json.dumps(proxy.answer(asked)).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(said)}\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + said)
        connection.close()


def _read(connection: socket.socket) -> tuple[str, dict[str, str], bytes]:
    """The request's line, headers and body."""
    text = b""
    while b"\r\n\r\n" not in text:
        piece = connection.recv(65536)
        if not piece:
            raise OSError("closed")
        text += piece
    head, _, body = text.partition(b"\r\n\r\n")
    line, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
    while len(body) < int(headers.get("content-length") or 0):
        body += connection.recv(65536)
    return line, headers, body

"""A loopback Hugging Face hub: the wire format that huggingface_hub speaks, with faults on demand.

    GET  /api/models/OWNER/REPO[/revision/REV]?blobs=true     the repository at a commit, with sizes and LFS hashes
    HEAD, GET /OWNER/REPO/resolve/REV/FILE                    small files directly; LFS files by a redirect to storage
    GET  /storage/SHA256?signature=…                          another host in earnest: refuses an Authorization header

Written from the hub's documentation and its client: X-Repo-Commit, X-Linked-Etag, X-Linked-Size, X-Error-Code,
Accept-Ranges and Content-Range, RateLimit, 401 for what is private or missing, 403 for what is gated.
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

_LFS_FROM = 1000
"""Bytes from which a file is in LFS, as .gguf files always are on the hub."""


def oid(content: bytes) -> str:
    """Git's name of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@dataclass
class Repo:
    """A repository: its commits in order, each a set of files."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    licence: str = "apache-2.0"
    gated: bool = False
    private: bool = False
    announced: dict[str, int] = field(default_factory=dict)
    """Sizes that the hub tells in place of the real ones."""
    promised: dict[str, str] = field(default_factory=dict)
    """Hashes that the hub tells in place of the real ones."""

    def commit(self, **files: bytes) -> str:
        """Add a commit with these files over those of the one before; return its hash."""
        return self.add({name.replace("__", "."): content for name, content in files.items()})

    def add(self, files: dict[str, bytes]) -> str:
        """As `commit`, for names that are no identifiers."""
        whole = {**(list(self.commits.values())[-1] if self.commits else {}), **files}
        name = hashlib.sha1(repr(sorted(whole.items())).encode(), usedforsecurity=False).hexdigest()
        self.commits[name] = whole
        return name

    def resolve(self, revision: str) -> str | None:
        """The commit that a revision means."""
        if revision == "main":
            return list(self.commits)[-1]
        return self.tags.get(revision) or (revision if revision in self.commits else None)


@dataclass
class Faults:
    """What goes wrong, in turn or always."""

    cuts: list[int] = field(default_factory=list)
    """Absolute offsets of the file at which the connection ends, each once."""
    status: int = 0
    """Answered to everything while it is set."""
    times: int = 0
    """How often the status is answered; 0 is always."""
    headers: dict[str, str] = field(default_factory=dict)
    ignores_ranges: bool = False
    garbage: bool = False
    slow_s: float = 0.0
    """Wait between the pieces of a body."""


@dataclass(frozen=True)
class Seen:
    """One request."""

    method: str
    path: str
    range: str
    token: str


class Hub:
    """A running hub."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.repos: dict[str, Repo] = {}
        self.token = "hf_right"
        self.tells_hashes = True
        """Whether the list of files has what proves them; a poor mirror's has not."""
        self.faults = Faults()
        self.seen: list[Seen] = []
        self.sent = 0
        """Bytes of bodies of files."""
        self.files: dict[str, bytes] = {}
        """Plain files by path, of no repository."""
        self.closing = threading.Event()
        self._http = _Http(("127.0.0.1", 0), _handler(self))
        self.scheme = "http"
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
            self.scheme = "https"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What HF_ENDPOINT should be."""
        return f"{self.scheme}://127.0.0.1:{self._http.server_address[1]}"

    @property
    def storage(self) -> str:
        """The same server by another name, so that redirects lead to another host."""
        return f"{self.scheme}://localhost:{self._http.server_address[1]}"

    def repo(self, name: str, **more: Any) -> Repo:
        """Make a repository."""
        return self.repos.setdefault(name, Repo(**more))

    def asked(self, pattern: str) -> list[Seen]:
        """The requests whose `METHOD PATH` matches."""
        return [seen for seen in self.seen if re.search(pattern, f"{seen.method} {seen.path}")]

    def close(self) -> None:
        """Stop listening; what hangs is let go."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def hub(tls: ssl.SSLContext | None = None) -> Iterator[Hub]:
    """A hub for the length of a `with`."""
    server = Hub(tls)
    try:
        yield server
    finally:
        server.close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients of these tests leave in the middle on purpose."""


def _handler(server: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._route()

        def do_GET(self) -> None:
            self._route()

        def _route(self) -> None:
            self.token = self.headers.get("authorization", "").removeprefix("Bearer ")
            server.seen.append(Seen(self.command, self.path, self.headers.get("range", ""), self.token))
            path = unquote(urlsplit(self.path).path)
            faults = server.faults
            if faults.status:
                status, faults.times = faults.status, faults.times - 1
                if faults.times == 0:
                    faults.status = 0
                self._json(status, {"error": f"loopback says {status}"}, **faults.headers)
            elif faults.garbage:
                self._send(200, b"<html>a proxy's own page</html>", {"Content-Type": "text/html"})
            elif path in server.files:
                self._bytes(server.files[path], {"ETag": '"plain"'})
            elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
                self._model(found[1], found[2] or "main")
            elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
                self._resolve(found[1], found[2], found[3])
            elif found := re.fullmatch(r"/storage/([0-9a-f]{64})", path):
                self._stored(found[1])
            else:
                self._json(404, {"error": "Sorry, we can't find the page you are looking for."})

        def _repo(self, name: str, revision: str) -> tuple[Repo, str] | None:
            """The repository and commit, or None once the error is sent."""
            repo = server.repos.get(name)
            if self.token and self.token != server.token:
                self._json(
                    401,
                    {"error": "Invalid username or password."},
                    **{"X-Error-Message": "Invalid credentials in Authorization header"},
                )
            elif repo is None or (repo.private and not self.token):  # as the hub does: 401 without a token, else 404
                error = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}
                unknown = {"X-Error-Message": "Invalid username or password."}
                told = error if self.token else unknown
                self._json(404 if self.token else 401, {"error": told["X-Error-Message"]}, **told)
            elif (commit := repo.resolve(revision)) is None:
                error = {"X-Error-Code": "RevisionNotFound", "X-Error-Message": f"Invalid rev id: {revision}"}
                self._json(404, {"error": f"Invalid rev id: {revision}"}, **error)
            else:
                return repo, commit
            return None

        def _model(self, name: str, revision: str) -> None:
            found = self._repo(name, revision)
            if found is None:
                return
            repo, commit = found
            blobs = "blobs=true" in self.path.casefold() and server.tells_hashes
            siblings = [_sibling(repo, each, content, blobs) for each, content in sorted(repo.commits[commit].items())]
            self._json(
                200,
                {
                    "_id": "0123456789abcdef01234567",
                    "id": name,
                    "modelId": name,
                    "author": name.partition("/")[0],
                    "sha": commit,
                    "lastModified": "2025-01-01T00:00:00.000Z",
                    "private": repo.private,
                    "disabled": False,
                    "gated": "manual" if repo.gated else False,
                    "tags": ["gguf", f"license:{repo.licence}", "region:us"],
                    "downloads": 1,
                    "likes": 1,
                    "siblings": siblings,
                    "createdAt": "2025-01-01T00:00:00.000Z",
                },
            )

        def _resolve(self, name: str, revision: str, file: str) -> None:
            found = self._repo(name, revision)
            if found is None:
                return
            repo, commit = found
            content = repo.commits[commit].get(file)
            head = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
            if repo.gated and self.token != server.token:
                message = f"Access to model {name} is restricted. You must have access to it and be authenticated."
                refusal = {"X-Error-Code": "GatedRepo", "X-Error-Message": message}
                self._json(403 if self.token else 401, {"error": message}, **refusal)
            elif content is None:
                error = {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}
                self._json(404, {"error": "Entry not found"}, **error, **head)
            elif len(content) < _LFS_FROM and not file.endswith(".gguf"):
                self._bytes(content, {**head, "ETag": f'"{oid(content)}"'})
            else:
                sha256 = hashlib.sha256(content).hexdigest()
                head |= {"X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(len(content))}
                head["Location"] = f"{server.storage}/storage/{sha256}?X-Amz-Signature=loopback"
                self._send(302, b"Found. Redirecting", {**head, "Content-Type": "text/plain"})

        def _stored(self, sha256: str) -> None:
            whole = {
                hashlib.sha256(c).hexdigest(): c
                for r in server.repos.values()
                for f in r.commits.values()
                for c in f.values()
            }
            if self.token:  # a signed address with a second way to authenticate: S3 answers 400
                self._json(400, {"error": "Only one auth mechanism allowed"})
            elif sha256 not in whole:
                self._json(404, {"error": "no such key"})
            else:
                self._bytes(whole[sha256], {"ETag": f'"{sha256}"', "Accept-Ranges": "bytes"})

        def _bytes(self, content: bytes, head: dict[str, str]) -> None:
            """A file's bytes, from where a range asks, until a cut."""
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
            start = int(asked[1]) if asked and not server.faults.ignores_ranges else 0
            if start and start >= len(content):
                self._send(416, b"", {**head, "Content-Range": f"bytes */{len(content)}"})
                return
            self.send_response(206 if asked and not server.faults.ignores_ranges else 200)
            if asked and not server.faults.ignores_ranges:
                head["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            for name, value in {**head, "Content-Length": str(len(content) - start)}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self._body(content, start)

        def _body(self, content: bytes, start: int) -> None:
            at, piece = start, 16_384
            while at < len(content):
                cut = min((c for c in server.faults.cuts if at <= c < at + piece), default=None)
                end = len(content) if cut is None else cut
                chunk = content[at : min(at + piece, end)]
                self.wfile.write(chunk)
                self.wfile.flush()
                server.sent += len(chunk)
                at += len(chunk)
                if cut is not None and at == cut:
                    server.faults.cuts.remove(cut)
                    self.close_connection = True
                    self.connection.shutdown(2)
                    return
                if server.faults.slow_s and server.closing.wait(server.faults.slow_s):
                    return

        def _json(self, status: int, value: dict[str, Any], **head: str) -> None:
            self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json", **head})

        def _send(self, status: int, body: bytes, head: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**head, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is the base class's
            """Say nothing on stderr."""

    return Handler


def _sibling(repo: Repo, name: str, content: bytes, blobs: bool) -> dict[str, Any]:
    """A file as the repository's list tells it."""
    if not blobs:
        return {"rfilename": name}
    size = repo.announced.get(name, len(content))
    told: dict[str, Any] = {"rfilename": name, "size": size, "blobId": oid(content)}
    if len(content) >= _LFS_FROM or name.endswith(".gguf"):
        sha256 = repo.promised.get(name) or hashlib.sha256(content).hexdigest()
        told["lfs"] = {"sha256": sha256, "size": size, "pointerSize": 135}
    return told

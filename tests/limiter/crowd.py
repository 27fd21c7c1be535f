"""Many light processes that ask one loopback provider through the limiter, and a provider that answers 429."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from synapse_cli.cascade.limited import Limited
from synapse_cli.cascade.limiter import Access, Limiter
from synapse_cli.cascade.pace_file import PaceFile, Provider
from synapse_cli.core.clock import SystemClock
from synapse_cli.core.completion import Completion, Count, Facts, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import RateLimited
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Limits

QUESTION = Request(messages=(Message("user", "a question"),))
PATIENT = Limits(max_wait_s=300.0)
ACCESS = Access(Provider("loopback"), "env:KEY", "model")

Answer = Callable[[float, int], bool]
"""Whether a request is answered, by the seconds since the first one and how many came within this second."""


@dataclass
class Provider429:
    """A provider that answers 429 with `Retry-After` to what it will not answer."""

    answers: Answer
    retry_after_s: float = 1.0
    latency_s: float = 0.0
    seen: list[tuple[float, int]] = field(default_factory=list)
    """When each request came, and its status."""
    most_at_once: int = 0
    at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def status(self) -> int:
        """Take note of a request, and decide."""
        with self._lock:
            now = time.time()
            since = now - self.seen[0][0] if self.seen else 0.0
            second = int(since)
            first = self.seen[0][0] if self.seen else now
            before = sum(int(at - first) == second for at, _ in self.seen)
            status = 200 if self.answers(since, before) else 429
            self.seen.append((now, status))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.latency_s if status == 200 else 0)
        with self._lock:
            self.at_once -= 1
        return status

    def count(self, status: int) -> int:
        """How many requests were answered so."""
        return sum(each == status for _, each in self.seen)


class Asked:
    """A backend over plain HTTP, without LiteLLM; it notes when it sent, and what it was told until when."""

    def __init__(self, port: int, log: Path) -> None:
        self._port = port
        self._log = log

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Ask once."""
        sent_at = time.time()
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        line.request("POST", "/", b"{}")
        response = line.getresponse()
        response.read()
        line.close()
        self.note(sent=sent_at)
        if response.status == 429:
            raise RateLimited("too many", retry_after_s=float(response.headers["Retry-After"]))
        return Completion(text="an answer", finish="stop", usage=Usage(10, 5), cost=None)

    def note(self, **what: float) -> None:
        """Write a line that is whole, whoever else writes."""
        with open(self._log, "a", encoding="utf-8") as log:
            log.write(json.dumps(what) + "\n")

    def facts(self) -> Facts:
        """What is known of it."""
        return Facts(is_local=False, provider="loopback", price=None)

    def count(self, messages: Sequence[Message]) -> Count:
        """Not asked here."""
        return Count(1, estimated=True)


@dataclass(frozen=True)
class Outcome:
    """How it went for all of them."""

    answered: int
    requests: int
    refused: int
    early: int
    """Requests that were sent after all could know that they had to wait, and before the time was over."""
    cpu_s: float
    wall_s: float

    @property
    def per_success(self) -> float:
        """Requests for each answer."""
        return self.requests / max(1, self.answered)


def crowd(folder: Path, provider: Provider429, *, processes: int, calls: int = 1, limits: Limits = PATIENT) -> Outcome:
    """Let so many processes ask at once until each has its answers."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log.jsonl"
    log.touch()
    with serving(provider) as port:
        began, cpu = time.monotonic(), os.times()
        children = [_child(folder, port, log, calls, limits) for _ in range(processes)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        wall_s, after = time.monotonic() - began, os.times()
    notes = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return Outcome(
        answered=sum(code == 0 for code in codes) * calls,
        requests=len(provider.seen),
        refused=provider.count(429),
        early=_early(notes),
        cpu_s=after.children_user + after.children_system - cpu.children_user - cpu.children_system,
        wall_s=wall_s,
    )


@contextmanager
def serving(provider: Provider429) -> Iterator[int]:
    """The provider at a port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            status = provider.status()
            self.send_response(status)
            self.send_header("Content-Length", "0")
            if status == 429:
                self.send_header("Retry-After", f"{provider.retry_after_s:g}")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is the base class's
            """Say nothing."""

    class Http(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

    http = Http(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield int(http.server_address[1])
    finally:
        http.shutdown()
        http.server_close()


def _child(folder: Path, port: int, log: Path, calls: int, limits: Limits) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        _ask(folder, port, log, calls, limits)
        code = 0
    finally:
        os._exit(code)


def _ask(folder: Path, port: int, log: Path, calls: int, limits: Limits) -> None:
    def warn(message: str) -> None:
        raise AssertionError(message)

    clock = SystemClock()
    limiter = Limiter(PaceFile(folder, warn=warn, clock=clock), clock)
    asked = Asked(port, log)
    limited = Limited(asked, lambda tokens, control: limiter.take(ACCESS, tokens, limits, control, lambda *_: None))
    for _ in range(calls):
        while True:
            try:
                limited.complete(QUESTION, Control())
                break
            except RateLimited as told:
                now = time.time()
                asked.note(told=now, until=now + (told.retry_after_s or 0))


def _early(notes: list[dict[str, float]]) -> int:
    """Requests sent after a 429 was written down for all (`told`), and before `until`."""
    holds = [(note["told"], note["until"]) for note in notes if "told" in note]
    sent = [note["sent"] for note in notes if "sent" in note]
    return sum(any(told < at < until - _SLACK_S for told, until in holds) for at in sent)


_SLACK_S = 0.05
"""`until` is reckoned here a moment after the limiter did, on a machine with more processes than cores."""

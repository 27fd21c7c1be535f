"""A loopback provider that fails on demand, counts what reaches it, and can be told to fail otherwise while it runs.

    python -m tests.chaos.provider --faults all=0.3 --seed 7
    curl localhost:PORT/chaos                                    what has reached it so far
    curl localhost:PORT/chaos -d '{"faults": "429:1=0.5"}'       fail in another way from now on

Each answer carries a proof of the model and prompt that it was made for, at both ends: what was cut, mixed up or made
up does not have it. Which request fails how depends on the seed, the prompt and how often it came, not on the order in
which processes happen to ask.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.chaos.faults import OWN, Rates, draw, parse, spoil
from tests.servers import anthropic, openai
from tests.servers.base import Dialect, Reply, Seen, Server, handler_of

DIALECTS: dict[str, Dialect] = {"openai": openai, "anthropic": anthropic}
HUGE = 64 * 1024 * 1024
"""Bytes of a body that nobody should read to its end."""


@dataclass(frozen=True)
class Arrival:
    """One request: when it came, when it was answered, for which key and prompt, and what was done to it."""

    at: float
    key: str
    prompt: str
    fault: str
    told: float | None = None
    """Before when it was not to come again, where a Retry-After said so (seconds since 1970)."""


def proof(model: str, prompt: str) -> str:
    """The only right answer to a prompt."""
    mark = hashlib.sha256(f"{model}\0{prompt}".encode()).hexdigest()[:16]
    return f"begin {mark} these are some words — “naïve” 字 — of an answer end {mark}"


def tokens_of(prompt: str) -> tuple[int, int]:
    """Tokens that an answer to this prompt is billed for: different ones for different prompts, so that sums tell."""
    digest = hashlib.sha256(prompt.encode()).digest()
    return 10 + digest[0], 5 + digest[1] % 64


class Provider(Server):
    """A server whose answers are proofs, and which fails at the rates it was told."""

    def __init__(self, dialect: str = "openai", faults: str = "", *, seed: int = 0, delay_s: float = 0.0) -> None:
        self.faults: Rates = parse(faults)
        self.seed = seed
        self.delay_s = delay_s
        self.rejects: frozenset[str] = frozenset()
        """Keys that are answered with 401."""
        self.arrivals: list[Arrival] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.times: Counter[str] = Counter()
        """How often each prompt came."""
        self._noting = threading.Lock()
        super().__init__(DIALECTS[dialect])

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """The handler of tests/servers, with more ways to fail and an address for control."""
        return _handler(self, handler_of(self))

    def next_reply(self, seen: Seen) -> Reply:
        """Take note of a request, and decide what becomes of it."""
        prompt = _prompt(seen.body)
        with self._noting:
            self.times[prompt] += 1
            chance = random.Random(f"{self.seed}:{prompt}:{self.times[prompt]}")
            fault = "401" if seen.key in self.rejects else draw(self.faults, chance)
            pause = fault.partition(":")[2]
            now = time.time()
            self.arrivals.append(Arrival(now, seen.key, prompt, fault, now + float(pause) if pause else None))
        text = proof(str(seen.body.get("model", "")), prompt)
        whole = Reply(text=text, tokens=tokens_of(prompt), keeps=chance.random() < 0.7, delay_s=self.delay_s)
        whole = Reply(**{**vars(whole), "chunked": whole.keeps})  # a stream that is not framed ends its connection
        return spoil(whole, fault, chance) if fault else whole

    def tune(self, wishes: dict[str, Any]) -> None:
        """Change what is wished: `faults`, `seed`, `delay_s`, keys it `rejects`; `forget` what was counted."""
        with self._noting:
            if "faults" in wishes:
                self.faults = parse(wishes["faults"])
            self.seed = int(wishes.get("seed", self.seed))
            self.delay_s = float(wishes.get("delay_s", self.delay_s))
            self.rejects = frozenset(wishes.get("rejects", self.rejects))
            if wishes.get("forget"):
                self.arrivals.clear()
                self.times.clear()
                self.most_in_flight = self.in_flight

    def told(self) -> dict[str, Any]:
        """What has reached it."""
        with self._noting:
            done = Counter(arrival.fault or "well" for arrival in self.arrivals)
            return {
                "requests": len(self.arrivals),
                "prompts": len(self.times),
                "most_in_flight": self.most_in_flight,
                "early": len(early(self.arrivals)),
                "done": dict(sorted(done.items())),
            }

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Count a request while it is being answered."""
        with self._noting:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            yield
        finally:
            with self._noting:
                self.in_flight -= 1


def early(arrivals: list[Arrival], *, on_its_way_s: float = 0.25) -> list[Arrival]:
    """Requests that came before their key may: the told prompt itself at all, another one from a moment later on."""
    told: dict[str, tuple[float, float, str]] = {}
    found = []
    for one in arrivals:
        since, until, prompt = told.get(one.key, (0.0, 0.0, ""))
        if one.at < until and (one.prompt == prompt or one.at > since + on_its_way_s):
            found.append(one)
        if one.told is not None and one.told > until:
            told[one.key] = (one.at, one.told, one.prompt)
    return found


@contextmanager
def providing(dialect: str = "openai", faults: str = "", **options: Any) -> Iterator[Provider]:
    """A provider for the length of a `with`."""
    provider = Provider(dialect, faults, **options)
    provider.start()
    try:
        yield provider
    finally:
        provider.close()


def main(argv: list[str]) -> None:
    """Serve until killed: print the port, then answer."""
    parser = argparse.ArgumentParser(description="a loopback model provider that fails on demand")
    parser.add_argument("--dialect", choices=sorted(DIALECTS), default="openai")
    parser.add_argument("--faults", default="", help="such as all=0.3 or 429:2=0.1,hang=0.05")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    options = parser.parse_args(argv)
    provider = Provider(options.dialect, options.faults, seed=options.seed, delay_s=options.delay)
    provider.start()
    sys.stdout.write(f"{provider.port}\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        provider.closing.wait()


def _prompt(body: dict[str, Any]) -> str:
    """The last message, in either dialect."""
    content = (body.get("messages") or [{}])[-1].get("content", "")
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _handler(provider: Provider, base: type[BaseHTTPRequestHandler]) -> type[BaseHTTPRequestHandler]:
    class Handler(base):  # type: ignore[misc, valid-type]  # which class it is depends on the server
        def do_GET(self) -> None:  # noqa: N802  # the base class's name
            if self.path == "/chaos/log":
                self._tell([vars(arrival) for arrival in provider.arrivals])
            else:
                self._tell(provider.told())

        def do_POST(self) -> None:  # noqa: N802
            if self.path == "/chaos":
                provider.tune(json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}"))
                self._tell(provider.told())
                return
            with provider.holding():
                super().do_POST()

        def _answer(self, reply: Reply, seen: Seen) -> None:
            if reply.fault not in OWN:
                super()._answer(reply, seen)
            elif reply.fault == "silent":
                self._until_left()
            elif reply.fault == "head":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Ty")
            elif reply.fault == "wrong":
                self._send(200, b'{"detail": ["this is JSON", {"and": "no answer"}], "choices": 7}', reply)
            elif reply.fault == "huge":
                self._huge()

        def _until_left(self) -> None:
            """Say nothing for as long as somebody waits."""
            while not provider.closing.wait(0.1):
                try:
                    if not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                        return
                except BlockingIOError:
                    continue
                except OSError:
                    return

        def _huge(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
            for _ in range(HUGE // 65536):
                self.wfile.write(b'{"a": "' + b"x" * 65529)

        def _tell(self, value: object) -> None:
            self.close_connection = True
            self._send(200, json.dumps(value, ensure_ascii=False).encode() + b"\n", Reply())

    return Handler


if __name__ == "__main__":
    main(sys.argv[1:])

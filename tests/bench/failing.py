"""What do providers that fail cost: requests that reach them, and time? Beside what LiteLLM makes of the same.

    python -m tests.bench.failing [RUNS]

Real commands through a warm host, real HTTP on loopback; the half-open circuit is met by eight processes at one
instant, twenty times. Requests are counted at the server.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.resilience.crowd import probed
from tests.servers import openai
from tests.servers.base import Reply, serving

SYNAPSE = str(Path(sys.executable).with_name("synapse"))
MODEL = """[models.{name}]
backend = "litellm"
model = "openai/{name}"
base_url = "{url}/v1"
"""
ROUTE = """[cascades.all]
tiers = {tiers}
[routes.default]
use = "all"
"""
MOST = 6
MOST_S = 10.0


def main(runs: int) -> int:
    """Print the figures; return 1 where one is missed."""
    missed = 0
    with tempfile.TemporaryDirectory(prefix="syn-") as name:
        folder = Path(name)
        for told, count in (("500", _of_500), ("refused connections", _of_refusals)):
            for way, together in (("at once", runs), ("eight at a time", 8), ("one by one", 1)):
                reached, codes = count(folder, runs, together)
                missed += _say(f"{runs} runs, {told}, {way}: requests", reached, MOST, f"exit codes {dict(codes)}")
        reached, codes = _of_a_death(folder, runs)
        missed += _say(f"{runs} runs at once, answered before: requests", reached, None, f"exit codes {dict(codes)}")
        missed += _cascade(folder)
        missed += _half_open(folder)
        _litellm(runs)
    return 1 if missed else 0


def _of_500(folder: Path, runs: int, together: int) -> tuple[int, Counter[int]]:
    with serving(openai, Reply(status=500)) as server, _home(folder, server.url, ["gpt-4o-mini"]) as env:
        codes = _run(runs, together, env)
        return len(server.seen), codes


def _of_a_death(folder: Path, runs: int) -> tuple[int, Counter[int]]:
    """A provider that works, so that nobody holds back, and then no more."""
    with serving(openai, Reply(), Reply(status=500)) as server, _home(folder, server.url, ["gpt-4o-mini"]) as env:
        _run(1, 1, env)
        codes = _run(runs, runs, env)
        return len(server.seen) - 1, codes


def _of_refusals(folder: Path, runs: int, together: int) -> tuple[int, Counter[int]]:
    """A listener that closes each connection before it hears anything, so that they can be counted."""
    with _hanging_up() as (url, met), _home(folder, url, ["gpt-4o-mini"]) as env:
        codes = _run(runs, together, env)
        return met(), codes


def _cascade(folder: Path) -> int:
    """Three tiers that all say 500."""
    with serving(openai, Reply(status=500)) as server, _home(folder, server.url, ["one", "two", "three"]) as env:
        began = time.monotonic()
        codes = _run(1, 1, env)
        took_s = time.monotonic() - began
        missed = _say("three tiers of 500s: requests", len(server.seen), MOST, f"exit codes {dict(codes)}")
        return missed + _say("three tiers of 500s: seconds", round(took_s, 1), MOST_S, "LiteLLM's router: 14 s")


def _half_open(folder: Path) -> int:
    missed, context = 0, multiprocessing.get_context("fork")
    counts = Counter(probed(folder / f"round-{number}", 8, context) for number in range(20))
    missed += _say("half-open, 8 processes at once, 20 times: most probes", max(counts), 1, f"{dict(counts)}")
    return missed


def _litellm(runs: int) -> None:
    with serving(openai, Reply(status=500)) as server:
        script = (
            "import os; os.environ['LITELLM_LOCAL_MODEL_COST_MAP'] = 'True'; import litellm, sys\n"
            f"for _ in range({runs}):\n"
            "    try: litellm.completion('openai/m', [{'role': 'user', 'content': 'hi'}], api_base=sys.argv[1] + '/v1',"
            " api_key='x', num_retries=0, max_retries=0)\n"
            "    except litellm.exceptions.InternalServerError: pass\n"
        )
        subprocess.run([sys.executable, "-c", script, server.url], check=True, capture_output=True)
        _say(f"LiteLLM alone, {runs} calls, 500: requests", len(server.seen), None, "")


@contextmanager
def _home(folder: Path, url: str, tiers: list[str]) -> Iterator[dict[str, str]]:
    """An empty home with a profile, and a host that is warm; what warmed it up is forgotten."""
    with tempfile.TemporaryDirectory(dir=folder) as home, serving(openai) as well:
        profile = Path(home) / "profile.toml"
        env = {
            "HOME": home,
            "PATH": os.environ["PATH"],
            "OPENAI_API_KEY": "sk-loopback",
            "SYNAPSE_PROFILE": str(profile),
        }
        route = ROUTE.format(tiers=tiers)
        profile.write_text(
            "schema = 1\n" + MODEL.format(name="warm", url=well.url) + route.replace(str(tiers), "['warm']")
        )
        try:
            subprocess.run([SYNAPSE, "run", "hello"], env=env, check=True, capture_output=True)
            models = "".join(MODEL.format(name=name, url=url) for name in tiers)
            profile.write_text("schema = 1\n" + models + route)
            subprocess.run([SYNAPSE, "providers", "reset"], env=env, check=True, capture_output=True)
            yield env
        finally:
            subprocess.run([SYNAPSE, "hosts", "stop", "--now"], env=env, capture_output=True, check=False)


def _run(runs: int, together: int, env: dict[str, str]) -> Counter[int]:
    """So many commands, so many of them at a time."""
    codes: Counter[int] = Counter()
    numbers = iter(range(runs))
    lock = threading.Lock()

    def work() -> None:
        for number in numbers_left():
            done = subprocess.run([SYNAPSE, "run", "-q", f"hello {number}"], env=env, capture_output=True, check=False)
            with lock:
                codes[done.returncode] += 1
            if done.returncode not in {0, 75}:
                sys.stderr.buffer.write(done.stderr)

    def numbers_left() -> Iterator[int]:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            yield number

    threads = [threading.Thread(target=work) for _ in range(together)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes


@contextmanager
def _hanging_up() -> Iterator[tuple[str, Callable[[], int]]]:
    """A port whose every connection is reset at once; how many there were."""
    met = 0
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def answer() -> None:
        nonlocal met
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            met += 1
            connection.close()

    threading.Thread(target=answer, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", lambda: met
    finally:
        listener.close()


def _say(what: str, found: float, most: float | None, beside: str) -> int:
    over = most is not None and found > most
    allowed = "" if most is None else f"at most {most:g}{'  MISSED' if over else ''}"
    print(f"{what:<58} {found:>6g}  {allowed:<12} {beside}", flush=True)  # noqa: T201
    return int(over)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 60))

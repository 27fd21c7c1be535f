"""Does memory stay within its limit, and flat, over thousands of requests to more models than the limit holds?

    python -m tests.bench.memory [REQUESTS]

Three models, a limit for two of them, four threads, and every kind of request: short and long prompts, labels,
schemas, streams, requests that are given up. What counts is the growth of this process over what it takes idle.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from synapse_cli.backends.llamacpp import LlamaCpp
from synapse_cli.backends.llamacpp_library import library
from synapse_cli.backends.llamacpp_pool import pool
from synapse_cli.core.control import Control
from synapse_cli.core.errors import Interrupted
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model
from tests.local.tiny_gguf import write

THREADS = 4
FLAT_FROM, EVERY = 500, 100
SPREAD = 0.05
"""By how much memory may still grow from request 500 on, of the limit: the allocator keeps what it once had."""
SCHEMA = json.dumps({"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"]})


@dataclass(frozen=True)
class Course:
    """What was seen. Bytes over what the process took before the first model."""

    limit: int
    seen: tuple[int, ...]
    """The most in each hundred requests."""
    loads: int
    answered: int
    given_up: int

    @property
    def most(self) -> int:
        """The most of all."""
        return max(self.seen)

    @property
    def growth(self) -> int:
        """From request 500 on, or half-way where there are fewer: by the medians of what follows, half against half."""
        settled = self.seen[min(FLAT_FROM // EVERY, len(self.seen) // 2) :]
        half = len(settled) // 2
        return int(statistics.median(settled[half:]) - statistics.median(settled[:half] or settled))


def run(requests: int, folder: Path, *, every: int = EVERY) -> Course:
    """Ask so many times, and watch."""
    paths = [write(folder / f"{name}.gguf", seed=seed, width=128, layers=6) for seed, name in enumerate("abc")]
    models = [LlamaCpp(Model(name=path.stem, backend="llama.cpp", source=f"file:{path}")) for path in paths]
    library()
    import numpy as np

    np.zeros(1)
    models[0].complete(_request(random.Random(0)), Control())
    need = pool().snapshot()[0].bytes
    pool().close()
    limit = pool().limit = int(2.5 * need)
    idle, lock = resident(), Lock()
    seen, counted = [], {"answered": 0, "given up": 0, "peak": 0}

    def ask(number: int) -> None:
        chance = random.Random(number)
        control = Control()
        give_up_at = chance.choice([None, None, None, 3])

        def emit(_piece: str) -> None:
            if give_up_at is not None and chance.random() < 1 / give_up_at:
                control.stop()

        try:
            models[chance.choice([0, 0, 1, 1, 2])].complete(_request(chance), control, emit)
            outcome = "answered"
        except Interrupted:
            outcome = "given up"
        with lock:
            counted[outcome] += 1
            counted["peak"] = max(counted["peak"], resident() - idle)

    before = pool().loads
    with ThreadPoolExecutor(THREADS) as threads:
        for start in range(0, requests, every):
            counted["peak"] = 0
            list(threads.map(ask, range(start, min(start + every, requests))))
            seen.append(counted["peak"])
    pool().close()
    pool().limit = None
    return Course(limit, tuple(seen), pool().loads - before, counted["answered"], counted["given up"])


def _request(chance: random.Random) -> Request:
    text = " ".join(chance.choices(["the", "bugs", "yes", "spam", "ham"], k=chance.choice([3, 10, 100, 400])))
    params = {"max_tokens": chance.choice([1, 5, 30]), "temperature": chance.choice([0, 1]), "seed": 1}
    kind = chance.choice(["free", "free", "choices", "schema"])
    return Request(
        messages=(Message("user", text),),
        params={**params, "max_tokens": 60} if kind == "schema" else params,
        choices=("yes", "no", "spam") if kind == "choices" else (),
        schema=SCHEMA if kind == "schema" else None,
    )


def resident() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def main(requests: int) -> int:
    """Print the course; return 1 where a promise is not kept."""
    with tempfile.TemporaryDirectory() as folder:
        course = run(requests, Path(folder))
    for number, bytes_ in enumerate(course.seen, 1):
        if number in {1, 2, 5} or number % 5 == 0:
            sys.stdout.write(f"{number * EVERY:6,} requests  {bytes_ / 1e6:7.1f} MB\n")
    sys.stdout.write(
        f"limit {course.limit / 1e6:.1f} MB, at most {course.most / 1e6:.1f} MB, "
        f"grown by {course.growth / 1e6:+.1f} MB from request {FLAT_FROM} on; "
        f"{course.loads:,} loads, {course.answered:,} answered, {course.given_up:,} given up\n"
    )
    return int(course.most > course.limit or course.growth > SPREAD * course.limit)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000))

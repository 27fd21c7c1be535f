"""What answering costs beside the plainest loop around `llama_decode`, on the same file in the same run.

    python -m tests.bench.engine [ROUNDS]

CPU time of the whole process, medians of interleaved rounds. The floors are those the project promises.
"""

from __future__ import annotations

import ctypes
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import numpy as np
from llama_cpp import llama_cpp as lib

from synapse_cli.backends.llamacpp import LlamaCpp
from synapse_cli.backends.llamacpp_library import exp_sum
from synapse_cli.backends.llamacpp_prompt import prepare
from synapse_cli.backends.llamacpp_rows import Reader
from synapse_cli.core.control import Control
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model
from tests.bench import shapes
from tests.local.raw import Raw
from tests.local.tiny_gguf import CHATML

TOGETHER = 8
_fresh = count()


def main(rounds: int) -> int:
    """Print the table; return 1 where a floor is missed."""
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        small = shapes.write(Path(folder) / "small.gguf")
        nano = shapes.write(Path(folder) / "nano.gguf", shapes.NANO)
        for name, path, tokens, floor in (("135M shape", small, 48, 0.97), ("nano's shape", nano, 192, 0.85)):
            bench = _Bench(path, tokens)
            missed += _tell(f"{name}: decode, of a raw loop's speed", bench.alone, rounds, floor)
            missed += _tell(f"{name}: {TOGETHER} at once, of a raw batch's speed", bench.together, rounds, 0.9)
            missed += _tell(f"{name}: {TOGETHER} at once, of one after the other", bench.gain, rounds, None)
            missed += _tell(f"{name}: without confidence, of with", bench.without_confidence, rounds, 0.97)
        bench = _Bench(small, 1)
        missed += _tell("first token: cold, of 400 of 420 tokens known", bench.known, max(3, rounds // 2), 10)
    return 1 if missed else 0


class _Bench:
    """One model, asked raw and through the backend."""

    def __init__(self, path: Path, tokens: int) -> None:
        self._tokens = tokens
        self._raw = Raw(path, 4096, TOGETHER)
        self._backend = LlamaCpp(Model(name="m", backend="llama.cpp", source=f"file:{path}", threads=1))
        self._backend.complete(_request("warm up", 4), Control())
        self._reader = Reader(self._raw.vocabulary.size, None, exp_sum())

    def alone(self) -> float:
        """One answer at a time: raw seconds a token over ours."""
        request = _request(f"{next(_fresh)} tell me", self._tokens)
        written: list[int] = []
        ours = _cpu_s(lambda: written.append(self._ask(request)))
        raw = _cpu_s(lambda: self._loop([self._prompt(request)], written[0]))
        return raw / ours

    def together(self) -> float:
        """Eight at once."""
        requests = [_request(f"{next(_fresh)} tell me", self._tokens) for _ in range(TOGETHER)]
        with ThreadPoolExecutor(TOGETHER) as pool:
            written: list[int] = []
            ours = _cpu_s(lambda: written.extend(pool.map(self._ask, requests)))
        raw = _cpu_s(lambda: self._loop([self._prompt(request) for request in requests], self._tokens))
        return (raw / (TOGETHER * self._tokens)) / (ours / sum(written))

    def gain(self) -> float:
        """Eight at once against the same eight one after the other."""
        requests = [_request(f"{next(_fresh)} tell me", self._tokens) for _ in range(TOGETHER)]
        with ThreadPoolExecutor(TOGETHER) as pool:
            together = _cpu_s(lambda: list(pool.map(self._ask, requests)))
        again = [_request(f"{next(_fresh)} tell me", self._tokens) for _ in range(TOGETHER)]
        return _cpu_s(lambda: [self._ask(request) for request in again]) / together

    def without_confidence(self) -> float:
        """A step with the likeliest token alone, over one that also reads its probability; they take turns."""
        prompt = self._prompt(_request(f"{next(_fresh)} tell me", self._tokens))
        self._raw.begin()
        batch = lib.llama_batch_init(512, 0, 1)
        _fill(batch, [(token, place, 0, place == len(prompt) - 1) for place, token in enumerate(prompt)])
        latest = _best(self._decode(batch, 1))
        spent: tuple[list[float], list[float]] = ([], [])
        for step in range(2 * self._tokens):
            started = time.thread_time()
            _fill(batch, [(latest[0], len(prompt) + step, 0, True)])
            rows = self._decode(batch, 1)
            latest = [row.best for row in self._reader.rows(rows, rows.ctypes.data)] if step % 2 else _best(rows)
            spent[step % 2].append(time.thread_time() - started)
        lib.llama_batch_free(batch)
        return statistics.median(spent[0]) / statistics.median(spent[1])

    def known(self) -> float:
        """The first token of a prompt that was never seen, over that of one whose beginning was."""
        shared = f"{next(_fresh)} " + "word " * 78  # 398 tokens; what follows is 7, and 13 of the template

        def ask(end: str) -> float:
            return _cpu_s(lambda: self._ask(_request(shared + end, 1)))

        cold = ask("a" * 7)
        return cold / ask("b" * 7)

    def _ask(self, request: Request) -> int:
        given = self._backend.complete(request, Control(), lambda _piece: None)
        return given.usage.output or 1

    def _prompt(self, request: Request) -> list[int]:
        return list(prepare(self._raw.vocabulary, CHATML, request.messages, Control()).tokens)

    def _loop(self, prompts: Sequence[Sequence[int]], tokens: int) -> None:
        """Read the prompts and write so many tokens after each, all in one batch."""
        self._raw.begin()
        batch = lib.llama_batch_init(512, 0, 1)
        for seat, prompt in enumerate(prompts):
            _fill(batch, [(token, place, seat, place == len(prompt) - 1) for place, token in enumerate(prompt)])
            rows = self._decode(batch, 1)
            if seat == 0:
                latest = _best(rows)
            else:
                latest.extend(_best(rows))
        for step in range(tokens - 1):
            _fill(batch, [(latest[seat], len(prompt) + step, seat, True) for seat, prompt in enumerate(prompts)])
            latest = _best(self._decode(batch, len(prompts)))
        lib.llama_batch_free(batch)

    def _decode(self, batch: lib.llama_batch, outputs: int) -> np.ndarray:
        assert lib.llama_decode(self._raw.context, batch) == 0
        size = self._raw.vocabulary.size
        address = ctypes.addressof(lib.llama_get_logits(self._raw.context).contents)
        return np.ctypeslib.as_array((ctypes.c_float * (outputs * size)).from_address(address)).reshape(outputs, size)


def _request(text: str, tokens: int) -> Request:
    return Request(messages=(Message("user", text),), params={"max_tokens": tokens})


def _fill(batch: lib.llama_batch, rows: Sequence[tuple[int, int, int, bool]]) -> None:
    batch.n_tokens = len(rows)
    for row, (token, place, seat, wanted) in enumerate(rows):
        batch.token[row], batch.pos[row], batch.logits[row] = token, place, wanted
        batch.n_seq_id[row], batch.seq_id[row][0] = 1, seat


def _best(rows: np.ndarray) -> list[int]:
    best: list[int] = rows.argmax(axis=1).tolist()
    return best


def _cpu_s(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def _tell(what: str, measure: Callable[[], float], rounds: int, floor: float | None) -> bool:
    measure()
    ratio = statistics.median(measure() for _ in range(rounds))
    under = floor is not None and ratio < floor
    told = "" if floor is None else f"at least {floor:g}{'  MISSED' if under else ''}"
    print(f"{what:<60} {ratio:6.3f}  {told}", flush=True)  # noqa: T201
    return under


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 9))

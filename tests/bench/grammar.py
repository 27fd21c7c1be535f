"""What writing by a schema costs at the shape of nano, beside writing freely and beside the grammar of llama.cpp.

    python -m tests.bench.grammar [ROUNDS]

CPU time of the whole process, medians of interleaved rounds, ratios within one run.
"""

from __future__ import annotations

import ctypes
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as lib

from synapse_cli.backends.catalog_paths import model_path
from synapse_cli.backends.gbnf_bound import Bound
from synapse_cli.backends.grammar import from_schema
from synapse_cli.backends.llamacpp import LlamaCpp
from synapse_cli.backends.llamacpp_vocabulary import Vocabulary, open_vocabulary
from synapse_cli.core.control import Control
from synapse_cli.core.prompt import Json, Message, Request
from synapse_cli.profile.model import Model
from tests.bench import shapes

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 60},
            "age": {"type": "integer", "minimum": 0, "maximum": 150},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 30}, "maxItems": 5},
            "sure": {"type": "boolean"},
        },
        "required": ["name", "age", "tags", "sure"],
        "additionalProperties": False,
    }
)
LONG = json.dumps({"type": "array", "items": {"type": "string", "minLength": 40}, "minItems": 20})
NANO = Model(name="nano", backend="llama.cpp", source="builtin:nano")
STEPS = 60


def main(rounds: int) -> None:
    """Print the table."""
    free, bound = _answers(rounds)
    _say(f"by a schema, against freely, per token: {bound / free:.2f} x ({free:.2f} and {bound:.2f} ms)")
    vocabulary = open_vocabulary(model_path(NANO))
    for label, size in (("a shortlist of 128", 128), (f"all {vocabulary.size:,}", vocabulary.size)):
        ours, theirs = _asked(vocabulary, size, rounds)
        _say(f"asked about {label}: {ours:.0f} us, llama.cpp's grammar {theirs:.0f} us, {theirs / ours:.1f} x")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _answers(rounds: int) -> tuple[float, float]:
    """Milliseconds a token, on a model of nano's shape that does not end by itself."""
    with tempfile.TemporaryDirectory() as folder:
        file = shapes.write(Path(folder) / "nano.gguf", shapes.NANO)
        model = LlamaCpp(Model(name="shape", backend="llama.cpp", source=f"file:{file}"))

        def per_token(schema: str | None, number: int) -> float:
            params: dict[str, Json] = {"max_tokens": 300}
            message = Message("user", f"Tell me about friend number {number}.")
            started = time.process_time()
            answer = model.complete(Request(messages=(message,), params=params, schema=schema), Control())
            return (time.process_time() - started) / (answer.usage.output or 1) * 1e3

        pairs = [(per_token(None, n), per_token(LONG, n)) for n in range(rounds + 1)][1:]
    return statistics.median(free for free, _ in pairs), statistics.median(bound for _, bound in pairs)


def _asked(vocabulary: Vocabulary, size: int, rounds: int) -> tuple[float, float]:
    """Microseconds of one question, along the same text."""
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    for seed in range(rounds):
        chance = np.random.default_rng(seed)
        text = from_schema(SCHEMA)
        ours, theirs = Bound(text, vocabulary), _LlamaCpp(text, vocabulary)
        for _ in range(STEPS):
            tokens = np.arange(vocabulary.size, dtype=np.int32)
            every = tokens
            if size < vocabulary.size:
                tokens = chance.permutation(tokens)[:size].astype(np.int32)
            times["ours"].append(_cpu(lambda: ours.allowed(tokens)))  # noqa: B023  # called at once
            times["theirs"].append(_cpu(lambda: theirs.allowed(tokens)))  # noqa: B023
            both = ours.allowed(every) & theirs.allowed(every)  # llama.cpp also lets half a character through
            going_on = [t for t in np.flatnonzero(both).tolist() if not vocabulary.is_end(t)]
            if not going_on:
                break
            token = going_on[int(chance.integers(len(going_on)))]
            ours.accept(token)
            theirs.accept(token)
    return statistics.mean(times["ours"]) * 1e6, statistics.mean(times["theirs"]) * 1e6


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


class _LlamaCpp:
    """llama.cpp's own grammar, asked as ours is."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self._sampler = lib.llama_sampler_init_grammar(vocabulary.pointer, text.encode(), b"root")

    def allowed(self, tokens: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        entries = np.zeros(len(tokens), dtype=[("id", np.int32), ("logit", np.float32), ("p", np.float32)])
        entries["id"] = tokens
        array = lib.llama_token_data_array(entries.ctypes.data_as(lib.llama_token_data_p), len(tokens), -1, False)
        lib.llama_sampler_apply(self._sampler, ctypes.byref(array))
        mask: npt.NDArray[np.bool_] = np.isfinite(entries["logit"])
        return mask

    def accept(self, token: int) -> None:
        lib.llama_sampler_accept(self._sampler, token)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)

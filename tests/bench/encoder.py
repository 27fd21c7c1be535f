"""What vectors cost, as ratios of CPU time in one run: against a raw loop over llama.cpp, and in and out of a batch.

    python -m tests.bench.encoder [REPEATS]

MiniLM is converted into a folder of its own, from the package that holds its weights.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from synapse_cli.backends import minilm
from synapse_cli.backends.encoder import EncoderTier
from synapse_cli.backends.encoders import matrix
from synapse_cli.backends.gguf import read_header
from synapse_cli.backends.llamacpp_encoder import LlamaEncoder
from synapse_cli.backends.llamacpp_encoder_engine import EncodingEngine
from synapse_cli.backends.llamacpp_encoder_texts import Cutter
from synapse_cli.core.control import Control
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model
from tests.encoders.reference import SCRIPTS

MINILM = Model(name="minilm", backend="encoder", source="builtin:minilm")


def main(repeats: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SYNAPSE_STATE_DIR"] = folder
        converting = _cpu_s(lambda: minilm.ready(os.environ))
        texts = _texts(200)
        control = Control()
        encoder, tier = LlamaEncoder(MINILM), EncoderTier(MINILM)
        loading = _cpu_s(lambda: encoder.encode(["warm"], control))
        header = read_header(minilm.path(os.environ), "vectors")
        engine = EncodingEngine(MINILM, header, control)
        cutter = Cutter(engine.vocabulary, header, 256, chunks=False)
        tokens = [cutter.pieces(text).parts[0] for text in texts]
        asked = Request(messages=(Message("user", "Where is my parcel?"),), choices=("billing", "shipping", "bug"))
        tier.complete(asked, control)
        spent = _medians(
            {
                "raw": lambda: [engine.vectors([each], control) for each in tokens],
                "raw, in batches": lambda: engine.vectors(tokens, control),
                "encode, one by one": lambda: [matrix(encoder.encode([text], control)) for text in texts],
                "encode, together": lambda: matrix(encoder.encode(texts, control)),
                "cutting": lambda: [cutter.pieces(text + " ") for text in texts],
                "tier, known labels": lambda: tier.complete(asked, control),
            },
            repeats,
        )
    count = sum(map(len, tokens))
    passing = statistics.median(_child_cpu_s([sys.executable, "-c", "pass"]) for _ in range(5))
    _say(f"converting MiniLM, once                      {converting / passing:7.1f} x pass")
    _say(f"import, load and one text                    {loading / passing:7.1f} x pass")
    _say(f"tokens per CPU second, raw, one by one       {count / spent['raw']:7.0f}")
    _say(f"encode against raw, one by one               {spent['raw'] / spent['encode, one by one']:7.2f}")
    _say(f"encode against raw, in batches               {spent['raw, in batches'] / spent['encode, together']:7.2f}")
    _say(f"in batches against one by one                {spent['encode, one by one'] / spent['encode, together']:7.2f}")
    _say(f"share of cutting texts into pieces           {spent['cutting'] / spent['encode, together']:7.2%}")
    _say(f"a label of known labels                      {spent['tier, known labels'] / passing:7.2f} x pass")


def _texts(count: int) -> list[str]:
    chance = random.Random(3)
    sentences = [*SCRIPTS["latin"], *SCRIPTS["symbols"]]
    return [" ".join(chance.choices(sentences, k=chance.randint(1, 6))) for _ in range(count)]


def _medians(cases: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    spent: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(repeats):
        for name, run in cases.items():
            spent[name].append(_cpu_s(run))
    return {name: statistics.median(values) for name, values in spent.items()}


def _cpu_s(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def _child_cpu_s(command: list[str]) -> float:
    before = os.times()
    subprocess.run(command, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)

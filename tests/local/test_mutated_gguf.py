"""A file with anything changed is refused by its header or by llama.cpp, or answered: the process lives.

With SYNAPSE_FULL=1 thousands are tried.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from .mutate_gguf import mutant
from .test_lora import write_lora
from .tiny_gguf import write

ROOT = Path(__file__).parents[2]
MANY = 3000 if os.environ.get("SYNAPSE_FULL") else 100
RICH: dict[str, bool | int | str] = {
    "llama.expert_count": 0,
    "llama.expert_used_count": 0,
    "llama.rope.scaling.type": "none",
    "llama.attention.key_length": 16,
    "llama.attention.value_length": 16,
    "llama.vocab_size": 277,
    "tokenizer.ggml.padding_token_id": 0,
    "tokenizer.ggml.add_eos_token": True,
    "llama.attention.sliding_window": 0,
    "llama.nextn_predict_layers": 0,
    "general.alignment": 32,
}
ASK = """
import sys
from synapse_cli.backends.llamacpp import LlamaCpp
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Lora, Model
base, *paths = sys.argv[1:]
for path in paths:
    adapters = (Lora(file=path),) if base else ()
    source = "file:" + (base or path)
    model = LlamaCpp(Model(name="m", backend="llama.cpp", source=source, lora=adapters, keep_alive_s=0.0))
    asked = Request(messages=(Message("user", "the bugs <|im_end|>"),), params={"max_tokens": 3})
    try:
        model.count(asked.messages)
        model.complete(asked, Control(__import__("time").monotonic() + 20))
        print("answered", flush=True)
    except BackendError as error:
        is_clear = error.exit_code == 69 and error.hint and "\\n" not in error.message
        print("refused" if is_clear else repr(error), flush=True)
"""


@pytest.mark.parametrize("pieces", [False, True], ids=["byte-level BPE", "SentencePiece"])
def test_no_changed_file_ends_the_process(tmp_path: Path, pieces: bool) -> None:
    whole = write(tmp_path / "whole.gguf", pieces=pieces, metadata={} if pieces else RICH).read_bytes()
    changes: dict[Path, str] = {}
    for seed in range(MANY // 2):
        data, what = mutant(whole, seed)
        path = tmp_path / f"{seed}.gguf"
        path.write_bytes(data)
        changes[path] = what

    outcomes = dict(zip(changes, _outcomes(list(changes)), strict=True))

    assert {changes[path]: told for path, told in outcomes.items() if told not in {"answered", "refused"}} == {}
    counted = Counter(outcomes.values())
    assert counted["refused"] > MANY / 5
    assert counted["answered"] > MANY / 20


def test_no_changed_adapter_ends_the_process(tiny: Path, tmp_path: Path) -> None:
    whole = write_lora(tmp_path / "whole.gguf").read_bytes()
    changes: dict[Path, str] = {}
    for seed in range(MANY // 2):
        data, what = mutant(whole, seed)
        path = tmp_path / f"{seed}.gguf"
        path.write_bytes(data)
        changes[path] = what

    outcomes = dict(zip(changes, _outcomes(list(changes), over=tiny), strict=True))

    assert {changes[path]: told for path, told in outcomes.items() if told not in {"answered", "refused"}} == {}
    assert Counter(outcomes.values())["refused"] > MANY / 5


def _outcomes(paths: Sequence[Path], *, over: Path | str = "") -> Iterator[str]:
    """Ask each file, in as few processes as live through it; `over` is the model that they are adapters for."""
    left = list(paths)
    while left:
        done = subprocess.run(
            [sys.executable, "-c", ASK, str(over), *map(str, left)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
            env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        )
        told = done.stdout.splitlines()
        yield from told
        left = left[len(told) :]
        if left:
            yield f"died by {signal.Signals(-done.returncode).name}" if done.returncode < 0 else done.stderr[-500:]
            left = left[1:]

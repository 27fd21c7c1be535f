"""What would llama.cpp lay out for these models? Run as a script: JSON in (a list of asks), JSON out, a process apart.

`no_alloc` makes llama.cpp do all its sums and take no memory; the sums are read from what it logs.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, TypedDict

MIB = 1024 * 1024


class Ask(TypedDict):
    """One model, one way to open it."""

    path: str
    window: int
    seats: int
    outputs: int


class LaidOut(TypedDict):
    """Bytes by llama.cpp's own sums."""

    weights: float
    cache: float
    compute: float


def laid_out(asks: Sequence[Ask]) -> list[LaidOut]:
    """Ask llama.cpp, in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__], input=json.dumps(asks), capture_output=True, text=True, check=True
    )
    told: list[LaidOut] = json.loads(done.stdout)
    return told


def _main() -> None:
    from llama_cpp import llama_cpp as lib

    said: list[str] = []

    @lib.llama_log_callback  # type: ignore[untyped-decorator]
    def listen(_level: int, text: bytes, _data: object) -> None:
        said.append(text.decode("utf-8", "replace"))

    lib.llama_log_set(listen, None)
    lib.llama_backend_init()
    told = []
    for ask in json.load(sys.stdin):
        said.clear()
        _open(lib, ask)
        told.append(_sums("".join(said)))
    json.dump(told, sys.stdout)


def _open(lib: Any, ask: Ask) -> None:
    model_params = lib.llama_model_default_params()
    model_params.no_alloc, model_params.load_mode, model_params.n_gpu_layers = True, 0, 0
    model = lib.llama_model_load_from_file(ask["path"].encode(), model_params)
    params = lib.llama_context_default_params()
    params.n_ctx, params.n_seq_max, params.n_outputs_max = ask["window"], ask["seats"], ask["outputs"]
    params.n_batch = params.n_ubatch = 512
    params.kv_unified = True
    lib.llama_free(lib.llama_init_from_model(model, params))
    lib.llama_model_free(model)


def _sums(log: str) -> LaidOut:
    weights, unit = re.findall(r"file size\s+= ([\d.]+) (MiB|GiB)", log)[0]
    caches = re.findall(r"size =\s+([\d.]+) MiB \(\s*\d+ cells,", log)
    computes = re.findall(r"compute buffer size\s+=\s+([\d.]+) MiB", log)
    return {
        "weights": float(weights) * MIB * (1024 if unit == "GiB" else 1),
        "cache": sum(map(float, caches)) * MIB,
        "compute": sum(map(float, computes)) * MIB,
    }


if __name__ == "__main__":
    _main()

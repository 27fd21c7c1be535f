"""The plainest way to read a model: one sequence, one call of llama.cpp after the other, and nothing kept or shared.

What the engine says is held against this.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as lib

from synapse_cli.backends.llamacpp_library import library
from synapse_cli.backends.llamacpp_vocabulary import Vocabulary

Logits = npt.NDArray[np.float64]


class Raw:
    """A model and one context of it. Weights are freed with the process: tests open a handful."""

    def __init__(self, path: Path, window: int = 2048, sequences: int = 1) -> None:
        library()
        self._model = lib.llama_model_load_from_file(str(path).encode(), lib.llama_model_default_params())
        params = lib.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = window, 512, 512
        params.n_seq_max, params.kv_unified = sequences, True
        params.n_threads = params.n_threads_batch = 1
        params.no_perf = True
        self.context = lib.llama_init_from_model(self._model, params)
        self.vocabulary = Vocabulary(lib, self._model)

    def begin(self) -> None:
        """Forget what was read."""
        lib.llama_memory_clear(lib.llama_get_memory(self.context), False)

    def read(self, tokens: Sequence[int]) -> Logits:
        """Read on, and return the logits of what comes next."""
        for start in range(0, len(tokens), 512):
            part = tokens[start : start + 512]
            array = (ctypes.c_int32 * len(part))(*part)
            assert lib.llama_decode(self.context, lib.llama_batch_get_one(array, len(part))) == 0
        pointer = lib.llama_get_logits_ith(self.context, -1)
        return np.ctypeslib.as_array(pointer, (self.vocabulary.size,)).astype(np.float64)

    def greedy(self, prompt: Sequence[int], count: int) -> tuple[list[int], list[float]]:
        """The likeliest tokens after a prompt, and how far each is ahead of the second."""
        self.begin()
        logits = self.read(prompt)
        tokens: list[int] = []
        leads: list[float] = []
        for _ in range(count):
            second, first = np.sort(logits)[-2:]
            tokens.append(int(logits.argmax()))
            leads.append(float(first - second))
            logits = self.read(tokens[-1:])
        return tokens, leads

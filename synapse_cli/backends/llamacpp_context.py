"""What do we ask of llama.cpp to run a model? Weights, a context, a batch of tokens, and sequences that share cells.

One thread only: two in one context abort the process. What is assumed of llama.cpp: `llama_decode` returns 0 for done,
1 for no room (and nothing changed), 2 for aborted; logits lie side by side in the order of the batch; with a unified KV
cache `llama_memory_seq_cp` copies no numbers; a recurrent state cannot be cut.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from synapse_cli.backends.llamacpp_layout import BATCH, OUTPUTS
from synapse_cli.backends.llamacpp_library import forget, library, reason
from synapse_cli.backends.llamacpp_lora import lay_over
from synapse_cli.backends.llamacpp_settings import Settings
from synapse_cli.backends.llamacpp_vocabulary import Vocabulary
from synapse_cli.core.errors import BadAnswer, Interrupted, ModelUnusable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Logits = npt.NDArray[np.float32]
    State = npt.NDArray[np.uint8]

_DONE, _NO_ROOM, _ABORTED = 0, 1, 2
_WHERE_IT_CAN = -1
"""llama.cpp's own default for flash attention."""
_READ, _MAPPED = 0, -1
"""llama.cpp's load modes; the second is mapped where the system can."""
_ABSTAIN = b"synapse.abstain_token_id"


class NoRoom(Exception):
    """The cells of the KV cache do not hold this batch; nothing was changed."""


class Aborted(Exception):
    """The batch was given up half-way; the sequences are as they were before it."""


class Context:
    """A loaded model that reads batches of tokens."""

    def __init__(self, settings: Settings, should_end: Callable[[], bool]) -> None:
        """Load it; `should_end` is asked while the file is read and while a long batch is."""
        import numpy as np

        self._np = np
        self._lib = library()
        self._listen = self._lib.ggml_abort_callback(lambda _data: should_end())
        self._deaf = self._lib.ggml_abort_callback(0)
        self._listening = False
        self._model = self._load(settings, should_end)
        self._context = 0
        try:
            self._context = self._open(settings)
            lay_over(self._lib, self._model, self._context, settings.lora)
        except BaseException:
            if self._context:
                self._lib.llama_free(self._context)
            self._lib.llama_model_free(self._model)
            raise
        self._memory = self._lib.llama_get_memory(self._context)
        self.vocabulary = Vocabulary(self._lib, self._model)
        self.abstain_token = self._abstain_token()
        """The token by which a model of ours says that it does not know: heard, and never written."""
        self._lay_out_batch()
        self._view: Logits | None = None
        self._view_of = (0, 0)
        self.address = 0
        """Where the logits of the last batch stand."""

    def close(self) -> None:
        """Give the memory back; nothing may be asked afterwards."""
        self._view = None
        self._lib.llama_free(self._context)
        self._lib.llama_model_free(self._model)
        self._listen = self._deaf  # it knows all that is kept: a ring that would hold megabytes until it is collected

    def _load(self, settings: Settings, should_end: Callable[[], bool]) -> int:
        params = self._lib.llama_model_default_params()
        params.n_gpu_layers = settings.gpu_layers
        params.main_gpu = settings.gpu_main
        params.load_mode = _MAPPED if settings.mapped else _READ
        if settings.gpu_split:
            shares = (*settings.gpu_split, *(0.0,) * self._lib.llama_max_devices())[: self._lib.llama_max_devices()]
            split = (ctypes.c_float * len(shares))(*shares)
            params.tensor_split = split
        progress = self._lib.llama_progress_callback(lambda _share, _data: not should_end())
        params.progress_callback = progress
        forget()
        model: int | None = self._lib.llama_model_load_from_file(os.fsencode(settings.path), params)
        if not model:
            if should_end():
                raise Interrupted("interrupted")
            raise ModelUnusable(f"llama.cpp cannot load {settings.path}: {reason()}", "try another GGUF of this model")
        if self._lib.llama_model_has_encoder(model) or not self._lib.llama_model_has_decoder(model):
            self._lib.llama_model_free(model)
            raise ModelUnusable(f"{settings.path} is not a model that continues text", "use a chat model")
        return model

    def _open(self, settings: Settings) -> int:
        lib = self._lib
        self.is_recurrent: bool = lib.llama_model_is_recurrent(self._model) or lib.llama_model_is_hybrid(self._model)
        self.sequences = settings.seats
        params = lib.llama_context_default_params()
        params.n_ctx = max(settings.window, settings.cells)
        params.n_batch = params.n_ubatch = BATCH
        params.n_seq_max = self.sequences
        params.n_outputs_max = OUTPUTS
        params.n_threads = params.n_threads_batch = settings.threads
        params.kv_unified = True
        params.flash_attn_type = _WHERE_IT_CAN  # 9 % off a prompt of a small model, 19 % off a token of nano
        params.no_perf = True
        forget()
        context: int | None = lib.llama_init_from_model(self._model, params)
        if not context:
            why = reason()
            raise ModelUnusable(f"no room for a window of {settings.window} tokens: {why}", "lower the model's context")
        return context

    def _abstain_token(self) -> int | None:
        buffer = ctypes.create_string_buffer(32)
        if self._lib.llama_model_meta_val_str(self._model, _ABSTAIN, buffer, len(buffer)) < 0:
            return None
        text = buffer.value.decode("ascii", "replace")
        return int(text) if text.isdigit() and int(text) < self.vocabulary.size else None

    def _lay_out_batch(self) -> None:
        """The batch lies in arrays of our own, so that filling it is one assignment a column and not one a cell."""
        np, lib = self._np, self._lib
        self._tokens = np.zeros(BATCH, np.int32)
        self._positions = np.zeros(BATCH, np.int32)
        self._counts = np.ones(BATCH, np.int32)
        self._seats = np.zeros(BATCH, np.int32)
        self._seat_pointers = self._seats.ctypes.data + 4 * np.arange(BATCH, dtype=np.uintp)
        self._wanted = np.zeros(BATCH, np.int8)
        self._batch = lib.llama_batch(
            0,
            self._tokens.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            None,
            self._positions.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            self._counts.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            self._seat_pointers.ctypes.data_as(ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
            self._wanted.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )

    def place(self, row: int, tokens: Sequence[int], position: int, sequence: int, wanted: int) -> int:
        """Put tokens of one sequence into the batch from `row` on, the last `wanted` with logits; the next free row."""
        count = len(tokens)
        end = row + count
        if count == 1:
            self._tokens[row] = tokens[0]
            self._positions[row] = position
            self._seats[row] = sequence
            self._wanted[row] = wanted
            return end
        self._tokens[row:end] = tokens
        self._positions[row:end] = self._np.arange(position, position + count)
        self._seats[row:end] = sequence
        self._wanted[row:end] = 0
        self._wanted[end - wanted : end] = 1
        return end

    def decode(self, rows: int, outputs: int, *, listen: bool) -> Logits:
        """Read the first `rows` of the batch: the logits of those wanted, which are good until the next call.

        With `listen` it can be ended half-way. Asking between two operations costs 2.5 % of a token of a small model,
        so that is for batches that take long. Raises NoRoom and Aborted.
        """
        if listen is not self._listening:
            self._lib.llama_set_abort_callback(self._context, self._listen if listen else self._deaf, None)
            self._listening = listen
        self._batch.n_tokens = rows
        code = self._lib.llama_decode(self._context, self._batch)
        if code == _NO_ROOM:
            raise NoRoom
        if code == _ABORTED:
            raise Aborted
        if code != _DONE:
            raise BadAnswer(f"llama.cpp failed with code {code}")
        return self._logits(outputs)

    def _logits(self, outputs: int) -> Logits:
        size = self.vocabulary.size
        if not outputs:
            return self._np.empty((0, size), self._np.float32)
        pointer = self._lib.llama_get_logits(self._context)
        if not pointer:
            raise BadAnswer("llama.cpp computed nothing for this prompt")
        address = ctypes.addressof(pointer.contents)
        if self._view is None or self._view_of != (address, outputs):
            raw = (ctypes.c_float * (outputs * size)).from_address(address)
            self._view = self._np.ctypeslib.as_array(raw).reshape(outputs, size)
            self._view_of = (address, outputs)
            self.address = address
        return self._view

    def share(self, source: int, target: int, length: int) -> None:
        """Let `target` begin with the first `length` tokens of `source`."""
        end = -1 if self.is_recurrent else length
        self._lib.llama_memory_seq_cp(self._memory, source, target, 0, end)

    def cut(self, sequence: int, length: int) -> bool:
        """Forget what `sequence` has beyond its first tokens; False where its kind of memory cannot."""
        return bool(self._lib.llama_memory_seq_rm(self._memory, sequence, length, -1))

    def drop(self, sequence: int) -> None:
        """Forget a sequence."""
        self._lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def state(self, sequence: int, most: int) -> State | None:
        """All that a sequence holds, to be given to `restore`; None where that is more than `most` bytes."""
        size = self._lib.llama_state_seq_get_size(self._context, sequence)
        if not 0 < size <= most:
            return None
        # pages of its own go back to the system with it; malloc would keep megabytes for whoever comes next
        state = self._np.frombuffer(mmap.mmap(-1, size), self._np.uint8)
        written = self._lib.llama_state_seq_get_data(self._context, _bytes_of(state), size, sequence)
        return state if written == size else None

    def restore(self, sequence: int, state: State) -> bool:
        """Make a sequence what it was; False where it does not fit."""
        read: int = self._lib.llama_state_seq_set_data(self._context, _bytes_of(state), len(state), sequence)
        return read == len(state)


def _bytes_of(state: State) -> ctypes._Pointer[ctypes.c_uint8]:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))

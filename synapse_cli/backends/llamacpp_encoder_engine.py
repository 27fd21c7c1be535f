"""What do we ask of llama.cpp for vectors? Written against llama-cpp-python 0.3.36, like `llamacpp_engine`.

What is assumed beyond that: a model that is not causal takes a batch whole, and one of more than `n_ubatch` tokens
ends the process, as does an `n_ubatch` that is no multiple of `n_seq_max`; with flash attention, tokens of one
sequence cost nothing for those of another.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from synapse_cli.backends.gguf import Header
from synapse_cli.backends.llamacpp_library import forget, library, reason
from synapse_cli.backends.llamacpp_seat import raise_if_ended
from synapse_cli.backends.llamacpp_settings import default_threads, gpu_layers
from synapse_cli.backends.llamacpp_vocabulary import Vocabulary
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadAnswer, Interrupted, ModelUnusable
from synapse_cli.profile.model import Model

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

_SEATS = 64
"""Texts in one batch."""
_BATCH = 256
"""Tokens in one batch: measured on MiniLM, more are no faster, and a longer text gets a larger batch."""
_POOLING = {"mean": 1, "cls": 2, "last": 3}
_NONE, _RANK = 0, 4
_ABORTED = 2


class EncodingEngine:
    """One model and one context, which grows with the longest text. Whoever asks it holds `turn`."""

    def __init__(self, model: Model, header: Header, control: Control) -> None:
        """Load the model; `control` can end that."""
        self.turn = threading.Lock()
        self._lib = library()
        self._control = control
        self._pooling = _pooling(model, header)
        self._threads = model.threads or default_threads(header)
        self._abort = self._lib.ggml_abort_callback(self._should_end)
        control.doing("loading the model")
        self._model = _load(self._lib, model, header, self._should_end, control)
        self._free = weakref.finalize(self, self._lib.llama_model_free, self._model)
        self._free.atexit = False
        self._path = header.path
        self.vocabulary = Vocabulary(self._lib, self._model)
        self._dimension: int = self._lib.llama_model_n_embd_out(self._model)
        self._capacity = 0
        self._close: Any = None

    @property
    def is_open(self) -> bool:
        """Whether it can be asked."""
        return self._free.alive

    def close(self) -> None:
        """Give the memory back. Nobody may be asking it."""
        if self._close is not None:
            self._close()
        self._free()

    def vectors(self, texts: Sequence[Sequence[int]], control: Control) -> Floats:
        """A row for each text, pooled and as long as it comes; `control` is asked between batches and within."""
        import numpy as np

        self._control = control
        rows: Floats = np.empty((len(texts), self._dimension), dtype=np.float32)
        for group in _groups(texts):
            raise_if_ended(control)
            self._make_room(sum(len(texts[number]) for number in group))
            rows[group] = self._run([texts[number] for number in group])
        if not np.isfinite(rows).all():
            raise ModelUnusable(f"{self._path} computes not-a-number: its weights are damaged", "download it again")
        return rows

    def _run(self, texts: Sequence[Sequence[int]]) -> Floats:
        import numpy as np

        batch, row = self._batch, 0
        for seat, tokens in enumerate(texts):
            for position, token in enumerate(tokens):
                batch.token[row], batch.pos[row], batch.logits[row] = token, position, 1
                batch.n_seq_id[row] = 1
                batch.seq_id[row][0] = seat
                row += 1
        batch.n_tokens = row
        self._check(self._ask(batch))
        pointers = [self._lib.llama_get_embeddings_seq(self._context, seat) for seat in range(len(texts))]
        if not all(pointers):
            raise BadAnswer("llama.cpp computed nothing for these texts")
        return np.stack([np.ctypeslib.as_array(pointer, (self._dimension,)) for pointer in pointers])

    def _ask(self, batch: Any) -> int:
        if self._memory:
            self._lib.llama_memory_clear(self._memory, False)
            code: int = self._lib.llama_decode(self._context, batch)
        else:
            code = self._lib.llama_encode(self._context, batch)
        return code

    def _check(self, code: int) -> None:
        raise_if_ended(self._control)
        if code == _ABORTED:
            raise Interrupted("interrupted")
        if code:
            raise BadAnswer(f"llama.cpp failed to encode with code {code}: {reason()}")

    def _make_room(self, tokens: int) -> None:
        """Open the context, or a larger one: its buffers grow with the batch."""
        if tokens <= self._capacity:
            return
        capacity = -(-max(tokens, _BATCH) // _SEATS) * _SEATS
        if self._close is not None:
            self._close()
        self._context = self._open(capacity)
        self._memory = self._lib.llama_get_memory(self._context)
        self._batch = self._lib.llama_batch_init(capacity, 0, 1)
        self._close = weakref.finalize(self, _release, self._lib, self._batch, self._context)
        self._close.atexit = False
        self._capacity = capacity

    def _open(self, capacity: int) -> int:
        params = self._lib.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = capacity
        params.n_seq_max = _SEATS
        params.n_threads = params.n_threads_batch = self._threads
        params.embeddings = True
        params.pooling_type = self._pooling
        params.kv_unified = True
        params.no_perf = True
        params.abort_callback = self._abort
        forget()
        context: int | None = self._lib.llama_init_from_model(self._model, params)
        if not context:
            raise ModelUnusable(f"no room for a text of {capacity} tokens: {reason()}", "lower the model's context")
        return context

    def _should_end(self, _data: object) -> bool:
        """Asked by llama.cpp between two operations."""
        return self._control.stopped or self._control.expired


def _groups(texts: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Numbers of texts that go together: of like length, at most a batch of tokens or one long text."""
    group: list[int] = []
    used = 0
    for number in sorted(range(len(texts)), key=lambda number: len(texts[number])):
        size = len(texts[number])
        if group and (used + size > _BATCH or len(group) == _SEATS):
            yield group
            group, used = [], 0
        group.append(number)
        used += size
    if group:
        yield group


def _pooling(model: Model, header: Header) -> int:
    """The profile's, else the file's; where neither says, the mean of all tokens."""
    said = header.shape("pooling_type")
    if said == _RANK:
        raise ModelUnusable(f"{header.path} is a reranker: it judges pairs, and makes no vectors", "use an encoder")
    if model.pooling is not None:
        return _POOLING[model.pooling]
    if said not in {None, _NONE, *_POOLING.values()}:
        raise ModelUnusable(f"{header.path} asks for the pooling {said}, which nobody knows", "name one with `pooling`")
    return said or _POOLING["mean"]


def _load(lib: Any, model: Model, header: Header, should_end: Any, control: Control) -> int:
    params = lib.llama_model_default_params()
    params.n_gpu_layers = gpu_layers(model.gpu)
    params.progress_callback = lib.llama_progress_callback(lambda _share, _data: not should_end(None))
    forget()
    loaded: int = lib.llama_model_load_from_file(os.fsencode(header.path), params) or 0
    if not loaded:
        raise_if_ended(control)
        raise ModelUnusable(f"llama.cpp cannot load {header.path}: {reason()}", "try another GGUF of this model")
    if lib.llama_model_has_encoder(loaded) and lib.llama_model_has_decoder(loaded):
        lib.llama_model_free(loaded)
        raise ModelUnusable(
            f"{header.path} is a translator: it makes no vectors", "use an encoder, such as bge or nomic"
        )
    return loaded


def _release(lib: Any, batch: Any, context: int) -> None:
    lib.llama_batch_free(batch)
    lib.llama_free(context)

"""What do we ask of llama.cpp? Every call into llama-cpp-python's low-level API stands here, and nowhere else.

Written against llama-cpp-python 0.3.36. What is assumed of it: the names below; `llama_batch_get_one` continues
sequence 0; `llama_decode` returns 0 for done, 1 for no room, 2 for aborted; a unified KV cache lets sequences share
their common beginning; the log callback may be called from any thread.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from synapse_cli.backends.llamacpp_settings import Settings
from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    BadAnswer,
    BadRequest,
    EngineMissing,
    Interrupted,
    ModelUnusable,
    SynapseError,
    TimedOut,
    Unavailable,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Logits = npt.NDArray[np.float32]

_BATCH = 512
"""Tokens per call of a prompt, llama.cpp's own default: Ctrl-C and deadline are honoured between two of them."""
_BRANCHES, _BRANCHES_RECURRENT = 32, 4
"""Sequences side by side; a recurrent model keeps a whole state for each."""
_TURN_S = 0.05
"""How often a call that waits for another one on the same model looks whether it should end."""
_ERROR_LEVEL = 3
_DONE, _NO_ROOM, _ABORTED = 0, 1, 2
_SPM = 1

_lock = threading.Lock()
_said: deque[str] = deque(maxlen=20)
_keep_alive: list[object] = []


def library() -> Any:  # untyped ctypes functions
    """llama_cpp's low-level module, silenced; imported on first use."""
    with _lock:
        try:
            from llama_cpp import llama_cpp
        except ImportError as error:
            raise EngineMissing(
                f"llama-cpp-python, which runs local models, is not installed ({error})",
                "pip install 'llama-cpp-python>=0.3.36,<0.4' (it compiles for about five minutes)",
            ) from error
        except (OSError, RuntimeError) as error:  # its own loader raises these where the shared library is broken
            raise EngineMissing(
                f"llama-cpp-python is installed but its library does not load: {error}",
                "pip install --force-reinstall --no-cache-dir 'llama-cpp-python>=0.3.36,<0.4'",
            ) from error
        if not _keep_alive:
            _silence(llama_cpp)
            llama_cpp.llama_backend_init()
    return llama_cpp


def _silence(lib: Any) -> None:
    """Keep llama.cpp's chatter off the terminal, and its last errors for our own messages."""

    @lib.llama_log_callback  # type: ignore[untyped-decorator]
    def listen(level: int, text: bytes | None, _data: object) -> None:
        if level == _ERROR_LEVEL and text:
            _said.append(text.decode("utf-8", "replace").strip())

    _keep_alive.append(listen)
    lib.llama_log_set(listen, None)


def raise_if_ended(control: Control) -> None:
    """Raise Interrupted or TimedOut where the call should end."""
    if control.stopped:
        raise Interrupted("interrupted")
    if control.expired:
        raise TimedOut("no answer in time", "raise --timeout, or use a smaller model")


class Engine:
    """One model and one context, from when it is loaded until `close`. Whoever asks it something takes a `turn`."""

    def __init__(self, settings: Settings, control: Control) -> None:
        """Load the model; `control` can end that."""
        import numpy as np

        self.settings = settings
        self._np = np
        self._lib = library()
        self._turns = threading.Lock()
        self._control = control
        self._caught: BaseException | None = None
        self._abort = self._lib.ggml_abort_callback(self._should_end)
        self._model = self._load(settings)
        self._context = self._open(settings)
        self.vocabulary = Vocabulary(self._lib, self._model)
        self._memory = self._lib.llama_get_memory(self._context)
        self._batch = self._lib.llama_batch_init(_BATCH, 0, 1)
        self._free = weakref.finalize(self, _release, self._lib, self._batch, self._context, self._model)
        self._free.atexit = False  # the process is ending: the system takes the memory back faster than we can
        self.window = settings.window
        self.position = 0
        """Tokens read so far."""

    def _load(self, settings: Settings) -> int:
        params = self._lib.llama_model_default_params()
        params.n_gpu_layers = settings.gpu_layers
        progress = self._lib.llama_progress_callback(lambda _share, _data: not self._should_end(None))
        params.progress_callback = progress
        _said.clear()
        with self._overhearing():
            model: int | None = self._lib.llama_model_load_from_file(os.fsencode(settings.path), params)
        if not model:
            self._raise_if_ended()
            raise ModelUnusable(f"llama.cpp cannot load {settings.path}: {_reason()}", "try another GGUF of this model")
        if self._lib.llama_model_has_encoder(model) or not self._lib.llama_model_has_decoder(model):
            self._lib.llama_model_free(model)
            raise ModelUnusable(f"{settings.path} is not a model that continues text", "use a chat model")
        return model

    def _open(self, settings: Settings) -> int:
        recurrent = self._lib.llama_model_is_recurrent(self._model) or self._lib.llama_model_is_hybrid(self._model)
        self._branches = _BRANCHES_RECURRENT if recurrent else _BRANCHES
        params = self._lib.llama_context_default_params()
        params.n_ctx = settings.window
        params.n_batch = params.n_ubatch = _BATCH
        params.n_seq_max = self._branches
        params.n_threads = params.n_threads_batch = settings.threads
        params.kv_unified = True
        params.no_perf = True
        params.abort_callback = self._abort
        _said.clear()
        context: int | None = self._lib.llama_init_from_model(self._model, params)
        if not context:
            self._lib.llama_model_free(self._model)
            why = _reason()
            raise ModelUnusable(f"no room for a window of {settings.window} tokens: {why}", "lower the model's context")
        return context

    @property
    def busy(self) -> bool:
        """Whether somebody is being answered: then it must not be closed."""
        return self._turns.locked()

    def close(self) -> None:
        """Give the memory back; whoever asks it afterwards is told so. Waits for the answer that is being written."""
        with self._turns:
            self._free()

    @contextmanager
    def turn(self, control: Control) -> Iterator[None]:
        """Hold the model: two threads in one llama.cpp context abort the process."""
        while not self._turns.acquire(timeout=_TURN_S):
            raise_if_ended(control)
        try:
            raise_if_ended(control)
            if not self._free.alive:
                raise Unavailable("the model was unloaded before it was asked", "ask again")
            yield
        finally:
            self._turns.release()

    def begin(self, control: Control) -> None:
        """Forget what was read; from here on `control` can end the work."""
        self._control = control
        self._lib.llama_memory_clear(self._memory, False)
        self.position = 0

    def read(self, tokens: Sequence[int]) -> Logits:
        """Read tokens and return the logits of what comes next (a copy)."""
        for start in range(0, len(tokens), _BATCH):
            part = tokens[start : start + _BATCH]
            array = (ctypes.c_int32 * len(part))(*part)
            self._decode(self._lib.llama_batch_get_one(array, len(part)))
            self.position += len(part)
        return self._logits(-1)

    def follow(self, paths: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, Logits]]:
        """Read each path on its own after what was read so far; what was read stays as it was.

        Yields (path, depth, logits after the path's first depth + 1 tokens) for every token of every path.
        """
        for group in self._groups(paths):
            rows = [(seat, path, depth) for seat, path in enumerate(group, 1) for depth in range(len(paths[path]))]
            for seat in range(1, len(group) + 1):
                self._lib.llama_memory_seq_cp(self._memory, 0, seat, -1, -1)
            for row, (seat, path, depth) in enumerate(rows):
                self._place(row, paths[path][depth], self.position + depth, seat)
            self._batch.n_tokens = len(rows)
            self._decode(self._batch)
            for row, (_, path, depth) in enumerate(rows):
                yield path, depth, self._logits(row)
            for seat in range(1, len(group) + 1):
                self._lib.llama_memory_seq_rm(self._memory, seat, -1, -1)

    def _groups(self, paths: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Paths that fit in one batch, in the free part of the window, and on the seats."""
        room = min(_BATCH, self.window - self.position)
        group: list[int] = []
        used = 0
        for index, path in enumerate(paths):
            if len(path) > room:
                raise BadRequest(f"{self.position + len(path)} tokens do not fit in the window of {self.window}")
            if group and (used + len(path) > room or len(group) + 1 >= self._branches):
                yield group
                group, used = [], 0
            group.append(index)
            used += len(path)
        if group:
            yield group

    def _place(self, row: int, token: int, position: int, seat: int) -> None:
        batch = self._batch
        batch.token[row] = token
        batch.pos[row] = position
        batch.n_seq_id[row] = 1
        batch.seq_id[row][0] = seat
        batch.logits[row] = 1

    def _decode(self, batch: Any) -> None:
        self._raise_if_ended()
        with self._overhearing():
            code = self._lib.llama_decode(self._context, batch)
        if code == _DONE and self._caught is None:
            return
        self._raise_if_ended()
        if code == _ABORTED:
            raise Interrupted("interrupted")
        if code == _NO_ROOM:
            raise BadRequest(f"the window of {self.window} tokens is full", "shorten the prompt, or raise context")
        raise BadAnswer(f"llama.cpp failed with code {code}")

    def _logits(self, row: int) -> Logits:
        pointer = self._lib.llama_get_logits_ith(self._context, row)
        if not pointer:
            raise BadAnswer("llama.cpp computed nothing for this prompt")
        logits: Logits = self._np.ctypeslib.as_array(pointer, (self.vocabulary.size,)).copy()
        if self._np.isnan(logits.max()):
            raise ModelUnusable("the model computes not-a-number: its weights are damaged", "download it again")
        return logits

    def _should_end(self, _data: object) -> bool:
        """Asked by llama.cpp between two operations."""
        return self._caught is not None or self._control.stopped or self._control.expired

    @contextmanager
    def _overhearing(self) -> Iterator[None]:
        """Hear of an exception that a signal handler raises within llama.cpp's call.

        Python runs the handler as it enters `_should_end`, before anything there could catch what it raises, and
        ctypes then prints it and goes on. Only the main thread runs handlers.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = sys.unraisablehook

        def hear(found: sys.UnraisableHookArgs) -> None:
            if isinstance(found.exc_value, (KeyboardInterrupt, SynapseError, SystemExit)):
                self._caught = found.exc_value
            else:
                before(found)

        sys.unraisablehook = hear
        try:
            yield
        finally:
            sys.unraisablehook = before

    def _raise_if_ended(self) -> None:
        if self._caught is not None:
            caught, self._caught = self._caught, None
            raise caught
        raise_if_ended(self._control)

    def grammar(self, text: str) -> Grammar:
        """A fresh state of a GBNF grammar over this vocabulary."""
        return Grammar(self._lib, self.vocabulary.pointer, text)


class Vocabulary:
    """A model's own tokenizer. Alone, without the weights, when it comes from `open_vocabulary`."""

    def __init__(self, lib: Any, model: int) -> None:
        self._lib = lib
        self.pointer: int = lib.llama_model_get_vocab(model)
        self.size: int = lib.llama_vocab_n_tokens(self.pointer)

    def tokens(self, text: str, *, special: bool, begin: bool = False) -> list[int]:
        """Tokens of a text. `special` reads control marks such as <|im_end|> as such; `begin` adds the model's own."""
        raw = text.encode("utf-8", "replace")
        size = len(raw) + 8
        while True:
            array = (ctypes.c_int32 * size)()
            count = self._lib.llama_tokenize(self.pointer, raw, len(raw), array, size, begin, special)
            if count >= 0:
                return list(array[:count])
            size = -count

    def piece(self, token: int, *, special: bool = False, strip: bool = False) -> bytes:
        """The bytes a token stands for; none for control tokens unless `special`."""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = self._lib.llama_token_to_piece(self.pointer, token, buffer, size, int(strip), special)
            if count >= 0:
                return buffer.raw[:count]
            size = -count

    def is_end(self, token: int) -> bool:
        """Whether this token ends the answer."""
        return bool(self._lib.llama_vocab_is_eog(self.pointer, token))

    def is_control(self, token: int) -> bool:
        """Whether this token is a mark of the chat format."""
        return bool(self._lib.llama_vocab_is_control(self.pointer, token))

    @property
    def end_token(self) -> int:
        """The token that ends a turn, else the one that ends a text."""
        turn: int = self._lib.llama_vocab_eot(self.pointer)
        return self.end_of_text if turn < 0 else turn

    @property
    def end_of_text(self) -> int:
        """The token that ends a text; -1 where there is none."""
        token: int = self._lib.llama_vocab_eos(self.pointer)
        return token

    @property
    def begin_token(self) -> int:
        """The token that begins a text; -1 where there is none."""
        token: int = self._lib.llama_vocab_bos(self.pointer)
        return token

    @property
    def writes_leading_space(self) -> bool:
        """Whether its tokenizer puts a space before the first word of an answer."""
        kind: int = self._lib.llama_vocab_type(self.pointer)
        return kind == _SPM


def open_vocabulary(path: str) -> Vocabulary:
    """Load the tokenizer of a model file, and not its weights."""
    lib = library()
    params = lib.llama_model_default_params()
    params.vocab_only = True
    _said.clear()
    model = lib.llama_model_load_from_file(os.fsencode(path), params)
    if not model:
        raise ModelUnusable(
            f"llama.cpp cannot read the vocabulary of {path}: {_reason()}", "try another GGUF of this model"
        )
    vocabulary = Vocabulary(lib, model)
    weakref.finalize(vocabulary, lib.llama_model_free, model).atexit = False
    return vocabulary


class Grammar:
    """What may come next by a grammar. Only grammars of our own making: a wrong one kills the process."""

    def __init__(self, lib: Any, vocab: int, text: str) -> None:
        self._lib = lib
        _said.clear()
        self._sampler = lib.llama_sampler_init_grammar(vocab, text.encode(), b"root")
        if not self._sampler:
            raise BadRequest(f"llama.cpp does not take the grammar made from this schema: {_reason()}")
        self._free = weakref.finalize(self, lib.llama_sampler_free, self._sampler)
        self._free.atexit = False

    def allowed(self, tokens: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Which of these tokens may come next."""
        import numpy as np

        entries = np.zeros(len(tokens), dtype=[("id", np.int32), ("logit", np.float32), ("p", np.float32)])
        entries["id"] = tokens
        data = entries.ctypes.data_as(self._lib.llama_token_data_p)
        array = self._lib.llama_token_data_array(data, len(tokens), -1, False)
        self._lib.llama_sampler_apply(self._sampler, ctypes.byref(array))
        mask: npt.NDArray[np.bool_] = np.isfinite(entries["logit"])
        return mask

    def accept(self, token: int) -> None:
        """Move on by a token that is allowed."""
        self._lib.llama_sampler_accept(self._sampler, token)


def _reason() -> str:
    """The most telling of llama.cpp's last error lines: the first one names the cause."""
    lines = [line.split(": ", 1)[-1] if line.startswith("llama_") else line for line in _said if line]
    return lines[0] if lines else "it does not say why"


def _release(lib: Any, batch: Any, context: int, model: int) -> None:
    lib.llama_batch_free(batch)
    lib.llama_free(context)
    lib.llama_model_free(model)

"""Which tokens does a text have, and which bytes a token? A model's own tokenizer, with or without its weights."""

from __future__ import annotations

import ctypes
import os
import weakref
from typing import Any

from synapse_cli.backends.llamacpp_library import forget, library, reason
from synapse_cli.core.errors import ModelUnusable

_SPM = 1


def open_vocabulary(path: str) -> Vocabulary:
    """Load the tokenizer of a model file, and not its weights."""
    lib = library()
    params = lib.llama_model_default_params()
    params.vocab_only = True
    forget()
    model = lib.llama_model_load_from_file(os.fsencode(path), params)
    if not model:
        raise ModelUnusable(
            f"llama.cpp cannot read the vocabulary of {path}: {reason()}", "try another GGUF of this model"
        )
    vocabulary = Vocabulary(lib, model)
    weakref.finalize(vocabulary, lib.llama_model_free, model).atexit = False
    return vocabulary


class Vocabulary:
    """A model's own tokenizer; several threads may ask it at once, as long as the model is loaded."""

    def __init__(self, lib: Any, model: int) -> None:
        self._lib = lib
        self.pointer: int = lib.llama_model_get_vocab(model)
        self.size: int = lib.llama_vocab_n_tokens(self.pointer)
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}

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
        if special or strip:
            return self._piece(token, special=special, strip=strip)
        known = self._pieces.get(token)
        if known is None:
            known = self._pieces[token] = self._piece(token, special=False, strip=False)
        return known

    def _piece(self, token: int, *, special: bool, strip: bool) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = self._lib.llama_token_to_piece(self.pointer, token, buffer, size, int(strip), special)
            if count >= 0:
                return buffer.raw[:count]
            size = -count

    def is_end(self, token: int) -> bool:
        """Whether this token ends the answer."""
        known = self._ends.get(token)
        if known is None:
            known = self._ends[token] = bool(self._lib.llama_vocab_is_eog(self.pointer, token))
        return known

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

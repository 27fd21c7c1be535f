"""Turn texts into vectors on this machine: any GGUF that llama.cpp can read, through llama.cpp."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from synapse_cli.backends import minilm
from synapse_cli.backends.encoders import unit
from synapse_cli.backends.gguf import Header, check_tokens, read_header, stamp
from synapse_cli.backends.llamacpp_memory import estimate
from synapse_cli.backends.llamacpp_pool import Wanted, pool
from synapse_cli.core.completion import FREE, Facts, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError, BadRequest, ModelUnusable
from synapse_cli.core.vectors import NOTHING, Vectors
from synapse_cli.profile.model import Model

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.backends.llamacpp_encoder_engine import EncodingEngine
    from synapse_cli.backends.llamacpp_encoder_texts import Cutter, Pieces

    Floats = npt.NDArray[np.float32]

_TURN_S = 0.05
"""How often a call that waits for another one on the same model looks whether it should end."""
_LONGEST_DEFAULT = 4096
"""Tokens, for a model that writes text and was made for more: nobody embeds a book as one vector by accident."""

_LONGEST = 1 << 20
"""Tokens; more is garbage in a header."""
_ANOTHER = "download it again, or try another GGUF of this model"


class LlamaEncoder:
    """A GGUF that makes vectors; kept by the pool. One call at a time: others wait their turn."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._header: Header | None = None
        self._cutter: tuple[EncodingEngine, Cutter] | None = None

    def encode(self, texts: Sequence[str], control: Control) -> Vectors:
        """One vector a text, in order. What is too long is cut, or averaged over its chunks, and said."""
        with self._lent(control) as (engine, cutter):
            if not texts:
                return NOTHING
            control.doing("encoding texts")
            pieces = [cutter.pieces(text) for text in texts]
            rows = engine.vectors([part for each in pieces for part in each.parts], control)
            made = _shortened(_joined(rows, pieces), self._model)
        made = unit(made) if self._model.normalize else made
        return Vectors(
            dimension=made.shape[1],
            packed=made.astype("<f4", copy=False).tobytes(),
            usage=Usage(sum(each.tokens for each in pieces), 0),
            warnings=_warnings(pieces, cutter.window, self._model),
        )

    def facts(self) -> Facts:
        """What the header says; an unusable file is known by its absent window until it is called."""
        try:
            tokens: int | None = _window(self._model, self._now(prepares=False))
        except BackendError:
            tokens = None
        return Facts(is_local=True, provider="llama.cpp", price=FREE, context_tokens=tokens)

    @contextmanager
    def _lent(self, control: Control) -> Iterator[tuple[EncodingEngine, Cutter]]:
        """The engine from the pool, for these texts and nobody else's, and what cuts texts for it."""
        header = self._now(prepares=True)
        wanted = self._wanted(header)

        def load() -> EncodingEngine:
            from synapse_cli.backends.llamacpp_encoder_engine import EncodingEngine

            check_tokens(header.path)
            return EncodingEngine(self._model, header, control)

        with pool().lend(wanted, load, control) as engine, _turn(engine, control):
            cutter = self._cutter
            if cutter is None or cutter[0] is not engine:
                from synapse_cli.backends.llamacpp_encoder_texts import Cutter

                chunks = self._model.too_long == "chunk"
                cutter = self._cutter = engine, Cutter(engine.vocabulary, header, wanted.window, chunks=chunks)
            yield engine, cutter[1]

    def _wanted(self, header: Header) -> Wanted:
        model, window = self._model, _window(self._model, header)
        return Wanted(
            name=model.name,
            key=("vectors", header.path, model.pooling, model.threads, model.gpu),
            header=header,
            stamp=header.stamp,
            window=window,
            need=estimate(header, window, cells=window, seats=1, outputs=1),
            keep_alive_s=model.keep_alive_s,
        )

    def _now(self, *, prepares: bool) -> Header:
        """What the file says of itself: read anew where it has changed."""
        path = encoder_path(self._model, prepares=prepares)
        header = self._header
        if header is None or header.path != path or stamp(header.parts) != header.stamp:
            header = self._header = read_header(path, "vectors")
        return header


@contextmanager
def _turn(engine: EncodingEngine, control: Control) -> Iterator[None]:
    """Hold the engine: two threads in one llama.cpp context abort the process."""
    from synapse_cli.backends.llamacpp_seat import raise_if_ended

    raise_if_ended(control)
    while not engine.turn.acquire(timeout=_TURN_S):
        raise_if_ended(control)
    try:
        yield
    finally:
        engine.turn.release()


def encoder_path(model: Model, *, prepares: bool) -> str:
    """Where the encoder's file is; with `prepares` the default encoder is made where it is missing."""
    if model.source == minilm.SOURCE:
        return minilm.ready(os.environ) if prepares else minilm.path(os.environ)
    from synapse_cli.backends.catalog_paths import model_path

    return model_path(model)


def _window(model: Model, header: Header) -> int:
    """Tokens of one text. A table of positions ends where it ends: asking beyond it ends the process."""
    trained = min(header.context_length or 512, _LONGEST)
    table = header.layout.get("position_embd.weight")
    if table is not None and table.shape[-1] != header.context_length:
        raise ModelUnusable(
            f"{header.path} claims {header.context_length} tokens and knows {table.shape[-1]} positions", _ANOTHER
        )
    if model.context is None:
        return trained if header.is_encoder else min(trained, _LONGEST_DEFAULT)
    if model.context > trained:
        raise ModelUnusable(
            f"models.{model.name}.context is {model.context}, and {header.path} takes {trained} tokens", "lower context"
        )
    return model.context


def _joined(rows: Floats, pieces: Sequence[Pieces]) -> Floats:
    """One row a text: of its only part, or the average of its chunks by their length."""
    import numpy as np

    made = np.empty((len(pieces), rows.shape[1]), dtype=np.float32)
    at = 0
    for number, each in enumerate(pieces):
        part = rows[at : at + len(each.parts)]
        at += len(each.parts)
        made[number] = part[0] if len(part) == 1 else np.average(unit(part), axis=0, weights=each.weights)
    return made


def _shortened(rows: Floats, model: Model) -> Floats:
    """The first numbers of each vector, for models that were trained to put the most into them."""
    wanted = model.dimensions or rows.shape[1]
    if wanted > rows.shape[1]:
        raise BadRequest(f"the vectors of {model.name} have {rows.shape[1]} numbers, not {wanted}", "lower dimensions")
    return rows[:, :wanted]


def _warnings(pieces: Sequence[Pieces], window: int, model: Model) -> tuple[str, ...]:
    longer = sum(each.is_long for each in pieces)
    if not longer:
        return ()
    of = f"{longer} of {len(pieces)} texts" if len(pieces) > 1 else "the text"
    verb = "are" if longer > 1 else "is"
    if model.too_long == "chunk":
        return (f"{of} {verb} longer than the {window} tokens of {model.name}: averaged over chunks",)
    return (f"{of} {verb} longer than the {window} tokens of {model.name}: cut there",)

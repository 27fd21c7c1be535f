"""Label a text by its likeness to the labels: an encoder as a tier, in milliseconds and for nothing."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from synapse_cli.backends import minilm
from synapse_cli.backends.closed_labels import given_labels, named_labels, question
from synapse_cli.backends.encoders import matrix, open_encoder, unit
from synapse_cli.core.completion import Completion, Count, Facts, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import Interrupted, TimedOut, Unsuited
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.vectors import Vectors
from synapse_cli.profile.model import Model

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

_LONGEST_TEXT = 6000
"""Characters; a longer text is about several things, and reading it takes more than milliseconds."""
_SAY_NOTHING = frozenset(
    "yes no true false y n maybe unknown unclear other none ja nein oui non si".split()  # noqa: SIM905  # as elsewhere
)
"""Words that no text is like: what they mean stands in the question."""
_PROTOTYPE_SHARE = 0.8
"""What likeness to other texts under a label counts for; the rest is likeness to its name. Best on held-back fifths of
the bank and on dev.jsonl; wordings such as "This is about {label}." changed nothing there, so there are none."""
_SHARPNESS, _SHARPNESS_OF_NAMES = 0.02, 0.03
"""Temperatures of the softmax over cosines, with prototypes and by names alone: of the answers that pass 0.97, nine in
ten are to be right. Measured likewise: .92 on 1,500 items of the bank, all on dev.jsonl."""
_MOST_KEPT = 2000


class EncoderTier:
    """A Backend that holds an Encoder. It chooses among labels; for all else it raises Unsuited, and loads nothing.

    Its confidence is its margin: the softmax over the labels' cosines, sharpened so that it means what nano's does.
    """

    def __init__(self, model: Model, keys: Callable[[], tuple[str, ...]] | None = None) -> None:
        """Take the model as the profile has it; `keys` are asked for where a provider encodes."""
        self._model = model
        self._encoder = open_encoder(replace(model, too_long="chunk", normalize=True), keys)
        self._kept: dict[str, Floats] = {}
        self._lock = Lock()

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Answer with the label that the text is most like, in its declared spelling."""
        started = time.monotonic()
        _go_on(control)
        labels, text = asked(request)
        found = self._encoder.encode([text], control)
        names, usage = self._names(labels, control)
        chances = self._chances(labels, names, unit(matrix(found))[0])
        best = max(range(len(labels)), key=chances.__getitem__)
        answer = labels[best] if request.schema is None else json.dumps(labels[best], ensure_ascii=False)
        if emit is not None:
            emit(answer)
        usage = found.usage + usage + Usage(0, 1)
        price = self.facts().price
        return Completion(
            text=answer,
            finish="stop",
            usage=usage,
            cost=price.cost(usage) if price else None,
            confidence=chances[best],
            latency_s=time.monotonic() - started,
            first_latency_s=time.monotonic() - started,
        )

    def facts(self) -> Facts:
        """The encoder's."""
        return self._encoder.facts()

    def count(self, messages: Sequence[Message]) -> Count:
        """About four characters are a token; what is counted exactly costs nothing here."""
        return Count(1 + sum(len(message.content) for message in messages) // 4, estimated=True)

    def _names(self, labels: Sequence[str], control: Control) -> tuple[Floats, Usage]:
        """The vectors of the labels' names; those of labels that were asked for before are kept."""
        import numpy as np

        from synapse_cli.backends.prototypes import spoken

        said = [spoken(label) for label in labels]
        with self._lock:
            known = {name: self._kept[name] for name in said if name in self._kept}
        new = [name for name in dict.fromkeys(said) if name not in known]
        made = self._encoder.encode(new, control) if new else Vectors(dimension=0, packed=b"")
        known |= zip(new, unit(matrix(made)), strict=True) if new else ()
        with self._lock:
            if len(self._kept) > _MOST_KEPT:
                self._kept.clear()
            self._kept |= known
        return np.stack([known[name] for name in said]), made.usage

    def _chances(self, labels: Sequence[str], names: Floats, text: Floats) -> list[float]:
        """Each label's probability, between the labels."""
        from synapse_cli.backends.prototypes import likeness

        likenesses, sharpness = names @ text, _SHARPNESS_OF_NAMES
        known = likeness(labels, text) if self._model.source == minilm.SOURCE else None
        if known is not None:
            likenesses = _PROTOTYPE_SHARE * known + (1 - _PROTOTYPE_SHARE) * likenesses
            sharpness = _SHARPNESS
        top = float(likenesses.max())
        weights = [math.exp((float(each) - top) / sharpness) for each in likenesses]
        return [weight / math.fsum(weights) for weight in weights]


def asked(request: Request) -> tuple[tuple[str, ...], str]:
    """The labels and the text. Raises Unsuited, with the reason, for what likeness cannot answer."""
    if request.grammar is not None or request.tools:
        raise _unsuited("it takes neither grammar nor tools")
    labels = given_labels(request)
    if not labels and request.schema is not None:
        raise _unsuited("the schema is no enumeration of labels")
    labels = labels or named_labels(request)
    if len(labels) < 2:
        raise _unsuited("the request names no labels to choose from")
    if _say_nothing(labels):
        raise _unsuited(f"no text is like {labels[0]!r} or {labels[1]!r}")
    from synapse_cli.backends.subject import subject

    text = subject(question(request), labels)
    if not text.strip():
        raise _unsuited("there is no text to label")
    if len(text) > _LONGEST_TEXT:
        raise _unsuited(f"a text of {len(text):,} characters is too long to be about one thing")
    return labels, text


def _say_nothing(labels: Sequence[str]) -> bool:
    said = [label.strip().casefold() for label in labels]
    return sum(each in _SAY_NOTHING for each in said) >= len(said) - 1 or any(
        len(each) < 2 or each.replace(".", "").isdigit() for each in said
    )


def _unsuited(why: str) -> Unsuited:
    return Unsuited(f"an encoder chooses among labels, and {why}", "give labels with --choices, or add another tier")


def _go_on(control: Control) -> None:
    if control.stopped:
        raise Interrupted("interrupted")
    if control.expired:
        raise TimedOut("no answer in time", "raise --timeout")

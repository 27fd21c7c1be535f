"""Answer on this machine: a GGUF through llama.cpp."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from synapse_cli.backends.catalog_paths import NANO
from synapse_cli.backends.gguf import Header, Stamp, check_tokens, stamp
from synapse_cli.backends.llamacpp_local import LocalModel
from synapse_cli.backends.llamacpp_settings import warnings, window
from synapse_cli.core.completion import FREE, Completion, Count, Facts, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import PROMPT_LOOKUP, Model

if TYPE_CHECKING:
    from synapse_cli.backends.llamacpp_seat import Answer, Ways
    from synapse_cli.backends.llamacpp_stable import Beginnings
    from synapse_cli.backends.llamacpp_vocabulary import Vocabulary

_NOTICE = (
    "nano is a tiny model for labels, fields and yes/no; for more, "
    "name a GGUF file (-m PATH.gguf) or a hosted model (-m gpt-5-mini)"
)
NANO_MAX_TOKENS = 256
"""What it can do fits; on anything else it would ramble to the end of its window before the prompt can climb."""


class LlamaCpp:
    """A local model; loaded at the first call, and kept by the pool. Calls of several threads are answered together."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._local = LocalModel(model)
        self._lock = threading.Lock()
        self._vocabulary: tuple[Header, Vocabulary] | None = None
        self._beginnings: tuple[tuple[Header, Stamp], Beginnings | None] | None = None

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Answer the request; labels and schemas bind what may be written."""
        from synapse_cli.backends.llamacpp_answer import write
        from synapse_cli.backends.llamacpp_job import Job
        from synapse_cli.backends.llamacpp_prompt import prepare, wishes
        from synapse_cli.backends.sampling import parse

        started = time.monotonic()
        bound = {"max_tokens": NANO_MAX_TOKENS} if self._model.source == NANO else {}
        sampling = parse({**bound, **request.params})
        wished = wishes(request, self._model.effort)
        with self._local.lend(control) as (header, engine, notes):
            prompt = prepare(engine.vocabulary, header.chat_template, request.messages, control, wished)
            ways = self._ways(header)
            marks_stable = ways.beginnings is not None or engine.is_recurrent
            job = Job(engine, header, request, sampling, prompt, control, wished, marks_stable)
            given = engine.answer(lambda hand_out: write(job, hand_out), control, emit, ways)
        return self._completion(given, (*notes, *warnings(self._model, header), *prompt.warnings), started)

    def facts(self) -> Facts:
        """What the header says; an unusable file is known by its absent window until it is called."""
        try:
            header = self._local.header()
            tokens: int | None = window(self._model, header)
        except BackendError:
            tokens = None
        notice = _NOTICE if self._model.source == NANO else None
        return Facts(is_local=True, provider="llama.cpp", price=FREE, context_tokens=tokens, notice=notice)

    def count(self, messages: Sequence[Message]) -> Count:
        """Tokens of the rendered conversation by the model's own tokenizer, which is loaded without the weights."""
        from synapse_cli.backends.llamacpp_prompt import prepare
        from synapse_cli.backends.llamacpp_vocabulary import open_vocabulary

        header = self._local.header()
        with self._lock:
            if self._vocabulary is None or self._vocabulary[0] is not header:
                check_tokens(header.path)
                self._vocabulary = header, open_vocabulary(header.path)
            vocabulary = self._vocabulary[1]
        prompt = prepare(vocabulary, header.chat_template, messages, Control())
        return Count(len(prompt.tokens), estimated=False)

    def _ways(self, header: Header) -> Ways:
        from synapse_cli.backends.llamacpp_seat import Ways
        from synapse_cli.backends.llamacpp_stable import beginnings_of

        model = self._model
        looks_ahead = model.draft == PROMPT_LOOKUP
        if model.prefix_cache != "disk":
            return Ways(model.prefix_cache != "off", looks_ahead=looks_ahead)
        files = header, stamp(tuple(lora.file for lora in model.lora))
        with self._lock:
            if self._beginnings is None or self._beginnings[0] != files:
                self._beginnings = files, beginnings_of(model, header)
            return Ways(beginnings=self._beginnings[1], looks_ahead=looks_ahead)

    @staticmethod
    def _completion(given: Answer, notes: tuple[str, ...], started: float) -> Completion:
        usage = Usage(given.input, given.output, reasoning=given.reasoning)
        return Completion(
            text=given.text,
            finish=given.finish,
            usage=usage,
            cost=FREE.cost(usage),
            confidence=min(1.0, max(0.0, given.confidence)),
            latency_s=time.monotonic() - started,
            first_latency_s=None if math.isnan(given.first_at) else given.first_at - started,
            thinking=given.thinking,
            tool_calls=given.calls,
            warnings=(*notes, *given.warnings),
        )

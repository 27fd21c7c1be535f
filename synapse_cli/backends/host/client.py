"""Ask a model through its host: a Backend, or an Encoder, whose work is done in another process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from synapse_cli.backends.host import codec
from synapse_cli.backends.host.conversation import Wanted, ask
from synapse_cli.backends.host.kind import Kind
from synapse_cli.backends.host.start import NoHost
from synapse_cli.core.completion import Completion, Count, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.ports import Backend, Emit, Encoder
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.vectors import Vectors
from synapse_cli.profile.model import Model
from synapse_cli.profile.settings import HostSettings

P = TypeVar("P", Backend, Encoder)


class _Hosted(Generic[P]):
    """What both ports share. Where no host can start, the model runs in this process, which is said.

    `keys` is asked at each call, and what it gives goes with the call and nowhere else. `in_process` makes the
    model itself, for what is known without calling it.
    """

    def __init__(
        self,
        model: Model,
        kind: Kind,
        *,
        in_process: Callable[[], P],
        keys: Callable[[], tuple[str, ...]] | None = None,
        settings: HostSettings | None = None,
        force: bool = False,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._wanted = Wanted(model, kind, settings or HostSettings(), keys, force)
        self._make: Callable[[], P] = in_process
        self._made: P | None = None
        self._warn = warn

    def facts(self) -> Facts:
        """What is known without calling it, and without a host: a header, a price."""
        return self._in_process().facts()

    def _in_process(self) -> P:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _instead(self, reason: NoHost) -> P:
        self._warn(f"{reason}: {self._wanted.model.name} runs in this process instead")
        return self._in_process()


class Hosted(_Hosted[Backend]):
    """A Backend in a host."""

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Answer the request, or raise a SynapseError."""
        began = time.monotonic()
        asked = {"op": "complete", "request": codec.request_json(request), "streams": emit is not None}
        try:
            said = ask(self._wanted, asked, control, emit)
        except NoHost as reason:
            return self._instead(reason).complete(request, control, emit)
        return _as_waited_for(codec.to_completion(said), time.monotonic() - began)

    def count(self, messages: Sequence[Message]) -> Count:
        """Tokens of these messages, counted where the model's tokenizer is: a bad file may crash that.

        A hosted model's are only estimated, for which no host is started.
        """
        asked: dict[str, Any] = {"op": "count", "messages": codec.messages_json(messages)}
        may_start = self._wanted.kind == "local"
        try:
            return codec.to_count(ask(self._wanted, asked, Control(), may_start=may_start))
        except NoHost as reason:
            return (self._instead(reason) if may_start else self._in_process()).count(messages)


class HostedEncoder(_Hosted[Encoder]):
    """An Encoder in a host."""

    def encode(self, texts: Sequence[str], control: Control) -> Vectors:
        """One vector for each text, or a SynapseError."""
        try:
            return codec.to_vectors(ask(self._wanted, {"op": "encode", "texts": list(texts)}, control))
        except NoHost as reason:
            return self._instead(reason).encode(texts, control)


def _as_waited_for(completion: Completion, waited_s: float) -> Completion:
    """Count the way to the host, and its start, into how long the answer took."""
    way_s = max(0.0, waited_s - completion.latency_s)
    first_s = None if completion.first_latency_s is None else completion.first_latency_s + way_s
    return replace(completion, latency_s=completion.latency_s + way_s, first_latency_s=first_s)

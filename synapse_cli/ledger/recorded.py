"""A backend whose calls are written down: a row before each is sent, completed when it has ended.

Whoever is killed in between leaves a call that began and has not ended: it is in doubt, and so is what it cost.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from synapse_cli.core.clock import Clock
from synapse_cli.core.completion import Completion, Count, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import UNSENT, EngineMissing, KeyMissing, ModelMissing, NotAllowed, Unsuited
from synapse_cli.core.ports import Backend, Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.calls import Call

NOT_SENT = (*UNSENT, KeyMissing, NotAllowed, Unsuited, ModelMissing, EngineMissing)
"""Errors after which it is known that nobody was asked."""


class Record:
    """Where the calls of one run are written down. Safe to share between threads."""

    def __init__(self, book: Book, run_id: str, clock: Clock) -> None:
        self.book = book
        self.run_id = run_id
        self.clock = clock
        self._places = itertools.count()

    def begins(self, *, kind: str, model: str, provider: str, deployment: str | None) -> Call:
        """Write down that a call begins."""
        call = Call(
            run=self.run_id,
            place=next(self._places),
            kind=kind,
            model=model,
            provider=provider,
            deployment=deployment,
            started=self.clock.now(),
        )
        self.book.call_begins(call)
        return call


class Recorded:
    """Wraps a backend; whatever becomes of a call is in the ledger before anybody is told."""

    def __init__(
        self,
        backend: Backend,
        record: Record,
        *,
        model: str,
        provider: str,
        is_local: bool,
        kind: str = "tier",
        deployment: str | None = None,
    ) -> None:
        self._backend = backend
        self._record = record
        self._model = model
        self._provider = provider
        self._is_local = is_local
        self._kind = kind
        self._deployment = deployment

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Answer as the wrapped backend does."""
        record = self._record
        call = record.begins(kind=self._kind, model=self._model, provider=self._provider, deployment=self._deployment)
        began = record.clock.monotonic()
        try:
            completion = self._backend.complete(request, control, emit)
        except NOT_SENT:
            record.book.call_unsent(call)
            raise
        except BaseException as error:
            record.book.call_failed(call, error, record.clock.monotonic() - began, is_local=self._is_local)
            raise
        record.book.call_answered(call, completion)
        return completion

    def facts(self) -> Facts:
        """The wrapped backend's."""
        return self._backend.facts()

    def count(self, messages: Sequence[Message]) -> Count:
        """The wrapped backend's."""
        return self._backend.count(messages)

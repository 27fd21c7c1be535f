"""Answer as dearer models did: a student as the tier before all others, in milliseconds and for nothing.

It answers only where its agreement with its teachers is certified; for all else it raises Unsuited, and the next tier
is asked. Words alone decide in pure Python; an encoder, where the student has one, is asked only if they are not sure.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING

from synapse_cli.core.completion import FREE, Completion, Count, Facts, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import InputError, Interrupted, Problem, ProfileError, TimedOut, Unsuited
from synapse_cli.core.ports import Emit, Encoder
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model

if TYPE_CHECKING:
    from synapse_cli.learned.student import Reply, Student

_CHARS_PER_TOKEN = 4


class StudentTier:
    """A Backend that says what dearer models said of such texts, in their own words."""

    def __init__(self, model: Model, encoder: Callable[[str], Encoder] | None = None) -> None:
        """Take the model as the profile has it; `encoder` opens the encoder of an identity, or raises Unsuited."""
        self._model = model
        self._open = encoder or _no_encoder
        self._encoder: Encoder | None = None
        self._student: Student | None = None
        self._lock = Lock()

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Answer where that is certified. Raises Unsuited where it is not, ProfileError for a file that is no use."""
        from synapse_cli.backends.closed_labels import question
        from synapse_cli.backends.student_scope import difference, text_in

        started = time.monotonic()
        _go_on(control)
        student = self._loaded()
        other = difference(request, student.scope)
        if other is not None:
            raise _unsuited(other)
        text = text_in(question(request), student.scope.head, student.scope.tail)
        reply, cost, spent = self._reply(student, text, control)
        if not reply.is_familiar:
            raise _unsuited("the text is unlike those that it learned from")
        if not reply.is_certain:
            raise _unsuited(
                f"of this text it is {reply.confidence:.2f} sure, and certified from {student.least:.3g} on"
            )
        if emit is not None:
            emit(reply.text)
        usage = Usage(self.count(request.messages).tokens, _tokens(reply.text), estimated=True)
        return Completion(
            text=reply.text,
            finish="stop",
            usage=usage + spent,
            cost=cost,
            confidence=reply.confidence,
            latency_s=time.monotonic() - started,
            first_latency_s=time.monotonic() - started,
        )

    def facts(self) -> Facts:
        """Local and free; the file is not opened for it."""
        return Facts(is_local=True, provider="student", price=FREE)

    def count(self, messages: Sequence[Message]) -> Count:
        """About four characters are a token; what is counted exactly costs nothing here."""
        return Count(1 + sum(len(message.content) for message in messages) // _CHARS_PER_TOKEN, estimated=True)

    def _loaded(self) -> Student:
        from synapse_cli.learned.student import load

        with self._lock:
            if self._student is None:
                try:
                    self._student = load((self._model.source or "").removeprefix("file:"))
                except InputError as error:
                    raise refused(self._model, error) from error
            return self._student

    def _reply(self, student: Student, text: str, control: Control) -> tuple[Reply, Decimal | None, Usage]:
        """What it would say, and what the encoder took; one that is not here is missed before words are read."""
        if student.encoder is None:
            reply = student.by_its_words(text)
            assert reply is not None, "without an encoder words decide"
            return reply, Decimal(0), Usage(0, 0)
        with self._lock:
            if self._encoder is None:
                self._encoder = self._open(student.encoder)
            encoder = self._encoder
        sure = student.by_its_words(text)
        if sure is not None:
            return sure, Decimal(0), Usage(0, 0)
        found = encoder.encode([text], control)
        try:
            reply = student.with_its_meaning(text, found.row(0))
        except ValueError as error:
            raise _unsuited(f"the encoder gives {error}") from error
        return reply, found.cost, found.usage


def _no_encoder(identity: str) -> Encoder:
    raise _unsuited(f"it needs the encoder {identity}, and none is here")


def refused(model: Model, error: InputError) -> ProfileError:
    """What is said of a profile whose student cannot be used."""
    where = f"models.{model.name}.source"
    return ProfileError((Problem(model.file or "the profile", where, error.message, "a student", error.hint),))


def _unsuited(why: str) -> Unsuited:
    return Unsuited(f"the student does not know: {why}", "the next tier is asked; synapse distill makes a student anew")


def _tokens(text: str) -> int:
    return 1 + len(text) // _CHARS_PER_TOKEN


def _go_on(control: Control) -> None:
    if control.stopped:
        raise Interrupted("interrupted")
    if control.expired:
        raise TimedOut("no answer in time", "raise --timeout")

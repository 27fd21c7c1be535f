"""A backend, or an encoder, that waits for its turn under its provider's limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from synapse_cli.cascade.limiter import Turn
from synapse_cli.core.completion import Completion, Count, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import (
    UNBILLED,
    UNSENT,
    BudgetSpent,
    Interrupted,
    KeyMissing,
    NotAllowed,
    RateLimited,
    Unavailable,
    Unsuited,
)
from synapse_cli.core.ports import Backend, Emit, Encoder
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.vectors import Vectors

T = TypeVar("T", Completion, Vectors)
TakeTurn = Callable[[int, Control], Turn]
"""Waits until so many tokens may be sent."""

USUAL_OUTPUT = 1024
"""Tokens reserved for an answer that nothing bounds: what it took is known soon after, and 4,096 for each of eight
calls in flight would stop most free tiers at the second."""
_BYTES_A_TOKEN = 4
_LATE_S = 10.0
"""What a failed call counts as above its own time, so that "fastest" is not whoever fails at once."""
_NEVER_SENT = (*UNSENT, BudgetSpent, KeyMissing, NotAllowed, Unsuited)


class Limited:
    """Wraps the backend of one deployment; what the provider said of its limits is learned from each answer."""

    def __init__(self, backend: Backend, turn: TakeTurn) -> None:
        self._backend = backend
        self._turn = turn

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Answer in turn. Raises Shed where none comes in time."""
        turn = self._turn(tokens_of(request), control)
        return within(turn, lambda: self._backend.complete(request, control, emit))

    def facts(self) -> Facts:
        """The wrapped backend's."""
        return self._backend.facts()

    def count(self, messages: Sequence[Message]) -> Count:
        """The wrapped backend's."""
        return self._backend.count(messages)


class LimitedEncoder:
    """The same for texts that are turned into vectors; a call of many texts counts as one request."""

    def __init__(self, encoder: Encoder, turn: TakeTurn) -> None:
        self._encoder = encoder
        self._turn = turn

    def encode(self, texts: Sequence[str], control: Control) -> Vectors:
        """Encode in turn."""
        turn = self._turn(tokens_of_texts(texts), control)
        return within(turn, lambda: self._encoder.encode(texts, control))

    def facts(self) -> Facts:
        """The wrapped encoder's."""
        return self._encoder.facts()


def within(turn: Turn, call: Callable[[], T]) -> T:
    """Make a call whose turn it is, and give the seat back however it ends."""
    try:
        done = call()
    except RateLimited as error:
        turn.refused(error.retry_after_s, error.quota)
        raise
    except _NEVER_SENT:
        turn.unsent()
        raise
    except BaseException as error:
        is_late = isinstance(error, Unavailable) and not isinstance(error, Interrupted)
        turn.failed(is_billed=not isinstance(error, UNBILLED), late_s=_LATE_S if is_late else 0.0)
        raise
    turn.answered(done.usage.total, done.quota)
    return done


def tokens_of(request: Request) -> int:
    """About what a call takes at most: its prompt by its length, and the answer as far as the request bounds it.

    Cheap on purpose: a tokenizer costs more than the whole queue, and the true number comes with the answer.
    """
    most = request.params.get("max_tokens")
    wanted = most if isinstance(most, int) and not isinstance(most, bool) else USUAL_OUTPUT
    return sum(_tokens(message.content) for message in request.messages) + max(0, wanted)


def tokens_of_texts(texts: Sequence[str]) -> int:
    """The same for texts that are turned into vectors."""
    return sum(map(_tokens, texts))


def _tokens(text: str) -> int:
    return len(text.encode("utf-8", "replace")) // _BYTES_A_TOKEN + 4  # about what a chat format adds

"""What is known of one request while it is answered beside others, and how it speaks with whoever asked.

An answer is a generator, the task: it yields what it wants to be read next and is sent the row of what may follow.
It runs on the engine's thread; pieces of the answer and its end cross over to the asking thread through a queue, so
that a reader who does not read stalls nobody.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from synapse_cli.backends.llamacpp_rows import Row
from synapse_cli.core.completion import Finish
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadRequest, Interrupted, SynapseError, TimedOut
from synapse_cli.core.ports import Emit

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.backends.llamacpp_ahead import Ahead
    from synapse_cli.backends.llamacpp_stable import Beginnings

_LOOK_S = 0.05
"""How often a waiting call looks whether it should end; a prompt is given up so soon after Ctrl-C."""
_GATHER_S = 0.015
"""Pieces that come faster than an eye can follow are handed over together: a thread is dear to wake."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How a request may be answered; what is written does not depend on it."""

    keeps: bool = True
    """Whether its prompt is kept for others, and may begin with what is kept."""
    beginnings: Beginnings | None = None
    """Where the beginnings of prompts survive a restart."""
    looks_ahead: bool = False
    """Whether the next tokens are guessed from those that are there."""


EVERY_WAY = Ways()


@dataclass(frozen=True, slots=True)
class Begin:
    """Start anew with these tokens; sent back is the row after the last of them."""

    tokens: Sequence[int]
    stable: int = 0
    """How many of them every request of this route begins with."""

    def __post_init__(self) -> None:
        if not self.tokens:
            raise BadRequest("nothing is left of the prompt before its labels", "ask something")


@dataclass(frozen=True, slots=True)
class Follow:
    """Read each path on its own after what was read, which stays as it was; `hear` is given (path, depth, row).

    It may be given a row twice.
    """

    paths: Sequence[Sequence[int]]
    hear: Callable[[int, int, Row], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was written."""

    text: str
    finish: Finish
    input: int
    output: int
    """Tokens."""
    confidence: float
    first_at: float
    """Monotonic seconds of the first token."""
    reasoning: int = 0
    """Tokens of the output that were no part of the answer."""
    thinking: str = ""
    calls: tuple[str, ...] = ()
    """Tools that were called."""
    warnings: tuple[str, ...] = ()


Demand = Begin | Follow | int
"""What a task asks for; a number is one more token."""
Task = Generator[Demand, Row, Answer]


def raise_if_ended(control: Control) -> None:
    """Raise Interrupted or TimedOut where the call should end."""
    ending = ended(control)
    if ending is not None:
        raise ending


def ended(control: Control) -> SynapseError | None:
    """Why the call should end; None while it should not."""
    if control.stopped:
        return Interrupted("interrupted")
    if control.expired:
        return TimedOut("no answer in time", "raise --timeout, or use a smaller model")
    return None


class Seat:
    """One request among those that are answered together."""

    _task: Task
    prompt: npt.NDArray[np.int32]

    def __init__(self, control: Control, ways: Ways) -> None:
        self.control = control
        self.ways = ways
        self.ahead: Ahead | None = None
        self.left = False
        """Whether whoever asked has gone."""
        self.tokens: list[int] = []
        """Its sequence as it should be; `read` of them have been."""
        self.read = 0
        self.stable = 0
        self.marks = False
        """Whether its stable beginning is to be remembered once it is read."""
        self.follow: Follow | None = None
        self.sequence = -1
        """Its place in llama.cpp's memory; negative while it waits for one."""
        self._out: SimpleQueue[str | Answer | BaseException] = SimpleQueue()
        self._is_over = threading.Event()
        self._gathered = ""
        self._handed_at = -math.inf

    @property
    def ended(self) -> bool:
        """Whether nobody wants this answer any more."""
        return self.left or self.control.stopped or self.control.expired

    @property
    def due(self) -> int:
        """Tokens that are still to be read."""
        return len(self.tokens) - self.read

    def begin(self, task: Task) -> None:
        """Hear what the task wants first, in the thread of whoever asks: preparing may take its time."""
        self._task = task
        self.take(next(task))

    def send(self, row: Row) -> Demand:
        """Let the task go on; raises StopIteration with its answer at the end."""
        return self._task.send(row)

    def take(self, demand: Demand) -> None:
        """Note what the task wants next."""
        if isinstance(demand, int):
            self.tokens.append(demand)
        elif isinstance(demand, Follow):
            self.follow = demand
        else:
            import numpy as np

            self.tokens = list(demand.tokens)
            self.prompt = np.asarray(self.tokens, dtype=np.int32)
            self.stable = min(demand.stable, len(self.tokens) - 1)
            self.read = 0

    def hand_out(self, piece: str) -> None:
        """Have a piece of the answer for whoever asked."""
        self._gathered += piece

    def hand_over(self, now: float = math.inf) -> None:
        """Give them what was gathered, where it is worth waking them."""
        if self._gathered and now - self._handed_at >= _GATHER_S:
            self._handed_at = now
            self._out.put(self._gathered)
            self._gathered = ""

    def end(self, answer: Answer | BaseException) -> None:
        """Tell whoever asked how it ended. Nothing may come after it."""
        self.hand_over()
        self._out.put(answer)
        self._is_over.set()

    def listen(self, emit: Emit | None) -> Answer:
        """Wait for the answer, in the thread of whoever asked; what ends the wait ends the request."""
        try:
            while True:
                try:
                    heard = self._out.get(timeout=_LOOK_S)
                except Empty:
                    raise_if_ended(self.control)
                    continue
                if isinstance(heard, Answer):
                    return heard
                if isinstance(heard, BaseException):
                    raise heard  # noqa: TRY301  # from another thread
                raise_if_ended(self.control)
                if emit is not None:
                    emit(heard)
        except BaseException:
            self.left = True
            self._is_over.wait()  # nothing is computed for this request any more, nor at the end of the process
            raise

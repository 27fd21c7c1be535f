"""Which beginning of a prompt has been read before? Sequences that are kept after their answers, and shared.

The last one stays where it is, in the cells of the KV cache, and sharing it costs nothing. But every token that is
read passes by all cells in use (a thousand cost nano a tenth of its speed), so it is parked outside them as soon as a
request begins otherwise, which takes a hundredth of the time that reading took.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.backends.llamacpp_context import Context
from synapse_cli.backends.llamacpp_layout import PARKED, PARKED_EACH, SHARE

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synapse_cli.backends.llamacpp_context import State

    Tokens = npt.NDArray[np.int32]

_LEAST = 8
"""Tokens worth keeping."""
_SAME = 0.75
"""Share of a kept prompt that a new one must begin with to take its place: the same route asked again."""


@dataclass(eq=False, slots=True)
class Kept:
    """The beginning of a prompt that nobody writes on any more."""

    tokens: Tokens
    prompt: int
    """How many of the tokens were not the answer."""
    used: int
    """When it was last of use, counted in requests."""
    sequence: int
    """Negative where it is parked."""
    state: State | None = None


class Memory:
    """The sequences of one context: those free, and those kept, of which the least recently used goes first."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._whole = context.is_recurrent
        self._free = list(range(context.sequences))
        self._kept: list[Kept] = []
        self._clock = 0
        self.seats = -(-context.sequences // SHARE)
        """How many answers may be written side by side."""
        self._most = min(self.seats, context.sequences - self.seats - 1)

    def known(self, prompt: Tokens) -> tuple[Kept | None, int]:
        """What shares most with this prompt, and how many tokens of it; at least one stays to be read."""
        best, most = None, 0
        for kept in self._kept:
            length = common(kept.tokens, prompt[:-1])
            if length > most and not (self._whole and length < len(kept.tokens)):
                best, most = kept, length
        return best, most

    def begin(self, kept: Kept | None, length: int) -> tuple[int, int]:
        """A sequence that begins with so many tokens of what is kept; the sequence, and how many it got."""
        for other in [each for each in self._kept if each.sequence >= 0 and each is not kept]:
            self._park(other)
        sequence = self._free.pop()
        if kept is None:
            return sequence, 0
        self._clock += 1
        kept.used = self._clock
        if kept.sequence >= 0:
            self._context.share(kept.sequence, sequence, length)
        elif kept.state is None or not (
            self._context.restore(sequence, kept.state) and self._context.cut(sequence, length)
        ):
            self._context.drop(sequence)
            return sequence, 0
        return sequence, length

    def restore(self, state: State, length: int) -> int | None:
        """A sequence that holds what was saved; None where that does not fit."""
        sequence = self._free.pop()
        if self._context.restore(sequence, state) and self._context.cut(sequence, length):
            return sequence
        self.give_up(sequence)
        return None

    def branch(self, source: int, length: int) -> int | None:
        """A sequence that begins like another one that is being written; None where none is free."""
        if not self._free:
            return None
        sequence = self._free.pop()
        if length:
            self._context.share(source, sequence, length)
        return sequence

    def keep(self, sequence: int, tokens: Tokens, prompt: int) -> None:
        """Keep a sequence that has been written, in place of what it makes superfluous."""
        if len(tokens) < _LEAST or not self._context.cut(sequence, len(tokens)):
            self.give_up(sequence)
            return
        self._clock += 1
        for kept in [] if self._whole else list(self._kept):
            shared = common(kept.tokens, tokens)
            if shared == len(tokens):
                kept.used = self._clock
                self.give_up(sequence)
                return
            if shared >= _SAME * kept.prompt:
                self._forget(kept)
        self._kept.append(Kept(tokens, min(prompt, len(tokens)), self._clock, sequence))
        self._tidy()

    def give_up(self, sequence: int) -> None:
        """Forget a sequence."""
        self._context.drop(sequence)
        self._free.append(sequence)

    def make_room(self) -> bool:
        """Take what was of no use for longest out of the cells; False where nothing kept is there."""
        oldest = min((kept for kept in self._kept if kept.sequence >= 0), key=lambda kept: kept.used, default=None)
        if oldest is None:
            return False
        if not self._park(oldest):
            self._forget(oldest)
        return True

    def _tidy(self) -> None:
        while len(self._kept) > self._most:
            self._forget(min(self._kept, key=lambda kept: kept.used))
        in_cells = sorted((kept for kept in self._kept if kept.sequence >= 0), key=lambda kept: -kept.used)
        for kept in in_cells[1:]:
            self._park(kept)
        parked = sorted((kept for kept in self._kept if kept.state is not None), key=lambda kept: -kept.used)
        size = 0
        for kept in parked:
            size += 0 if kept.state is None else len(kept.state)
            if size > PARKED:
                self._forget(kept)

    def _park(self, kept: Kept) -> bool:
        """Take a prompt out of the cells, without its answer; False where it is too large."""
        if self._whole or not self._context.cut(kept.sequence, kept.prompt):
            return False
        kept.tokens = kept.tokens[: kept.prompt]
        kept.state = self._context.state(kept.sequence, PARKED_EACH)
        if kept.state is None:
            return False
        self.give_up(kept.sequence)
        kept.sequence = -1
        return True

    def _forget(self, kept: Kept) -> None:
        self._kept.remove(kept)
        if kept.sequence >= 0:
            self.give_up(kept.sequence)


def common(left: Tokens, right: Tokens) -> int:
    """How many tokens two sequences begin with that are the same."""
    import numpy as np

    size = min(len(left), len(right))
    differs = np.flatnonzero(left[:size] != right[:size])
    return int(differs[0]) if len(differs) else size

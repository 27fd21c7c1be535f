"""What would a smaller model write next? It reads the same tokens in a context of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence

from synapse_cli.backends.llamacpp_context import Context
from synapse_cli.backends.llamacpp_layout import BATCH
from synapse_cli.backends.llamacpp_vocabulary import Vocabulary
from synapse_cli.core.errors import ModelUnusable

_SAMPLED = 97
"""Every so manyth token is compared: two vocabularies that agree in these are one."""
_LEARNT = 0.2


class Draft:
    """A smaller model that guesses for a larger one. On the larger one's thread only."""

    def __init__(self, context: Context, guessed_for: Vocabulary, path: str) -> None:
        """Raises ModelUnusable where the two do not read alike, or where the smaller one cannot take back a guess."""
        self._context = context
        self._read: list[int] = []
        self.cost = 0.0
        """CPU seconds of a token."""
        mine = context.vocabulary
        sample = range(0, min(mine.size, guessed_for.size), _SAMPLED)
        if mine.size != guessed_for.size or any(
            mine.piece(token, special=True) != guessed_for.piece(token, special=True) for token in sample
        ):
            raise ModelUnusable(f"{path} cannot guess for this model: their vocabularies differ", "use one family's")
        if context.is_recurrent:
            raise ModelUnusable(f"{path} cannot guess: its memory cannot be taken back", "use a transformer")

    def close(self) -> None:
        """Give its memory back."""
        self._context.close()

    def next(self, tokens: Sequence[int], count: int) -> list[int]:
        """The likeliest tokens after these."""
        same = 0
        for ours, theirs in zip(self._read, tokens[:-1], strict=False):
            if ours != theirs:
                break
            same += 1
        self._context.cut(0, same)
        del self._read[same:]
        guess = [self._take(tokens[same:])]
        started = time.thread_time()
        while len(guess) < count:
            guess.append(self._take(guess[-1:]))
        if count > 1:
            each = (time.thread_time() - started) / (count - 1)
            self.cost += (_LEARNT if self.cost else 1.0) * (each - self.cost)
        return guess

    def _take(self, tokens: Sequence[int]) -> int:
        best = 0
        for start in range(0, len(tokens), BATCH):
            part = tokens[start : start + BATCH]
            size = self._context.place(0, part, len(self._read), 0, 1)
            best = int(self._context.decode(size, 1, listen=size > 1)[0].argmax())
            self._read += part
        return best

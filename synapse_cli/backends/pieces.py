"""What of an unfinished answer may be shown? Whole characters, and nothing that a stop text could still take back."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence

from synapse_cli.backends.reply import Reply


class Pieces:
    """Takes the bytes of tokens, hands out text; `text` is everything handed out so far."""

    def __init__(
        self,
        stops: Sequence[str],
        emit: Callable[[str], None] | None,
        *,
        reply: Reply | None = None,
        prefix: str = "",
    ) -> None:
        self._stops = tuple(stops)
        self._emit = emit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._reply = reply or Reply()
        self._held = ""
        self._prefix = prefix
        """Left out where the answer begins with it."""
        self._out: list[str] = []
        self.stopped = False
        """Whether a stop text was written; it and what followed are left out."""

    @property
    def text(self) -> str:
        """The answer so far, as handed out."""
        return "".join(self._out)

    @property
    def aloud(self) -> bool:
        """Whether what is being written is the model talking to itself, and no part of the answer."""
        return self._reply.aloud

    @property
    def thought(self) -> str:
        """What it said to itself."""
        return self._reply.thought.strip()

    @property
    def calls(self) -> tuple[str, ...]:
        """Tools that it called; complete once finished."""
        return tuple(self._reply.calls)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was wrong with its calls."""
        return tuple(dict.fromkeys(self._reply.warnings))

    def add(self, raw: bytes) -> None:
        """Take the bytes of one token."""
        self._take(self._reply.hear(self._decoder.decode(raw)))

    def _take(self, text: str) -> None:
        self._held += text
        if self._prefix:
            if self._prefix.startswith(self._held) and self._held != self._prefix:
                return
            self._held = self._held.removeprefix(self._prefix)
            self._prefix = ""
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self._held = self._held[: min(found)]
            self.stopped = True
            self._release(len(self._held))
        else:
            self._release(len(self._held) - self._overlap())

    def finish(self) -> str:
        """Hand out what was held back, without the bytes of an unfinished character, and return the whole text."""
        self._take(self._reply.finish())
        if not self.stopped:
            self._release(len(self._held))
        return self.text

    def _overlap(self) -> int:
        """Length of the longest end of the held text that is the beginning of a stop text."""
        longest = 0
        for stop in self._stops:
            for size in range(min(len(stop) - 1, len(self._held)), longest, -1):
                if self._held.endswith(stop[:size]):
                    longest = size
                    break
        return longest

    def _release(self, size: int) -> None:
        piece, self._held = self._held[:size], self._held[size:]
        if piece:
            self._out.append(piece)
            if self._emit is not None:
                self._emit(piece)

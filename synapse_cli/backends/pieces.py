"""What of an unfinished answer may be shown? Whole characters, and nothing that a stop text could still take back."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence

from synapse_cli.backends.thinking import Thinking


class Pieces:
    """Takes the bytes of tokens, hands out text; `text` is everything handed out so far."""

    def __init__(
        self, stops: Sequence[str], emit: Callable[[str], None] | None, *, thinks: bool = False, prefix: str = ""
    ) -> None:
        self._stops = tuple(stops)
        self._emit = emit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._thinking = Thinking(begun=thinks)
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
        return self._thinking.aloud

    @property
    def thought(self) -> str:
        """What it said to itself."""
        return self._thinking.thought.strip()

    def add(self, raw: bytes) -> None:
        """Take the bytes of one token."""
        self._take(self._thinking.hear(self._decoder.decode(raw)))

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
        self._take(self._thinking.finish())
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

    def bears(self, raw: bytes) -> bool:
        """Whether these bytes can come next in UTF-8. llama.cpp's grammars look at code points and not at bytes."""
        strict = codecs.getincrementaldecoder("utf-8")("strict")
        strict.setstate(self._decoder.getstate())
        try:
            strict.decode(raw)
        except UnicodeDecodeError:
            return False
        # Python waits for the third byte of half a surrogate pair before it says no; then nothing could follow
        begun = strict.getstate()[0]
        return not (begun[:1] == b"\xed" and begun[1:2] >= b"\xa0")

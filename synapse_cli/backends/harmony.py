"""What of a reply in channels is the answer? gpt-oss thinks in one, calls tools in another and answers in a third."""

from __future__ import annotations

import re

from synapse_cli.backends.chat_format import HARMONY

_MESSAGE = "<|message|>"
_ENDS = ("<|end|>", "<|call|>", "<|return|>", "<|start|>", HARMONY)
_TO = re.compile(r"to=(?:functions\.)?([\w.-]+)")
_CHANNEL = re.compile(re.escape(HARMONY) + r"\s*(\w+)")
_NO_TOOLS = ("assistant", "user", "all")
_LONGEST_MARK = max(map(len, (_MESSAGE, *_ENDS)))


class Harmony:
    """Takes text as it is written and gives back what belongs to the answer; `calls` are (name, arguments as text)."""

    def __init__(self, *, answers: bool = False) -> None:
        self._held = ""
        self._header: str | None = None if answers else ""
        """What says where the message belongs; None while a message is being written."""
        self._channel, self._to = "final", ""
        self._message = ""
        self._is_bare = not answers
        """Whether no mark was written yet: what was taken for a header may be an answer without any."""
        self.thought = ""
        self.calls: list[tuple[str, str]] = []

    @property
    def aloud(self) -> bool:
        """Whether what is being written is no part of the answer."""
        return self._header is not None or not self._is_answer

    @property
    def _is_answer(self) -> bool:
        return not self._to and self._channel != "analysis"

    def hear(self, text: str) -> str:
        """The part of the text that belongs to the answer."""
        self._held += text
        answer = ""
        while True:
            found = self._next_mark()
            if found is None:
                break
            at, mark = found
            answer += self._take(self._held[:at])
            self._held = self._held[at + len(mark) :]
            self._turn(mark)
        kept = self._held_back()
        answer += self._take(self._held[: len(self._held) - kept])
        self._held = self._held[len(self._held) - kept :]
        return answer

    def finish(self) -> str:
        """What was held back and belongs to the answer after all."""
        answer = self._take(self._held)
        self._held = ""
        if self._header and self._is_bare:
            answer += self._header
        self._end_message()
        return answer

    def _next_mark(self) -> tuple[int, str] | None:
        marks = (_MESSAGE,) if self._header is not None else _ENDS
        found = [(at, mark) for mark in marks if (at := self._held.find(mark)) >= 0]
        return min(found) if found else None

    def _held_back(self) -> int:
        """Length of the end of the held text that may be the beginning of a mark."""
        marks = (_MESSAGE,) if self._header is not None else _ENDS
        for size in range(min(_LONGEST_MARK - 1, len(self._held)), 0, -1):
            if any(mark.startswith(self._held[-size:]) for mark in marks):
                return size
        return 0

    def _take(self, text: str) -> str:
        if self._header is not None:
            self._header += text
            return ""
        self._message += "" if self._is_answer else text
        return text if self._is_answer else ""

    def _turn(self, mark: str) -> None:
        """Go on after a mark: from a header to its message, or from a message to the next header."""
        self._is_bare = False
        if mark == _MESSAGE:
            header, self._header = self._header or "", None
            # gpt-oss at times opens a channel within the header of another: the last one counts
            channels, to = _CHANNEL.findall(header), _TO.search(header)
            self._channel = channels[-1] if channels else "final"
            self._to = to.group(1) if to and to.group(1) not in _NO_TOOLS else ""
            return
        self._end_message()
        self._header = mark if mark == HARMONY else ""

    def _end_message(self) -> None:
        if self._header is None and self._to:
            self.calls.append((self._to, self._message))
        elif self._header is None and self._message:
            self.thought += ("\n" if self.thought else "") + self._message
        self._message = ""

"""Which part of what a model writes does it say to itself? What stands before the answer, between two marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

_MARKS = (("<think>", "</think>"),)


class Thinking:
    """Takes text as it is written and gives back what belongs to the answer.

    `marks` are pairs of what begins and ends a thought; where it has `begun` before the text, any end ends it.
    `breaks` end it too, and belong to what comes after.
    """

    def __init__(
        self, *, begun: bool = False, marks: Sequence[tuple[str, str]] = _MARKS, breaks: Sequence[str] = ()
    ) -> None:
        self._marks = marks
        self._breaks = tuple(breaks)
        self._ends = tuple(end for _, end in marks)
        self._state: Literal["unsure", "aloud", "over"] = "aloud" if begun else "unsure"
        self._held = ""
        self._ended = False
        self.thought = ""

    @property
    def aloud(self) -> bool:
        """Whether the model is talking to itself."""
        return self._state == "aloud"

    def hear(self, text: str) -> str:
        """The part of the text that belongs to the answer."""
        self._held += text
        while self._goes_on():
            pass
        if self._state != "over":
            return ""
        answer, self._held = self._held, ""
        self.hear = _all_of_it  # type: ignore[method-assign]  # nothing more to look for
        return answer

    def finish(self) -> str:
        """What was held back and belongs to the answer after all."""
        if self._state == "aloud":
            self.thought, self._held = self.thought + self._held, ""
        answer, self._held = self._held, ""
        return answer.lstrip() if self._ended else answer

    def _goes_on(self) -> bool:
        """Look at what is held; whether that changed how the rest of it is to be looked at."""
        if self._state == "aloud":
            return self._listen()
        return self._state == "unsure" and self._make_sure()

    def _make_sure(self) -> bool:
        """Wait until it is clear whether a thought begins."""
        begins = self._held.lstrip()
        for begin, end in self._marks:
            if begins.startswith(begin):
                self._state, self._held, self._ends = "aloud", begins.removeprefix(begin), (end,)
                self.thought += "\n" if self.thought else ""
                return True
        if not any(begin.startswith(begins) for begin, _ in self._marks):
            # a line or two stand between the thought and the answer
            self._state, self._held = "over", begins if self._ended else self._held
        return False

    def _listen(self) -> bool:
        found = [(at, mark) for mark in (*self._ends, *self._breaks) if (at := self._held.find(mark)) >= 0]
        if found:
            at, mark = min(found)
            self.thought += self._held[:at]
            after = at + (len(mark) if mark in self._ends else 0)
            self._state, self._held, self._ended = "unsure", self._held[after:], True
            return True
        kept = max(map(len, (*self._ends, *self._breaks))) - 1
        self.thought, self._held = self.thought + self._held[:-kept], self._held[-kept:]
        return False


def _all_of_it(text: str) -> str:
    return text

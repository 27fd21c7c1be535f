"""Which part of what a model writes does it say to itself? What stands before the answer, between two marks."""

from __future__ import annotations

from typing import Literal

_BEGIN, _END = "<think>", "</think>"


class Thinking:
    """Takes text as it is written and gives back what belongs to the answer."""

    def __init__(self, *, begun: bool = False) -> None:
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
        if self._state == "unsure":
            self._make_sure()
        if self._state == "aloud":
            self._listen()
        if self._state != "over":
            return ""
        # a line or two stand between the thought and the answer
        self._held = self._held.lstrip() if self._ended else self._held
        if not self._held:
            return ""
        answer, self._held = self._held, ""
        self.hear = _all_of_it  # type: ignore[method-assign]  # nothing more to look for
        return answer

    def finish(self) -> str:
        """What was held back and belongs to the answer after all."""
        if self._state == "aloud":
            self.thought, self._held = self.thought + self._held, ""
        answer, self._held = self._held, ""
        return answer

    def _make_sure(self) -> None:
        begins = self._held.lstrip()
        if begins.startswith(_BEGIN):
            self._state, self._held = "aloud", begins.removeprefix(_BEGIN)
        elif not _BEGIN.startswith(begins):
            self._state = "over"

    def _listen(self) -> None:
        thought, end, rest = self._held.partition(_END)
        if end:
            self.thought += thought
            self._state, self._held, self._ended = "over", rest, True
        else:
            kept = len(_END) - 1
            self.thought, self._held = self.thought + self._held[:-kept], self._held[-kept:]


def _all_of_it(text: str) -> str:
    return text

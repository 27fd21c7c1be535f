"""What of a reply is the answer, what a thought, and what a call of a tool?"""

from __future__ import annotations

import json

from synapse_cli.backends.chat_format import PLAIN, ChatFormat
from synapse_cli.backends.harmony import Harmony
from synapse_cli.backends.thinking import Thinking
from synapse_cli.backends.tool_calls import Tools, read_calls


class Reply:
    """Takes text as it is written and gives back what belongs to the answer.

    `begun`: the prompt ended within a thought (or, where there are channels, within the answer). Calls are looked for
    only where tools were offered.
    """

    def __init__(self, form: ChatFormat = PLAIN, *, begun: bool = False, tools: Tools | None = None) -> None:
        self._blocks = form.calls if tools and not form.has_channels else ()
        breaks = form.breaks if self._blocks else ()
        self._inner: Thinking | Harmony = (
            Harmony(answers=begun) if form.has_channels else Thinking(begun=begun, marks=form.thoughts, breaks=breaks)
        )
        self._asides = form.asides
        self._tools = tools or {}
        self._held = ""
        self._has_written = False
        self._open: tuple[str, str] | None = None
        """The marks of the call that is being written; both empty for one that is written without."""
        self._space = ""
        self.calls: list[str] = []
        self.warnings: list[str] = []

    @property
    def aloud(self) -> bool:
        """Whether what is being written is the model talking to itself, or to a tool."""
        return self._inner.aloud

    @property
    def thought(self) -> str:
        """What it said to itself."""
        return self._inner.thought

    def hear(self, text: str) -> str:
        """The part of the text that belongs to the answer."""
        answer = self._inner.hear(text)
        if not self._blocks and not self._asides:
            return answer
        self._held += answer
        return self._released()

    def finish(self) -> str:
        """What was held back and belongs to the answer after all."""
        self._held += self._inner.finish()
        answer = self._released()
        if self._open is not None:
            answer += self._closed(self._held)
        elif not self.calls:
            answer += self._held
        self._held = ""
        if isinstance(self._inner, Harmony):
            answer += "".join(self._harmony_call(name, arguments) for name, arguments in self._inner.calls)
        return answer

    def _released(self) -> str:
        out = ""
        while True:
            if self._open is None:
                part, goes_on = self._answer()
            else:
                part, goes_on = self._call()
            out += part
            if not goes_on:
                return out

    def _answer(self) -> tuple[str, bool]:
        """Let go of text up to the next mark; whether to go on."""
        if self._begins_bare():
            self._open = ("", "")
            return "", True
        # the end of a call that had no beginning says nothing
        ends = [end for _, end in self._blocks if end] if self.calls else []
        marks = [*(begin for begin, _ in self._blocks), *self._asides, *ends]
        found = [(at, -len(mark), mark) for mark in marks if (at := self._held.find(mark)) >= 0]
        if not found:
            size = len(self._held) - self._held_back(marks)
            text = self._held[:size].rstrip() if self._blocks else self._held[:size]
            self._held = self._held[len(text) :]
            return self._trimmed(text), False
        at, _, mark = min(found)
        text, self._held = self._held[:at], self._held[at + len(mark) :]
        self._open = next((block for block in self._blocks if block[0] == mark), None)
        if self._open is not None:
            # space before a call is no part of the answer, unless it turns out to be none
            self._space = text[len(text.rstrip()) :]
            text = text.rstrip()
        return self._trimmed(text), True

    def _begins_bare(self) -> bool:
        """Whether the answer begins as a call without marks does, which Llama and small models write."""
        begins = self._held.lstrip()
        if not self._blocks or self._has_written or self.calls or begins[:1] not in ("{", "["):
            return False
        return begins[:1] != "" and not any(begin.startswith(begins[: len(begin)]) for begin, _ in self._blocks)

    def _call(self) -> tuple[str, bool]:
        """Wait for the end of a call; whether to go on."""
        end = self._open[1] if self._open else ""
        inner, found, rest = self._held.partition(end) if end else (self._held, "", "")
        if not found:
            return "", False
        self._held = rest
        return self._closed(inner, found), True

    def _closed(self, inner: str, end: str = "") -> str:
        """Keep the calls of a finished block, or give it back as the text that it is."""
        begin = self._open[0] if self._open else ""
        self._open = None
        calls = read_calls(inner, self._tools) or read_calls(begin + inner + end, self._tools)
        if calls is not None:
            self.calls += calls
            return ""
        if begin:
            self.warnings.append("the model began to call a tool and did not do it right; that is left in the answer")
        return self._space + begin + inner + end

    def _harmony_call(self, name: str, arguments: str) -> str:
        calls = read_calls(json.dumps({"name": name, "arguments": arguments}), self._tools)
        if calls is not None:
            self.calls += calls
            return ""
        self.warnings.append("the model called a tool that it was not offered, or not rightly; the call is left out")
        return ""

    def _trimmed(self, text: str) -> str:
        """The text, without the space between calls, or between a call and an answer after it."""
        if self.calls and (not self._has_written or text.isspace()):
            text = text.lstrip()
        self._has_written = self._has_written or bool(text.strip())
        return text

    def _held_back(self, marks: list[str]) -> int:
        """Length of the end of the held text that may be the beginning of a mark."""
        longest = max(map(len, marks), default=1) - 1
        for size in range(min(longest, len(self._held)), 0, -1):
            if any(mark.startswith(self._held[-size:]) for mark in marks):
                return size
        return 0

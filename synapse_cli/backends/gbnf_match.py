"""What may come next by a grammar? Every reading of what was written so far is followed at once, and remembered.

llama.cpp has a matcher too. It dies of many grammars and hangs on ambiguous ones, asks every token anew, and cannot
be kept from one request to the next; this one learns each situation once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from synapse_cli.backends.gbnf_check import checked
from synapse_cli.backends.gbnf_program import (
    Bytes,
    Call,
    Enter,
    Fork,
    Loop,
    Program,
    Return,
    Step,
    Whole,
    alphabet,
    program,
    too_large,
)  # fmt: skip

MOST_READINGS = 500
"""Of one beginning at the same time. Grammars that people write have a dozen; where there are more, the text cannot go
on that way, though another text may."""
_MOST_WORK = 20_000
"""Steps between two bytes."""
_MOST_REMEMBERED = 300_000
"""Readings and tokens remembered of one grammar, about a hundred bytes each; then it begins anew."""


class TooManyReadings(Exception):
    """What was written can be read in too many ways."""


class TooMuchEffort(Exception):
    """Following the grammar takes longer than anybody would wait."""


class Stack:
    """Where to go on after a rule or a round; equal stacks are one object."""

    __slots__ = ("_above", "below", "rounds", "step")

    def __init__(self, step: int, rounds: int, below: Stack | None) -> None:
        self.step = step
        self.rounds = rounds
        self.below = below
        self._above: dict[tuple[int, int], Stack] = {}

    def forget(self) -> None:
        """Let go of all that stands on it; who holds a part of that keeps it."""
        self._above = {}

    def push(self, step: int, rounds: int = 0) -> Stack:
        """The stack with one more on top."""
        found = self._above.get((step, rounds))
        if found is None:
            found = self._above[step, rounds] = Stack(step, rounds, self)
        return found


Reading = tuple[int, Stack]
"""A step that takes something, and where to go on after it."""


class State:
    """One situation: all readings, whether the text may end here, and what is known of what comes next."""

    __slots__ = ("has_tokens", "may_end", "moves", "readings", "words")

    def __init__(self, readings: frozenset[Reading], *, may_end: bool, has_tokens: bool) -> None:
        self.readings = readings
        self.may_end = may_end
        self.has_tokens = has_tokens
        self.moves: dict[int, State | None] = {}
        """Kind of byte -> situation after it."""
        self.words: dict[bytes, bool] = {}
        """Whether whole tokens, as kinds of bytes, may come next."""


_UNKNOWN = State(frozenset(), may_end=False, has_tokens=False)


class Matcher:
    """Follows one grammar. Kept and shared: a state belongs to whoever holds it and never changes its meaning."""

    def __init__(self, found: Program) -> None:
        self.kinds, self._steps = alphabet(found)
        self._entries = found.entries
        self.tokens = tuple(step.token for step in found.steps if isinstance(step, Whole))
        """Tokens that the grammar names."""
        self._states: dict[tuple[frozenset[Reading], bool], State] = {}
        self._bottom = Stack(-1, 0, None)
        self.effort = 0
        """Steps that were ever followed."""
        self.limit = math.inf
        """Where they are to stop."""
        self.remembered = 0
        """Readings and tokens."""
        self.start = self._state([(found.start, self._bottom)])

    @classmethod
    def of(cls, text: str, prefix: str = "") -> Matcher:
        """A matcher that nobody shares. Raises GrammarError where the grammar is wrong."""
        grammar = checked(text)
        try:
            return cls(program(grammar, prefix))
        except TooManyReadings as error:
            raise too_large(grammar) from error

    def after(self, state: State, word: bytes) -> State | None:
        """The situation after these kinds of bytes; None where they may not come."""
        for kind in word:
            found = state.moves.get(kind, _UNKNOWN)
            if found is _UNKNOWN:
                found = self._moved(state, kind)
            if found is None:
                return None
            state = found
        return state

    def move(self, state: State, kind: int) -> State | None:
        """The situation after one kind of byte."""
        found = state.moves.get(kind, _UNKNOWN)
        return self._moved(state, kind) if found is _UNKNOWN else found

    def may_come(self, state: State, word: bytes) -> bool:
        """Whether these kinds of bytes may come next; remembered."""
        found = state.words.get(word)
        if found is None:
            found = state.words[word] = self.after(state, word) is not None
            self.remembered += 1
        return found

    def takes_token(self, state: State, number: int, numbers: Mapping[str, int]) -> bool:
        """Whether this token may come as such; `numbers` are those of the tokens that the grammar spells."""
        return any(True for _ in self._taking(state, number, numbers))

    def after_token(self, state: State, number: int, word: bytes, numbers: Mapping[str, int]) -> State | None:
        """The situation after a token, be it taken as such or by its bytes."""
        as_such = self._reached([(then, stack) for then, stack in self._taking(state, number, numbers)])
        by_bytes = self.after(state, word) if word else None
        if as_such is None or by_bytes is None:
            return as_such or by_bytes
        return self._known(as_such.readings | by_bytes.readings, may_end=as_such.may_end or by_bytes.may_end)

    def _taking(self, state: State, number: int, numbers: Mapping[str, int]) -> Iterator[Reading]:
        for step, stack in state.readings:
            here = self._steps[step]
            if isinstance(here, Whole):
                meant = numbers[here.token.spelling] if here.token.number is None else here.token.number
                if (number == meant) is not here.token.negated:
                    yield here.then, stack

    def has_choice(self, state: State) -> bool:
        """Whether more than one byte may come next; a text that may end has a choice."""
        if state.may_end or state.has_tokens:
            return True
        open_kinds = 0
        for step, _ in state.readings:
            here = self._steps[step]
            if isinstance(here, Bytes):
                for kinds, _then in here.arcs:
                    open_kinds |= kinds
        return open_kinds.bit_count() != 1 or self.kinds.count(open_kinds.bit_length() - 1) > 1

    def _moved(self, state: State, kind: int) -> State | None:
        work = []
        for step, stack in state.readings:
            here = self._steps[step]
            if isinstance(here, Bytes):
                for kinds, then in here.arcs:
                    if kinds >> kind & 1:
                        work.append((then, stack))
        found = state.moves[kind] = self._reached(work)
        return found

    def _reached(self, work: list[Reading]) -> State | None:
        if not work:
            return None
        try:
            return self._state(work)
        except TooManyReadings:
            return None

    def _state(self, work: list[Reading]) -> State:
        readings: set[Reading] = set()
        may_end = self._follow(work, readings)
        if len(readings) > MOST_READINGS:
            raise TooManyReadings
        return self._known(frozenset(readings), may_end=may_end)

    def _known(self, readings: frozenset[Reading], *, may_end: bool) -> State:
        found = self._states.get((readings, may_end))
        if found is None:
            self.remembered += len(readings)
            if self.remembered > _MOST_REMEMBERED:
                self._forget()
            has_tokens = any(isinstance(self._steps[step], Whole) for step, _ in readings)
            found = self._states[readings, may_end] = State(readings, may_end=may_end, has_tokens=has_tokens)
        return found

    def _forget(self) -> None:
        self.remembered, self._states = 0, {}
        self._bottom.forget()
        self.start.moves.clear()
        self.start.words.clear()

    def _follow(self, work: list[Reading], readings: set[Reading]) -> bool:
        """Go on to where something is taken; whether the end was reached too."""
        may_end = False
        seen = set(work)
        rounds: dict[tuple[int, Stack | None], int] = {}
        for _ in range(_MOST_WORK):
            if not work:
                self._count(len(seen))
                return may_end
            step, stack = work.pop()
            here = self._steps[step]
            if isinstance(here, (Bytes, Whole)):
                readings.add((step, stack))
                continue
            if isinstance(here, Return) and stack.below is None:
                may_end = True
                continue
            for reading in self._next(here, step, stack, rounds):
                if reading not in seen:
                    seen.add(reading)
                    work.append(reading)
        self._count(_MOST_WORK)
        raise TooManyReadings

    def _count(self, steps: int) -> None:
        self.effort += steps
        if self.effort > self.limit:
            raise TooMuchEffort

    def _next(
        self, here: Step, step: int, stack: Stack, rounds: dict[tuple[int, Stack | None], int]
    ) -> Iterable[Reading]:
        match here:
            case Fork():
                return [(way, stack) for way in here.ways]
            case Call():
                # a rule at the end of a rule needs no way back: lists by recursion stay flat
                returns = not isinstance(self._steps[here.then], Return)
                return [(self._entries[here.rule], stack.push(here.then) if returns else stack)]
            case Return():
                assert stack.below is not None
                return [(stack.step, stack.below)]
            case Enter():
                return [(here.loop, stack.push(here.loop))]
            case Loop():
                return self._round(here, step, stack, rounds)
            case _:
                return []

    def _round(
        self, here: Loop, step: int, stack: Stack, rounds: dict[tuple[int, Stack | None], int]
    ) -> Iterable[Reading]:
        below, count = stack.below, stack.rounds
        assert below is not None
        ways: list[Reading] = []
        if count >= here.least:
            # who has made fewer rounds can do all that this one can
            if rounds.get((step, below), count + 1) <= count:
                return []
            rounds[step, below] = count
            ways.append((here.then, below))
        if here.most is None or count < here.most:
            following = count + 1 if here.most is not None else min(count + 1, here.least)
            ways.append((here.body, below.push(step, following)))
        return ways


@lru_cache(maxsize=32)
def matcher(text: str, prefix: str = "") -> Matcher:
    """The matcher of a grammar, made once; `prefix` may stand before the answer. Raises GrammarError."""
    return Matcher.of(text, prefix)

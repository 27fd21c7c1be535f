"""Which tokens of this model may come next? A grammar, as one answer is written by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from synapse_cli.backends.gbnf_match import Matcher, State, TooMuchEffort, matcher
from synapse_cli.backends.gbnf_scan import Scan
from synapse_cli.core.errors import BadAnswer, UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Vocabulary(Protocol):
    """What must be known of a model's tokens."""

    size: int

    @property
    def writes_leading_space(self) -> bool:
        """Whether its first word has a space before it, which is left out."""
        ...

    def piece(self, token: int, *, special: bool = False, strip: bool = False) -> bytes:
        """The bytes of a token."""
        ...

    def is_end(self, token: int) -> bool:
        """Whether it ends the answer."""
        ...

    def tokens(self, text: str, *, special: bool, begin: bool = False) -> list[int]:
        """Tokens of a text."""
        ...


_Words = list["bytes | None"]
"""Each token in the kinds of bytes that a grammar tells apart; None is not looked up yet, empty has no text."""
_END = b"the end"
"""Stands for each token that ends an answer: this very object, whatever it says."""
_MOST_KEPT = 16 << 20
"""Bytes of answers about a whole vocabulary that are kept of one grammar."""


_EFFORT, _EFFORT_A_TOKEN = 800_000, 3_000
"""Steps of the matcher, about a second in all; JSON takes six a token, and 60 optional properties five hundred."""


class _Table:
    """What is known of one grammar and one vocabulary together."""

    def __init__(self, size: int) -> None:
        self.first: _Words = [None] * size
        """As the first token of an answer, where a space before it is left out."""
        self.others: _Words = [None] * size
        self.scan: Scan | None = None
        self.kept: dict[tuple[State, bool], npt.NDArray[np.bool_]] = {}

    def keep(self, state: State, is_first: bool, mask: npt.NDArray[np.bool_]) -> None:
        if (len(self.kept) + 1) * len(mask) > _MOST_KEPT:
            self.kept.clear()
        self.kept[state, is_first] = mask


_tables: WeakKeyDictionary[Matcher, WeakKeyDictionary[Vocabulary, _Table]] = WeakKeyDictionary()


class Bound:
    """Where one answer stands in its grammar."""

    def __init__(self, text: str, vocabulary: Vocabulary, prefix: str = "") -> None:
        self._matcher = matcher(text, prefix)
        self._vocabulary = vocabulary
        self._state = self._matcher.start
        self._numbers = {
            token.spelling: _number(token.spelling, vocabulary)
            for token in self._matcher.tokens
            if token.number is None
        }
        tables = _tables.setdefault(self._matcher, WeakKeyDictionary())
        self._table = tables.setdefault(vocabulary, _Table(vocabulary.size))
        self._is_first = vocabulary.writes_leading_space
        self._effort_left = _EFFORT
        self.had_choice = True
        """Whether the grammar left a choice at any place of the token that was accepted last."""

    def allowed(self, tokens: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Which of these tokens may come next."""
        with self._within_limits():
            return self._allowed(tokens)

    def _allowed(self, tokens: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        import numpy as np

        known = self._table.kept.get((self._state, self._is_first))
        if len(tokens) != self._vocabulary.size or tokens[0] != 0:
            return np.array(self._judged(tokens.tolist()), dtype=bool) if known is None else known[tokens]
        if known is None:
            known = self._all_allowed()
            self._table.keep(self._state, self._is_first, known)
        return known

    def accept(self, token: int) -> None:
        """Move on by a token that is allowed; one that ends the answer leaves everything as it is."""
        word = self._word(token)
        if word is _END:
            return
        self._effort_left += _EFFORT_A_TOKEN
        with self._within_limits():
            after = self._after(token, word)
            if after is None:
                raise BadAnswer("a token was written that the grammar does not allow", "report this as a bug")
            self.had_choice = self._chooses(word)
        self._state, self._is_first = after, False

    def _after(self, token: int, word: bytes) -> State | None:
        if self._state.has_tokens:
            return self._matcher.after_token(self._state, token, word, self._numbers)
        return self._matcher.after(self._state, word) if word else None

    @contextmanager
    def _within_limits(self) -> Iterator[None]:
        """End an answer by a grammar that takes too long to follow: others wait for the same engine."""
        matcher = self._matcher
        before = matcher.effort
        matcher.limit = before + self._effort_left
        try:
            yield
        except TooMuchEffort as error:
            raise UsageError(
                "the grammar can be read in too many ways to be written by",
                "say less with repeats within repeats, and give common beginnings one rule",
            ) from error
        finally:
            self._effort_left -= matcher.effort - before

    def _all_allowed(self) -> npt.NDArray[np.bool_]:
        import numpy as np

        if self._is_first or self._state.has_tokens:
            return np.array(self._judged(range(self._vocabulary.size)), dtype=bool)
        if self._table.scan is None:
            self._table.scan = Scan(self._matcher, self._vocabulary)
        return self._table.scan.allowed(self._state)

    def _judged(self, tokens: Iterable[int]) -> list[bool]:
        """Whether each may come: this runs for thousands of tokens, and so looks things up without calling."""
        state, may_come = self._state, self._matcher.may_come
        words = self._table.first if self._is_first else self._table.others
        known, has_tokens = state.words, state.has_tokens
        out = []
        for token in tokens:
            word = words[token]
            if word is None:
                word = self._look_up(token)
            if word is _END:
                out.append(state.may_end)
                continue
            found = known.get(word)
            if found is None:
                found = bool(word) and may_come(state, word)
            out.append(found or (has_tokens and self._takes(token, word)))
        return out

    def _word(self, token: int) -> bytes:
        word = (self._table.first if self._is_first else self._table.others)[token]
        return self._look_up(token) if word is None else word

    def _look_up(self, token: int) -> bytes:
        vocabulary = self._vocabulary
        word = (
            _END
            if vocabulary.is_end(token)
            else vocabulary.piece(token, strip=self._is_first).translate(self._matcher.kinds)
        )
        (self._table.first if self._is_first else self._table.others)[token] = word
        return word

    def _takes(self, token: int, word: bytes) -> bool:
        """Whether a token may come as such; marks of the chat format only where the grammar names them."""
        found = self._matcher.takes_token(self._state, token, self._numbers)
        return found and (bool(word) or token in self._named())

    def _named(self) -> Sequence[int]:
        numbers = [token.number for token in self._matcher.tokens if token.number is not None and not token.negated]
        return [*numbers, *self._numbers.values()]

    def _chooses(self, word: bytes) -> bool:
        state = self._state
        for place in range(len(word)):
            if self._matcher.has_choice(state):
                return True
            after = self._matcher.after(state, word[place : place + 1])
            if after is None:
                return True  # it was taken as a token
            state = after
        return not word


def _number(spelling: str, vocabulary: Vocabulary) -> int:
    found = vocabulary.tokens(spelling, special=True)
    if len(found) != 1:
        raise UsageError(
            f"the grammar names the token {spelling}, and this model has none that is written so",
            f'write it as text: "{spelling}"',
        )
    return found[0]

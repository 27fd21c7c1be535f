"""Which of all the tokens of a vocabulary may come next? All are followed side by side, byte by byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from synapse_cli.backends.gbnf_match import Matcher, State

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]


class Spelling(Protocol):
    """What must be known of a model's tokens."""

    size: int

    def piece(self, token: int, *, special: bool = False, strip: bool = False) -> bytes:
        """The bytes of a token."""
        ...

    def is_end(self, token: int) -> bool:
        """Whether it ends the answer."""
        ...


class _Spelled:
    """The bytes of every token, one after the other."""

    def __init__(self, vocabulary: Spelling) -> None:
        import numpy as np

        self.is_end = np.array([vocabulary.is_end(token) for token in range(vocabulary.size)], dtype=bool)
        pieces = [b"" if self.is_end[token] else vocabulary.piece(token) for token in range(vocabulary.size)]
        self.raw = b"".join(pieces)
        self.lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
        self.starts = np.concatenate(([0], np.cumsum(self.lengths)[:-1]))


_spelled: WeakKeyDictionary[Spelling, _Spelled] = WeakKeyDictionary()


class Scan:
    """Asks one grammar about all tokens of one vocabulary."""

    def __init__(self, matcher: Matcher, vocabulary: Spelling) -> None:
        import numpy as np

        spelled = _spelled.get(vocabulary)
        if spelled is None:
            spelled = _spelled[vocabulary] = _Spelled(vocabulary)
        self._of = spelled
        self._matcher = matcher
        self._flat = np.frombuffer(spelled.raw.translate(matcher.kinds) + b"\0", dtype=np.uint8)
        self._kinds = max(matcher.kinds) + 1

    def allowed(self, state: State) -> Mask:
        """Which tokens may come in this situation, taken by their bytes.

        Tokens in the same situation take the same step, so that each step is looked up once and not once a token.
        """
        import numpy as np

        found = self._of.is_end & state.may_end
        tokens = np.flatnonzero(self._of.lengths)
        here = np.zeros(len(tokens), dtype=np.int64)
        known: dict[State, int] = {state: 0}
        depth = 0
        while len(tokens):
            steps = here * self._kinds + self._flat[self._of.starts[tokens] + depth]
            leads = self._leads(np.flatnonzero(np.bincount(steps)), known)
            here = leads[steps]
            tokens, here = tokens[here >= 0], here[here >= 0]
            depth += 1
            goes_on = self._of.lengths[tokens] > depth
            found[tokens[~goes_on]] = True
            tokens, here = tokens[goes_on], here[goes_on]
        return found

    def _leads(self, steps: npt.NDArray[np.int64], known: dict[State, int]) -> npt.NDArray[np.int64]:
        """Where each step leads, as the number of a situation; -1 where it may not be taken."""
        import numpy as np

        states = list(known)
        leads = np.full(int(steps[-1]) + 1, -1, dtype=np.int64)
        for step in steps.tolist():
            after = self._matcher.move(states[step // self._kinds], step % self._kinds)
            if after is not None:
                leads[step] = known.setdefault(after, len(known))
        return leads

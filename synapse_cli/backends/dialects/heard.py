"""What has been heard of one answer so far, whichever wire format it came in."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from synapse_cli.backends.thinking import Thinking
from synapse_cli.core.completion import Finish, Usage
from synapse_cli.core.quota import Quota

_MOST = 10**12
"""More tokens than any answer has."""
UNKNOWN_USAGE = Usage(None, None)

Said: TypeAlias = Mapping[str, Any]
"""One JSON object of a provider: a whole answer, or one event of a stream. Nothing in it can be relied upon."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong, in the provider's words, after it had said 200."""

    message: str
    status: int | None = None


@dataclass(slots=True)
class Heard:
    """One answer, growing piece by piece."""

    text: str = ""
    thinking: str = ""
    refusal: str = ""
    reason: str | None = None
    """Why the model stopped, in the provider's own word; None until it said so."""
    finish: Finish | None = None
    """What that word means; None where it is not known."""
    usage: Usage = UNKNOWN_USAGE
    cost: Decimal | None = None
    """Dollars, where the provider itself says what the call cost."""
    calls: dict[int, list[str]] = field(default_factory=dict)
    """Name and arguments of each tool call, by its place."""
    odds: list[tuple[str, float]] = field(default_factory=list)
    """Each token with the logarithm of its probability."""
    trouble: Trouble | None = None
    over: bool = False
    """Whether the provider said that nothing more will come."""
    quota: Quota = ()
    """What its headers say of its limits."""
    _aloud: Thinking = field(default_factory=Thinking)

    def write(self, text: object) -> None:
        """Take in text of the answer; what models without a parser of their own think in it is put apart."""
        self.text += self._aloud.hear(words(text))

    def think(self, text: object) -> None:
        """Take in text that the model says to itself."""
        self.thinking += words(text)

    def call(self, place: int, name: object, arguments: object) -> None:
        """Take in a tool call, or the next piece of one."""
        known = self.calls.setdefault(place, ["", ""])
        known[0] += words(name)
        known[1] += json.dumps(arguments) if isinstance(arguments, dict | list) else words(arguments)

    def count(self, asked: int, said: int, *, cached: int = 0, reasoning: int = 0, written: int = 0) -> None:
        """Take in the tokens, as far as they can be true: what is bought must not cost less than nothing."""
        if asked:
            cached = min(cached, asked)
            written = min(written, asked - cached)
            self.usage = Usage(asked, said, cached=cached, reasoning=min(reasoning, said), written=written)

    def weigh(self, tokens: object, name: str = "logprob") -> None:
        """Take in the probability of each of these tokens."""
        for token in objects(tokens):
            if isinstance(token.get(name), int | float) and not math.isnan(token[name]):
                self.odds.append((words(token.get("token")), float(token[name])))

    def stop(self, reason: object, meanings: Mapping[str, Finish], broken: frozenset[str] = frozenset()) -> None:
        """Take in why the model stopped; a word in `broken` means that the provider could not finish."""
        if not isinstance(reason, str) or not reason:
            return
        self.reason, self.finish = reason, meanings.get(reason)
        if reason in broken and self.trouble is None:
            self.trouble = Trouble(f"it stopped in the middle ({reason})", 500)

    def close(self) -> None:
        """Nothing more will come: what was held back belongs to the answer, or to the thought."""
        self.text += self._aloud.finish()
        self.thinking += self._aloud.thought
        self._aloud = Thinking()


def words(value: object) -> str:
    """The text, or nothing where it is none."""
    return value if isinstance(value, str) else ""


def part(said: object, *path: str) -> Any:  # whatever JSON holds there; each reader looks before it uses it
    """What stands at this path of objects, or None."""
    for key in path:
        said = said.get(key) if isinstance(said, Mapping) else None
    return said


def objects(value: object) -> list[Said]:
    """The objects of a list, without what is none."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def whole(value: object) -> int:
    """The count, or 0 where none was told; Cohere's reference types them as floating-point numbers."""
    if isinstance(value, float) and math.isfinite(value):
        value = int(value)
    return min(value, _MOST) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0

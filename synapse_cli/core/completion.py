"""What a model said, and what it took: text, tokens, money, confidence."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Finish = Literal["stop", "length", "refusal", "tool_calls"]
"""Why the model stopped. A stream without its provider's own terminal reason is an error, not a Completion."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call or of many. None is unknown, never zero; `estimated` marks counts that nobody measured."""

    input: int | None = None
    output: int | None = None
    cached: int = 0
    reasoning: int = 0
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            _plus(self.input, other.input),
            _plus(self.output, other.output),
            self.cached + other.cached,
            self.reasoning + other.reasoning,
            self.estimated or other.estimated,
        )

    @property
    def total(self) -> int | None:
        """Input plus output, or None where either is unknown."""
        return _plus(self.input, self.output)


NO_USAGE = Usage(0, 0)


def _plus(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens. A local model's is zero; where a price is not known there is no Price at all."""

    input: Decimal
    output: Decimal
    cached: Decimal | None = None

    def cost(self, usage: Usage) -> Decimal | None:
        """Dollars for this usage, or None where the usage is not known."""
        if usage.input is None or usage.output is None:
            return None
        cached_price = self.input if self.cached is None else self.cached
        fresh = usage.input - usage.cached
        return (fresh * self.input + usage.cached * cached_price + usage.output * self.output) / 1_000_000


FREE = Price(Decimal(0), Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A whole answer: the provider said that it was finished."""

    text: str
    finish: Finish
    usage: Usage
    cost: Decimal | None
    """Dollars; None where price or usage is unknown."""
    confidence: float | None = None
    """Geometric mean of the probabilities of the answer's tokens, in [0, 1]; None where nothing tells."""
    latency_s: float = 0.0
    first_latency_s: float | None = None
    thinking: str = ""
    tool_calls: tuple[str, ...] = ()
    """Each a canonical JSON text `{"name", "arguments"}`."""
    warnings: tuple[str, ...] = ()
    """One-line notices for the user, for example that the chat template failed and ChatML was used instead."""
    cache_key: str | None = None
    """The call's content address, set by the cache that kept or found it."""
    cached: bool = False
    """Whether this came from the cache, and so cost nothing now."""
    kept_at: float | None = None
    """When the cache kept it, in seconds since 1970; None where it was made now."""
    keepable: bool = True
    """False where the budget shortened it: a cache must not keep it under the whole request."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a model without calling it."""

    is_local: bool
    provider: str
    """"llama.cpp", "openai", "anthropic", … : who is asked."""
    price: Price | None
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    notice: str | None = None
    """What a person must know before trusting it, said on first use (the nano model says that it is one)."""


@dataclass(frozen=True, slots=True)
class Count:
    """A number of tokens, and whether the model's own tokenizer counted them."""

    tokens: int
    estimated: bool

"""What a model said, and what it took: text, tokens, money, confidence."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from synapse_cli.core.quota import Quota

Finish = Literal["stop", "length", "refusal", "tool_calls"]
"""Why the model stopped. A stream without its provider's own terminal reason is an error, not a Completion."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call or of many. None is unknown, never zero; `estimated` marks counts that nobody measured."""

    input: int | None = None
    output: int | None = None
    cached: int = 0
    """Of the input: read from the provider's cache."""
    reasoning: int = 0
    """Of the output: thought, and not said."""
    estimated: bool = False
    written: int = 0
    """Of the input: put into the provider's cache, which some bill dearer."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            _plus(self.input, other.input),
            _plus(self.output, other.output),
            self.cached + other.cached,
            self.reasoning + other.reasoning,
            self.estimated or other.estimated,
            self.written + other.written,
        )

    @property
    def total(self) -> int | None:
        """Input plus output, or None where either is unknown."""
        return _plus(self.input, self.output)


NO_USAGE = Usage(0, 0)


def _plus(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right


_PICO = Decimal("1e-12")
"""Dollars are kept to this: a token of the cheapest model costs thousands of them, and every sum stays exact."""


def exact(amount: Decimal) -> Decimal:
    """Dollars without what is finer than any bill: what is said, recorded and added up is the same number."""
    exponent = amount.as_tuple().exponent
    return amount.quantize(_PICO) if isinstance(exponent, int) and exponent < -12 else amount


@dataclass(frozen=True, slots=True)
class PriceStep:
    """What a whole call costs per million tokens once its prompt is longer than `above` tokens."""

    above: int
    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    written: Decimal | None = None
    reasoning: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens. A local model's is zero; where a price is not known there is no Price at all."""

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    """Of input that the provider's cache held; None is the price of input."""
    written: Decimal | None = None
    """Of input that went into that cache; None is the price of input."""
    reasoning: Decimal | None = None
    """Of thoughts; None is the price of output."""
    steps: tuple[PriceStep, ...] = ()
    """Dearer prices of longer prompts, the longest last."""

    def cost(self, usage: Usage) -> Decimal | None:
        """Dollars for this usage, or None where the usage is not known."""
        if usage.input is None or usage.output is None:
            return None
        price = self.at(usage.input)
        written = min(usage.written, usage.input - usage.cached)
        reasoning = min(usage.reasoning, usage.output)
        parts = (
            (usage.input - usage.cached - written, price.input),
            (usage.cached, price.input if price.cached is None else price.cached),
            (written, price.input if price.written is None else price.written),
            (usage.output - reasoning, price.output),
            (reasoning, price.output if price.reasoning is None else price.reasoning),
        )
        return exact(sum((tokens * each for tokens, each in parts), Decimal(0)) / 1_000_000)

    def at(self, input_tokens: int) -> Price:
        """The one price of a call with so long a prompt."""
        reached = [step for step in self.steps if input_tokens > step.above]
        if not reached:
            return self
        step = reached[-1]
        return Price(step.input, step.output, step.cached, step.written, step.reasoning)

    def ceiling(self, input_tokens: int) -> Price:
        """The most that a token of such a call can cost: for upper bounds, before anybody knows what is cached."""
        price = self.at(input_tokens)
        asked = [each for each in (price.input, price.cached, price.written) if each is not None]
        return Price(max(asked), max(price.output, price.reasoning or Decimal(0)))


FREE = Price(Decimal(0), Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Why a kept answer was taken for a prompt that is not the one it was given to."""

    entry: str
    """Its key in the cache."""
    prompt: str
    """What was asked then."""
    cosine: float
    score: float
    """What the judge of similarity says of the two prompts."""
    threshold: float
    promise: str | None
    """What was proved of the threshold; None where somebody chose it."""

    @property
    def text(self) -> str:
        """One line for people and for the record."""
        proved = "" if self.promise is not None else ", not certified"
        asked = " ".join(self.prompt.split())
        asked = asked if len(asked) <= 80 else asked[:79] + "…"
        return f"as for {asked!r} (score {self.score:.2f} of {self.threshold:.2f}, cosine {self.cosine:.2f}{proved})"


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
    like: Likeness | None = None
    """Where it was given to another prompt that asks the same: which, and why it serves."""
    kept_at: float | None = None
    """When the cache kept it, in seconds since 1970; None where it was made now."""
    keepable: bool = True
    """False where the budget shortened it: a cache must not keep it under the whole request."""
    quota: Quota = ()
    """What the provider said of its own limits."""


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

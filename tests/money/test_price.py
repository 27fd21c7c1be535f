"""What tokens cost: exact, never above the bound that was promised for them, and as LiteLLM reckons it too."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_cli.backends import prices
from synapse_cli.core.completion import Price, PriceStep, Usage, exact
from synapse_cli.core.price_form import price_json, to_price

LONG = Price(
    Decimal(3),
    Decimal(15),
    Decimal("0.3"),
    Decimal("3.75"),
    steps=(PriceStep(200_000, Decimal(6), Decimal("22.5"), Decimal("0.6"), Decimal("7.5")),),
)
_money = st.decimals(0, 1000, places=6)
_tokens = st.integers(0, 2_000_000)


@st.composite
def priced(draw: st.DrawFn) -> Price:
    maybe = st.none() | _money
    bounds = sorted(draw(st.sets(st.integers(1, 1_000_000), max_size=3)))
    steps = [PriceStep(b, draw(_money), draw(_money), draw(maybe), draw(maybe), draw(maybe)) for b in bounds]
    return Price(draw(_money), draw(_money), draw(maybe), draw(maybe), draw(maybe), tuple(steps))


@st.composite
def used(draw: st.DrawFn) -> Usage:
    asked, said = draw(_tokens), draw(_tokens)
    cached = draw(st.integers(0, asked))
    written = draw(st.integers(0, asked - cached))
    return Usage(asked, said, cached=cached, reasoning=draw(st.integers(0, said)), written=written)


def test_what_a_cache_held_and_what_it_keeps_have_their_own_prices() -> None:
    usage = Usage(1000, 100, cached=600, written=300)

    assert LONG.cost(usage) == (100 * 3 + 600 * Decimal("0.3") + 300 * Decimal("3.75") + 100 * 15) / Decimal(1_000_000)


def test_a_long_prompt_makes_the_whole_call_dearer() -> None:
    assert LONG.cost(Usage(200_000, 1000)) == Decimal("0.615")
    assert LONG.cost(Usage(200_001, 1000)) == Decimal("1.222506")


def test_thoughts_have_a_price_of_their_own_where_there_is_one() -> None:
    price = Price(Decimal(1), Decimal(2), reasoning=Decimal(10))

    assert price.cost(Usage(0, 100, reasoning=40)) == Decimal("0.00052")


def test_unknown_tokens_cost_an_unknown_amount() -> None:
    assert (LONG.cost(Usage(None, 5)), LONG.cost(Usage(5, None))) == (None, None)


@given(priced(), used())
def test_no_call_costs_more_than_its_ceiling(price: Price, usage: Usage) -> None:
    cost, most = price.cost(usage), price.ceiling(usage.input or 0).cost(Usage(usage.input, usage.output))

    assert cost is not None
    assert most is not None
    assert cost <= most


@given(priced(), used())
def test_dollars_are_never_finer_than_what_is_added_up(price: Price, usage: Usage) -> None:
    cost = price.cost(usage)

    assert cost is not None
    assert cost == exact(cost) == cost.quantize(Decimal("1e-12"))


@given(priced())
def test_a_price_is_read_back_as_it_was(price: Price) -> None:
    assert to_price(json.loads(json.dumps(price_json(price)))) == price


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("openai/gpt-5.4", (272_000, "5", "22.5", "0.5")),
        ("gemini/gemini-2.5-pro", (200_000, "2.5", "15", "0.25")),
        ("dashscope/qwen3-max", (32_000, "2.4", "12", None)),
    ],
)
def test_the_catalogue_knows_what_long_prompts_cost(model: str, price: tuple[int, str, str, str | None]) -> None:
    known = prices.price(model)

    assert known is not None
    step = known.steps[0]
    cached = None if step.cached is None else str(step.cached)
    assert (step.above, str(step.input), str(step.output), cached) == price


@pytest.mark.parametrize(
    ("moment", "cost"),
    [
        ("2026-11-20T05:59", "0.66"),  # a Friday: cheap from 4 to 6
        ("2026-11-20T06:00", "1.32"),
        ("2026-11-20T10:00", "0.66"),
        ("2026-11-21T07:00", "0.66"),  # a Saturday: cheap all day
    ],
)
def test_cheap_hours_count_where_a_provider_has_them(moment: str, cost: str) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)

    known, dearest = prices.entry("deepseek/deepseek-v4-pro", at), prices.entry("deepseek/deepseek-v4-pro")

    assert known is not None
    assert known.price is not None
    assert (str(known.price.input), dearest and dearest.price and str(dearest.price.input)) == (cost, "1.32")


_LITELLM = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm
from litellm.types.utils import CompletionTokensDetailsWrapper as Said, PromptTokensDetailsWrapper as Asked, Usage
print("|")
for line in sys.stdin:
    name, provider, asked = json.loads(line)
    usage = Usage(
        prompt_tokens=asked, completion_tokens=500, total_tokens=asked + 500,
        prompt_tokens_details=Asked(cached_tokens=asked // 4), completion_tokens_details=Said(reasoning_tokens=100),
    )
    print(json.dumps(sum(litellm.cost_per_token(model=name, usage_object=usage, custom_llm_provider=provider))))
"""


def test_prices_are_reckoned_as_litellm_reckons_them() -> None:
    """Every fortieth chat model, at three lengths; LiteLLM's floats agree to nine digits."""
    chat = sorted(name for name, entry in prices._whole_file().items() if entry.get("mode") == "chat")
    cases = []
    for name in chat[::40]:
        provider = str(prices._whole_file()[name]["litellm_provider"])
        known = prices.entry(name if "/" in name else f"{provider}/{name}", datetime.now(UTC))
        if known is not None and known.price is not None:
            cases += [(name, provider, asked, known.price) for asked in (1000, 150_000, 300_000)]
    assert len(cases) > 150

    done = subprocess.run(
        [sys.executable, "-c", _LITELLM],
        input="\n".join(json.dumps(case[:3]) for case in cases),
        capture_output=True,
        text=True,
        check=True,
    )

    theirs = [float(line) for line in done.stdout.rpartition("|\n")[2].splitlines() if line[:1].isdigit()]
    ours = [price.cost(Usage(asked, 500, cached=asked // 4, reasoning=100)) for *_, asked, price in cases]
    assert len(theirs) == len(ours)
    assert [
        c[0] for c, our, their in zip(cases, ours, theirs, strict=True) if abs(float(our or 0) - their) > 1e-9
    ] == []

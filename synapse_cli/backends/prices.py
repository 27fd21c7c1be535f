"""What a hosted model costs and holds, by LiteLLM's price file, read without importing LiteLLM."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from synapse_cli.core.completion import Price, PriceStep
from synapse_cli.core.prompt import Json

if TYPE_CHECKING:
    from datetime import datetime

_FILE = "model_prices_and_context_window_backup.json"
_NAME = re.compile(r'^ {4}"([^"]+)": \{', re.MULTILINE)
_INPUT, _OUTPUT = "input_cost_per_token", "output_cost_per_token"
_CACHED, _WRITTEN = "cache_read_input_token_cost", "cache_creation_input_token_cost"
_REASONING = "output_cost_per_reasoning_token"
_ABOVE = re.compile(_INPUT + r"_above_([0-9]+)k_tokens")
_FIRST_PARTY = ("gemini", "mistral", "deepseek", "xai", "groq", "cohere", "perplexity", "moonshot", "zai", "dashscope")
"""Where a bare name that has no entry of its own is looked for: those who made the model, before those who host it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the catalogue. None is unknown."""

    name: str
    """`provider/id`, as LiteLLM is asked."""
    mode: str
    """chat, responses, embedding, …; empty where the file does not say."""
    price: Price | None
    context_tokens: int | None
    max_output_tokens: int | None
    supports: frozenset[str]
    """What follows `supports_` in the file and is true: response_schema, function_calling, reasoning, …"""
    deprecated_on: str | None = None
    """The day from which it is gone, `2026-06-01`."""


def find(name: str) -> str | None:
    """Return `provider/id` for a bare name such as gpt-5-mini, or None where the catalogue has no such chat model."""
    for candidate in (name, *(f"{provider}/{name}" for provider in _FIRST_PARTY)):
        found = _raw(candidate)
        if found is None or found.get("mode") != "chat":
            continue
        provider = provider_name(found)
        if provider == "vertex_ai" and _raw(f"gemini/{name}") is not None:
            continue  # the same model without a Google Cloud project
        return candidate if candidate.startswith(f"{provider}/") else f"{provider}/{candidate}"
    return None


def entry(model: str, at: datetime | None = None) -> Entry | None:
    """Return what the catalogue says of `provider/id`, or None where it does not know it.

    The price is that of the moment `at`; without one the dearest hour's.
    """
    found = _looked_up(model)
    if found is None:
        return None
    if at is not None and "off_peak_pricing" in found:
        from synapse_cli.backends.prices_hours import at_hour

        found = at_hour(found, at)
    supports = {key.removeprefix("supports_") for key, value in found.items() if key.startswith("supports_") and value}
    return Entry(
        model,
        str(found.get("mode") or ""),
        priced(found),
        _whole(found, "max_input_tokens"),
        _whole(found, "max_output_tokens"),
        frozenset(supports),
        str(found["deprecation_date"]) if found.get("deprecation_date") else None,
    )


def price(model: str) -> Price | None:
    """Return the catalogue's price of `provider/id`; unknown is None, never zero."""
    known = entry(model)
    return known.price if known else None


def all_names() -> list[str]:
    """`provider/id` of every model of the catalogue that is paid by the token."""
    whole = _whole_file()
    kinds = {"chat", "completion", "responses", "embedding"}
    found = {name: each for name, each in whole.items() if each.get("mode") in kinds and name != "sample_spec"}
    return [name if "/" in name else f"{provider_name(each)}/{name}" for name, each in found.items()]


def near(name: str, count: int = 3) -> list[str]:
    """Return the names most like this one, as `provider/id`, best first."""
    import difflib

    known = [match for match in _NAME.findall(_text()) if match != "sample_spec"]
    close = difflib.get_close_matches(name.rpartition("/")[2], known, n=count * 4, cutoff=0.6)
    found = [full for full in (find(match) for match in close) if full is not None]
    return list(dict.fromkeys(found))[:count]


def _looked_up(model: str) -> dict[str, Json] | None:
    """The entry under the full name, else under the bare id where it is the same provider's."""
    found = _raw(model)
    if found is not None:
        return found
    provider, slash, bare = model.partition("/")
    found = _raw(bare) if slash else None
    return found if found is not None and provider_name(found) == provider else None


@lru_cache(maxsize=64)
def _raw(name: str) -> dict[str, Json] | None:
    """One entry, decoded alone: parsing all 3 MB of the file costs thirty times as much."""
    if _whole_file.cache_info().currsize:
        return _whole_file().get(name) if name != "sample_spec" else None
    text = _text()
    start = text.find(f"\n    {json.dumps(name)}: {{")
    if start < 0 or name == "sample_spec":
        return None
    value, _ = json.JSONDecoder().raw_decode(text, text.index("{", start + len(name)))
    return value if isinstance(value, dict) else None


@lru_cache(maxsize=1)
def _whole_file() -> dict[str, dict[str, Json]]:
    """Every entry, for whoever lists them."""
    whole = json.loads(_text() or "{}")
    return whole if isinstance(whole, dict) else {}


@lru_cache(maxsize=1)
def _text() -> str:
    folder = package_folder()
    if folder is None:
        return ""
    try:
        with open(f"{folder}/{_FILE}", encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


@lru_cache(maxsize=1)
def package_folder() -> str | None:
    """Folder of the installed LiteLLM, found without importing it; None where it is not installed."""
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("litellm")
    places = spec.submodule_search_locations if spec else None
    return next(iter(places), None) if places else None


def provider_name(found: dict[str, Json]) -> str:
    """LiteLLM's `vertex_ai-language-models` and the like are one provider; so are both dialects of Bedrock."""
    provider = str(found.get("litellm_provider") or "")
    if provider.startswith("vertex_ai"):
        return "vertex_ai"
    return {"bedrock_converse": "bedrock", "cohere_chat": "cohere"}.get(provider, provider)


def priced(found: dict[str, Json]) -> Price | None:
    """What an entry in LiteLLM's form says that tokens cost; None where it does not say both input and output."""
    ranges = [each for each in _objects(found.get("tiered_pricing")) if _per_million(each, _INPUT) is not None]
    base = found if _per_million(found, _INPUT) is not None or not ranges else {**found, **ranges[0]}
    asked, said = _per_million(base, _INPUT), _per_million(base, _OUTPUT)
    if found.get("mode") == "embedding":
        said = Decimal(0)  # vectors are no tokens; some entries do not say so
    if asked is None or said is None:
        return None
    cached = _per_million(base, _CACHED)
    if cached is None and found.get("litellm_provider") == "fireworks_ai":
        cached = asked / 2  # its rule for every model that has no price of its own
    return Price(
        asked,
        said,
        cached,
        _per_million(base, _WRITTEN) or None,  # "0" stands where nothing is added for it
        _per_million(base, _REASONING),
        tuple(_ranged(ranges[1:], said) if base is not found else _above(found, said)),
    )


def _above(found: dict[str, Json], said: Decimal) -> Iterator[PriceStep]:
    """The prices of long prompts: `input_cost_per_token_above_200k_tokens` and its kin."""
    bounds = sorted(int(match[1]) for key in found if (match := _ABOVE.fullmatch(key)))
    for bound in bounds:
        tail = f"_above_{bound}k_tokens"
        asked = _per_million(found, _INPUT + tail)
        if asked is not None:
            output = _per_million(found, _OUTPUT + tail)
            cached, written = _per_million(found, _CACHED + tail), _per_million(found, _WRITTEN + tail)
            yield PriceStep(bound * 1000, asked, said if output is None else output, cached, written)


def _ranged(ranges: Sequence[dict[str, Json]], said: Decimal) -> Iterator[PriceStep]:
    """The same in the form of DashScope: a list of ranges, each with its prices."""
    for each in ranges:
        asked, output, range_ = _per_million(each, _INPUT), _per_million(each, _OUTPUT), each.get("range")
        if asked is not None and isinstance(range_, list) and range_ and isinstance(range_[0], int | float):
            yield PriceStep(
                int(range_[0]),
                asked,
                said if output is None else output,
                _per_million(each, _CACHED),
                reasoning=_per_million(each, _REASONING),
            )


def _objects(value: Json) -> list[dict[str, Json]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _per_million(found: dict[str, Json], key: str) -> Decimal | None:
    value = found.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    dollars = Decimal(str(value)) * 1_000_000
    return dollars.quantize(Decimal(1)) if dollars == dollars.to_integral_value() else dollars.normalize()


def _whole(found: dict[str, Json], key: str) -> int | None:
    value = found.get(key)
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

"""Prices, windows, names and token estimates, offline and without importing LiteLLM."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal

import pytest

from synapse_cli.backends import prices, tokens
from synapse_cli.core.completion import Price, Usage
from synapse_cli.core.prompt import Message


@pytest.mark.parametrize(
    ("bare", "full"),
    [
        ("gpt-5-mini", "openai/gpt-5-mini"),
        ("gpt-4o-mini", "openai/gpt-4o-mini"),
        ("claude-haiku-4-5", "anthropic/claude-haiku-4-5"),
        ("gemini-2.5-flash", "gemini/gemini-2.5-flash"),
        ("deepseek-chat", "deepseek/deepseek-chat"),
        ("mistral-large-latest", "mistral/mistral-large-latest"),
        ("text-embedding-3-small", None),
        ("gpt-5.1-codex", None),
        ("sample_spec", None),
        ("no-such-model", None),
        ("", None),
        ('"', None),
    ],
)
def test_a_bare_name_finds_who_made_the_model(bare: str, full: str | None) -> None:
    assert prices.find(bare) == full


def test_what_find_returns_is_priced() -> None:
    assert prices.price("openai/gpt-5-mini") == Price(Decimal("0.25"), Decimal(2), Decimal("0.025"))
    assert prices.price("anthropic/claude-haiku-4-5") == Price(Decimal(1), Decimal(5), Decimal("0.1"), Decimal("1.25"))


def test_an_unknown_price_is_unknown() -> None:
    assert prices.price("openai/no-such-model") is None
    assert prices.price("groq/gpt-5-mini") is None  # another provider's model of that name


def test_money_is_exact() -> None:
    price = prices.price("openai/gpt-4o-mini")

    assert price is not None
    assert price.cost(Usage(1_000_000, 1_000_000, cached=500_000)) == Decimal("0.7125")  # 0.075 + 0.0375 + 0.6


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gpt5-mini", "openai/gpt-5-mini"),
        ("openai/gpt-4o-minni", "openai/gpt-4o-mini"),
        ("claude-haiku-45", "anthropic/claude-haiku-4-5"),
    ],
)
def test_a_misspelt_name_is_met_with_the_nearest(typed: str, meant: str) -> None:
    assert prices.near(typed)[0] == meant


def test_nonsense_is_near_nothing() -> None:
    assert prices.near("zzzqqqxxx") == []


def test_one_entry_is_the_same_as_in_the_whole_file() -> None:
    folder = prices.package_folder()
    assert folder is not None
    with open(f"{folder}/model_prices_and_context_window_backup.json", encoding="utf-8") as file:
        whole = json.load(file)

    sample = sorted(whole)[::97]
    assert len(sample) > 40
    assert [name for name in sample if name != "sample_spec" and prices._raw(name) != whole[name]] == []


def test_an_estimate_is_tiktokens_with_the_templates_share() -> None:
    counted = tokens.count([Message("system", "Be brief."), Message("user", "hello world")], "openai/gpt-4o-mini")

    assert (counted.tokens, counted.estimated) == (4 + 3 + 4 + 2 + 3, True)


def test_older_models_have_another_table() -> None:
    assert tokens.text_tokens("naïve 東京", "openai/gpt-4") != tokens.text_tokens("naïve 東京", "openai/gpt-4o")


def test_special_tokens_and_long_runs_are_plain_text() -> None:
    assert tokens.text_tokens("<|endoftext|>", "openai/gpt-4o") > 1
    assert 1_000 < tokens.text_tokens("a" * 300_000, "openai/gpt-4o") < 300_000
    assert tokens.text_tokens("\ud800", "openai/gpt-4o") > 0


def test_neither_prices_nor_tokens_nor_facts_import_litellm() -> None:
    code = """
import socket, sys
def no(*_): raise SystemExit("the network was asked")
socket.socket.connect = no
from synapse_cli.backends.litellm import LiteLLM
from synapse_cli.core.prompt import Message
from synapse_cli.profile.model import Model
backend = LiteLLM(Model(name="m", backend="litellm", model="openai/gpt-5-mini"))
assert backend.facts().price is not None
assert "tiktoken" not in sys.modules
assert backend.count([Message("user", "hi")]).tokens == 8
heavy = {"litellm", "openai", "httpx", "pydantic", "numpy", "rich"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

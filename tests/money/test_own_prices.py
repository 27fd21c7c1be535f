"""The user's own prices: before the catalogue, behind the profile, undone without a trace, and never in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from synapse_cli.backends import prices, prices_keep, prices_own
from synapse_cli.backends.host import codec
from synapse_cli.backends.litellm import LiteLLM
from synapse_cli.backends.prices_told import Told, told, told_of
from synapse_cli.core.completion import Price, Usage
from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.flows.wiring import with_own_price
from synapse_cli.profile.model import Listed, Model

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MINI = "openai/gpt-5-mini"
DEAR = Price(Decimal(7), Decimal(70))
CATALOGUE = "model_prices_and_context_window_backup.json"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"SYNAPSE_CONFIG_DIR": str(tmp_path / "config")}


def _file(folder: Path, content: object) -> str:
    path = folder / "prices.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


def _source(found: Told) -> tuple[str | None, str | None]:
    return found.source, None if found.price is None else str(found.price.input)


def test_an_override_goes_before_a_list_and_a_list_before_the_catalogue(tmp_path: Path, env: dict[str, str]) -> None:
    assert _source(told(MINI, env)) == ("catalogue", "0.25")

    prices_keep.update(_file(tmp_path, {MINI: {"input": 0.3, "output": 3}}), env, NOW)
    assert _source(told(MINI, env)) == ("list", "0.3")

    prices_keep.override(MINI, DEAR, env)
    assert _source(told(MINI, env)) == ("override", "7")

    own = Model(name="m", backend="litellm", model=MINI, price=Price(Decimal(9), Decimal(9)))
    assert _source(told_of(own, env)) == ("profile", "9")

    prices_keep.drop_override(MINI, env)
    assert _source(told(MINI, env)) == ("list", "0.3")

    prices_keep.drop_list(env)
    assert _source(told(MINI, env)) == ("catalogue", "0.25")


def test_lists_are_gone_back_to_one_by_one(tmp_path: Path, env: dict[str, str]) -> None:
    for dollars in (1, 2, 3):
        prices_keep.update(_file(tmp_path, {MINI: {"input": dollars, "output": 9}}), env, NOW)

    seen = [_source(told(MINI, env))]
    for _ in range(3):
        prices_keep.drop_list(env)
        seen.append(_source(told(MINI, env)))

    assert seen == [("list", "3"), ("list", "2"), ("list", "1"), ("catalogue", "0.25")]
    assert os.listdir(tmp_path / "config" / "prices") == []
    with pytest.raises(UsageError, match="no list of prices was taken in"):
        prices_keep.drop_list(env)


def test_what_several_processes_say_at_once_is_all_kept(tmp_path: Path, env: dict[str, str]) -> None:
    code = """
import sys, os
from decimal import Decimal
from synapse_cli.backends.prices_keep import override
from synapse_cli.core.completion import Price
for number in range(10):
    override(f"a/{sys.argv[1]}-{number}", Price(Decimal(1), Decimal(2)), os.environ)
"""
    running = [subprocess.Popen([sys.executable, "-c", code, str(n)], env={**os.environ, **env}) for n in range(4)]

    assert [each.wait(60) for each in running] == [0] * 4
    assert len(prices_own.own(env).overrides) == 40


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "config").mkdir(mode=0o500)

    with pytest.raises(InputError, match=r"cannot write .*prices\.json"):
        prices_keep.override(MINI, DEAR, env)


def test_only_ten_lists_are_kept(tmp_path: Path, env: dict[str, str]) -> None:
    for dollars in range(13):
        prices_keep.update(_file(tmp_path, {MINI: {"input": dollars, "output": 9}}), env, NOW)

    assert len(os.listdir(tmp_path / "config" / "prices")) == len(prices_own.own(env).lists) == 10


def test_litellms_own_file_is_taken_in_as_the_catalogue_reads_it(tmp_path: Path, env: dict[str, str]) -> None:
    folder = prices.package_folder()
    assert folder is not None

    prices_keep.update(f"{folder}/{CATALOGUE}", env, NOW)

    known = prices_own.own(env)
    names = sorted(set(prices.all_names()))[::17]
    differ = [n for n in names if (f := prices_own.listed(n, env, known)) and f.price != prices.price(n)]
    unpriced = [n for n in names if prices_own.listed(n, env, known) is None and prices.price(n) is not None]
    assert (len(names) > 150, differ, unpriced) == (True, [], [])


def test_a_new_model_of_a_list_is_found_by_its_bare_name(tmp_path: Path, env: dict[str, str]) -> None:
    entry = {
        "litellm_provider": "openai",
        "mode": "chat",
        "input_cost_per_token": 1e-6,
        "output_cost_per_token": 2e-6,
        "max_input_tokens": 99_000,
    }
    prices_keep.update(_file(tmp_path, {"gpt-9-tiny": entry}), env, NOW)

    assert prices_own.find("gpt-9-tiny", env) == "openai/gpt-9-tiny"
    found = prices_own.listed("openai/gpt-9-tiny", env)
    assert found == Listed(price=Price(Decimal(1), Decimal(2)), context_tokens=99_000)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "is no list of prices"),
        ("{}", "is no list of prices"),
        ('{"a/b": 3}', "is no list of prices"),
        ({"gpt-5-mini": {"input": 1, "output": 2}}, "lacks the provider"),
        ({"a/b": {"input": 1}}, "prices of input and output"),
        ({"a/b": {"input": -1, "output": 2}}, "dollars per million tokens"),
        ({"a/b": {"input": True, "output": 2}}, "dollars per million tokens"),
        ({"a/b": {"input": "NaN", "output": 2}}, "dollars per million tokens"),
        ({"a/b": {"input": 2.5e-7, "output": 2e-6}}, "looks like dollars per token"),
        ({"a/b": {"input_cost_per_token": 0.25, "output_cost_per_token": 2}}, "looks like dollars per million"),
        ({"a/b": {"input_cost_per_token": "x", "output_cost_per_token": 2}}, "expected dollars per token"),
        ({"a/b": {"mode": "image_generation", "output_cost_per_image": 0.1}}, "has no price of tokens"),
    ],
)
def test_a_file_that_is_wrong_changes_nothing(tmp_path: Path, env: dict[str, str], content: object, said: str) -> None:
    prices_keep.override(MINI, DEAR, env)
    before = prices_own.own(env)

    with pytest.raises(InputError, match=said):
        prices_keep.update(_file(tmp_path, content), env, NOW)

    assert prices_own.own(env) == before


def test_the_users_price_is_billed_before_the_providers_word_and_a_lists_behind_it() -> None:
    usage, told_cost = Usage(1000, 100), Decimal("0.5")
    model = Model(name="m", backend="litellm", model=MINI, listed=Listed(price=DEAR, is_override=True))
    listed = Model(name="m", backend="litellm", model=MINI, listed=Listed(price=DEAR))

    assert LiteLLM(model)._cost(told_cost, usage) == LiteLLM(listed)._cost(None, usage) == Decimal("0.014")
    assert LiteLLM(listed)._cost(told_cost, usage) == told_cost


def test_a_host_bills_as_the_caller_was_told() -> None:
    listed = Listed(price=DEAR, context_tokens=50, is_override=True)
    model = Model(name="m", backend="litellm", model=MINI, listed=listed)

    there = codec.to_model(json.loads(json.dumps(codec.model_json(model))))

    assert there == model
    assert (LiteLLM(there).facts().price, LiteLLM(there).facts().context_tokens) == (DEAR, 50)


@pytest.mark.parametrize("content", ["{", "[]", '{"overrides": 3, "lists": []}', '{"overrides": {}, "lists": [{}]}'])
def test_a_damaged_list_costs_a_warning_and_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setenv("SYNAPSE_CONFIG_DIR", str(tmp_path))
    (tmp_path / "prices.json").write_text(content, encoding="utf-8")
    model = Model(name="m", backend="litellm", model=MINI)
    said: list[str] = []

    assert with_own_price(model, said.append) == model
    assert len(said) == 1
    assert "the catalogue's prices count" in said[0]


def test_what_has_its_own_price_or_runs_here_looks_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNAPSE_CONFIG_DIR", str(tmp_path))
    (tmp_path / "prices.json").write_text("{", encoding="utf-8")

    for model in (
        Model(name="m", backend="litellm", model=MINI, price=DEAR),
        Model(name="m", backend="llama.cpp", source="builtin:nano"),
        Model(name="m", backend="scripted"),
    ):
        assert with_own_price(model, pytest.fail) is model

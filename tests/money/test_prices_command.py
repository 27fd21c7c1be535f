"""`synapse prices`: shown with who says so, said better, taken in and undone, without a network."""

from __future__ import annotations

import json

import pytest

from tests.e2e.machine import Machine

PROFILE = """schema = 1
[models.mini]
backend = "litellm"
model = "openai/gpt-5-mini"
[models.own]
backend = "litellm"
model = "openai/gpt-5"
price = { input = 1.5, output = 3 }
[models.odd]
backend = "litellm"
model = "azure/our-deployment"
[models.here]
backend = "llama.cpp"
source = "builtin:nano"
[routes.default]
use = "mini"
"""


@pytest.fixture
def prices(machine: Machine) -> Machine:
    machine.use(PROFILE)
    return machine


def test_each_price_says_where_it_comes_from(prices: Machine) -> None:
    rows = prices.synapse("prices", "show", "--json").json

    told = {row["name"]: (row["input"], row["output"], row["cached"], row["from"]) for row in rows}
    assert told == {
        "mini": ("0.25", "2", "0.025", "catalogue"),
        "own": ("1.5", "3", None, "profile"),
        "odd": (None, None, None, None),
        "here": ("0", "0", "0", "local"),
    }
    assert rows[0]["detail"].startswith("LiteLLM 1.")
    assert (rows[0]["context"], rows[0]["max_output"]) == (272_000, 128_000)


def test_a_table_has_a_line_a_model(prices: Machine) -> None:
    done = prices.synapse("prices", "show", "openai/gpt-5-mini", "gemini-2.5-pro")

    assert done.code == 0
    assert [line.split(b"\t")[:4] for line in done.out.splitlines()] == [
        [b"openai/gpt-5-mini", b"0.25", b"2", b"0.025"],
        [b"gemini/gemini-2.5-pro", b"1.25", b"10", b"0.125"],
    ]
    assert done.err == "gemini/gemini-2.5-pro: a call of more than 200,000 tokens costs 2.5 / 15\n"


def test_an_override_counts_from_then_on(prices: Machine) -> None:
    first = prices.synapse("prices", "override", "mini", "--input", "$0.20", "--cached", "0.01")
    second = prices.synapse("prices", "override", "azure/our-deployment", "--input", "1", "--output", "4")

    rows = {row["name"]: row for row in prices.synapse("prices", "show", "--json").json}
    assert (first.code, second.code) == (0, 0)
    assert "0.2 / 2 dollars per million tokens (override)" in first.err
    assert [rows["mini"][name] for name in ("input", "output", "cached", "from")] == ["0.2", "2", "0.01", "override"]
    assert [rows["odd"][name] for name in ("input", "output", "from")] == ["1", "4", "override"]

    gone = prices.synapse("prices", "override", "mini", "--remove")
    assert "0.25 / 2 dollars per million tokens (catalogue)" in gone.err


def test_a_price_that_the_profile_says_itself_is_told_to_go_first(prices: Machine) -> None:
    done = prices.synapse("prices", "override", "own", "--input", "9")

    assert done.code == 0
    assert "the profile's own price of own goes before it" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("override", "mini"), "no price was given"),
        (("override", "odd", "--input", "1"), "the price of azure/our-deployment is unknown"),
        (("override", "mini", "--input", "cheap"), "--input takes dollars, found 'cheap'"),
        (("override", "mini", "--input", "0.00000025"), "looks like dollars per token"),
        (("override", "mini", "--input=-1"), "--input takes dollars"),
        (("override", "mini", "--input", "1", "--remove"), "--remove takes no price"),
        (("override", "mini", "--remove"), "the price of openai/gpt-5-mini is not overridden"),
        (("override", "here", "--input", "1"), "here runs here and costs nothing"),
        (("show", "gpt-5-minni"), "there is no model named 'gpt-5-minni'"),
        (("show", "nobody/*"), "no model's name matches 'nobody/*'"),
        (("update", "--remove"), "no list of prices was taken in"),
        (("update", "x.json", "--remove"), "--remove takes no FILE"),
    ],
)
def test_a_slip_is_met_with_what_to_write(prices: Machine, arguments: tuple[str, ...], said: str) -> None:
    done = prices.synapse("prices", *arguments)

    assert (done.code, done.out) == (2, b"")
    assert said in done.lines[0]
    assert done.lines[1].startswith("synapse: hint: ")
    assert not (prices.config / "prices.json").exists()


def test_what_is_shown_can_be_taken_in_again(prices: Machine) -> None:
    prices.write("list.json", prices.synapse("prices", "show", "gemini/*2.5*", "--json").out)
    before = prices.synapse("prices", "show", "gemini/*2.5*", "--json").json

    taken = prices.synapse("prices", "update", "list.json", "--json").json
    after = prices.synapse("prices", "show", "gemini/*2.5*", "--json").json
    prices.synapse("prices", "update", "--remove")

    plain = [
        [{k: v for k, v in row.items() if k not in {"from", "detail"}} for row in rows] for rows in (before, after)
    ]
    assert plain[0] == plain[1]
    assert {row["from"] for row in after} == {"list"}
    assert (taken[0]["models"], taken[0]["number"]) == (len(before), 1)
    assert prices.synapse("prices", "show", "gemini/*2.5*", "--json").json == before


def test_a_file_that_is_not_there_is_66_and_a_wrong_one_is_said_by_entry(prices: Machine) -> None:
    prices.write("wrong.json", json.dumps({"a/b": {"input": 1}, "c/d": {"input": 1, "output": 2}}))

    missing, wrong = prices.synapse("prices", "update", "no.json"), prices.synapse("prices", "update", "wrong.json")

    assert (missing.code, wrong.code) == (66, 66)
    assert "a/b: prices of input and output: nothing was taken in" in wrong.err


def test_models_without_a_price_are_listed_with_their_calls(machine: Machine) -> None:
    machine.use(PROFILE)

    rows = machine.synapse("prices", "unknown", "--json").json

    assert rows == [{"name": "odd", "model": "azure/our-deployment", "calls": 0, "now": "unknown"}]
    told = machine.synapse("prices", "unknown")
    assert "synapse prices override azure/our-deployment --input" in told.err
    machine.synapse("prices", "override", "odd", "--input", "1", "--output", "4")
    none = machine.synapse("prices", "unknown")
    assert (none.code, none.out, none.err) == (0, b"", "every price is known\n")

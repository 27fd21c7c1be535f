"""`synapse cost`: every call counts, to the last digit, in every shape; and what it would have been elsewhere."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from decimal import Decimal

import pytest

from tests.e2e.machine import Machine
from tests.hosted.site import open_site
from tests.servers.base import Reply

PROFILE = """schema = 1
[models.cheap]
backend = "scripted"
price = { input = 0.15, output = 0.6 }
replies = [
  { match = "hard", text = "no idea", tokens = { input = 1117, output = 13 } },
  { match = "", text = "a good answer", tokens = { input = 1013, output = 7 } },
]
[models.dear]
backend = "scripted"
price = { input = 3, output = 15 }
replies = [{ match = "", text = "a good answer", tokens = { input = 1201, output = 331 } }]
[cascades.thrifty]
tiers = ["cheap", "dear"]
accept = [{ kind = "regex", pattern = "good" }]
[routes.default]
use = "thrifty"
[tenants.acme]
[tenants.initech]
"""
CHEAP = Decimal("0.00015615")  # 1013 asked and 7 said
CLIMBED = Decimal("0.00017535") + Decimal("0.008568")  # 1117 and 13 in vain, then 1201 and 331


@pytest.fixture(scope="module")
def spent(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Three runs: an easy one, the same again from the cache, and one that climbed. Nobody adds to them."""
    machine = Machine(tmp_path_factory.mktemp("spent"))
    machine.use(PROFILE)
    for arguments in (("--json", "easy"), ("--json", "easy"), ("--json", "--tenant", "acme", "hard")):
        assert machine.synapse("run", *arguments).code == 0
    return machine


def _rows(machine: Machine, *arguments: str) -> dict[str, dict[str, object]]:
    told = machine.synapse("cost", *arguments, "--json").json
    return {row[told["by"][0]]: row for row in told["rows"]}


def test_no_run_says_what_to_do(machine: Machine) -> None:
    machine.use(PROFILE)

    done = machine.synapse("cost")

    assert (done.code, done.out) == (0, b"")
    assert done.err == 'no run is recorded yet: synapse run "Say hello" records one\n'
    assert machine.synapse("cost", "--json").json["total"]["cost_usd"] == "0"


def test_the_runs_json_the_log_and_the_sum_agree_to_the_last_digit(machine: Machine) -> None:
    machine.use(PROFILE)
    runs = [machine.synapse("run", "--json", prompt).json for prompt in ("hard", "easy", "easy")]
    logged = machine.synapse("log", "list", "--json").json
    total = machine.synapse("cost", "--json").json["total"]

    assert [run["cost_usd"] for run in runs] == [f"{CLIMBED:f}", f"{CHEAP:f}", "0"]
    assert [row["cost_usd"] for row in logged] == [run["cost_usd"] for run in reversed(runs)]
    assert sum(Decimal(row["cost_usd"]) for row in logged) == Decimal(total["cost_usd"]) == CLIMBED + CHEAP
    assert sum(Decimal(row["saved_usd"]) for row in logged) == Decimal(total["saved_usd"])


def test_every_call_counts_under_its_own_model_and_every_run_under_its_answers(spent: Machine) -> None:
    rows = _rows(spent, "--by", "model")

    assert [(r["runs"], r["calls"], r["cached"], r["escalated"]) for r in rows.values()] == [(1, 1, 0, 0), (2, 2, 1, 1)]
    assert [*rows] == ["dear", "cheap"]  # the dearest first
    assert Decimal(str(rows["cheap"]["cost_usd"])) == CHEAP + Decimal("0.00017535")
    assert rows["dear"]["cost_usd"] == "0.008568"


@pytest.mark.parametrize("by", ["day", "month", "hour", "provider", "route", "tenant", "outcome", "day,model"])
def test_however_it_is_split_the_sum_is_the_same(spent: Machine, by: str) -> None:
    told = spent.synapse("cost", "--by", by, "--json").json

    assert told["by"] == by.split(",")
    assert Decimal(told["total"]["cost_usd"]) == CHEAP + CLIMBED
    assert sum(Decimal(row["cost_usd"]) for row in told["rows"]) == CHEAP + CLIMBED
    assert sum(row["calls"] for row in told["rows"]) == told["total"]["calls"] == 3


def test_filters_and_a_tenant_narrow_it(spent: Machine) -> None:
    assert _rows(spent, "--by", "model", "--tenant", "acme").keys() == {"cheap", "dear"}
    assert [*_rows(spent, "--by", "model", "-m", "dear")] == ["dear"]
    assert _rows(spent, "--by", "model", "--provider", "nobody") == {}
    mine = spent.synapse("cost", "--json", env={"SYNAPSE_TENANT": "initech"})
    assert mine.json["total"]["runs"] == 0


def test_what_all_of_it_would_have_cost_at_one_model(spent: Machine) -> None:
    told = spent.synapse("cost", "--against", "openai/gpt-5-mini", "--by", "model", "--json").json

    easy, hard = (1013 * Decimal("0.25") + 7 * 2) / 1_000_000, (1201 * Decimal("0.25") + 331 * 2) / 1_000_000
    saved = {row["model"]: Decimal(row["saved_usd"]) for row in told["rows"]}
    cost = {row["model"]: Decimal(row["cost_usd"]) for row in told["rows"]}
    assert told["against"] == "openai/gpt-5-mini"
    assert saved == {"cheap": 2 * easy - cost["cheap"], "dear": hard - cost["dear"]}
    assert Decimal(told["total"]["saved_usd"]) == 2 * easy + hard - CHEAP - CLIMBED
    assert "3 accepted answers, each once from openai/gpt-5-mini ($0.25 / $2 per million tokens)" in told["notes"][0]


def test_a_memo_hit_spares_what_its_answer_took(machine: Machine) -> None:
    machine.use(PROFILE)
    machine.synapse("run", "easy")
    machine.synapse("run", "easy")

    told = machine.synapse("cost", "--against", "openai/gpt-5-mini", "--json").json

    assert machine.ledger("SELECT count(*) FROM runs WHERE memo_of IS NOT NULL") == [(1,)]
    assert (told["total"]["runs"], told["total"]["calls"], told["total"]["cached"]) == (2, 1, 1)
    assert Decimal(told["total"]["saved_usd"]) == 2 * (1013 * Decimal("0.25") + 14) / 1_000_000 - CHEAP


def test_csv_and_lines_hold_what_json_holds(spent: Machine) -> None:
    told = spent.synapse("cost", "--by", "model", "--json").json["rows"]
    lines = [json.loads(line) for line in spent.synapse("cost", "--by", "model", "--jsonl").out.splitlines()]
    table = list(csv.DictReader(io.StringIO(spent.synapse("cost", "--by", "model", "--csv").out.decode())))

    assert lines == told
    assert [(row["model"], row["cost_usd"], row["input_tokens"]) for row in table] == [
        (row["model"], row["cost_usd"], str(row["tokens"]["input"])) for row in told
    ]


def test_a_pipe_gets_plain_numbers_and_the_notes_stay_out_of_it(spent: Machine) -> None:
    done = spent.synapse("cost", "--by", "model")

    assert done.out.splitlines()[0].split(b"\t") == [
        b"dear", b"1", b"1", b"0.000", b"1201", b"331", b"0.008568", b"-0.00017535",
    ]  # fmt: skip
    assert done.lines[0].startswith("saved = the answer's tokens at the dearest tier of its way")


def test_a_call_whose_tokens_nobody_counted_is_counted_apart_and_not_blamed_on_its_price(machine: Machine) -> None:
    machine.use(PROFILE.replace('"a good answer", tokens = { input = 1201, output = 331 }', '"x", error = "cut"'))
    machine.synapse("run", "hard")

    told = machine.synapse("cost", "--json").json
    unknown = machine.synapse("prices", "unknown", "--json").json

    assert told["total"]["cost_unknown_calls"] >= 1
    assert told["total"]["cost_usd"] == "0.00017535"
    assert any("of unknown cost left out: nobody counted their tokens" in note for note in told["notes"])
    assert unknown == []


def test_a_call_without_a_price_is_counted_apart_and_its_model_named(machine: Machine) -> None:
    with open_site("openai") as site:
        site.server.will(Reply())
        machine.use(
            f"schema = 1\n[models.own]\nbackend = 'litellm'\nmodel = 'openai/unheard-of'\nkeys = ['env:K']\n"
            f"base_url = '{site.server.url}/v1'\n[routes.default]\nuse = 'own'\n"
        )
        machine.env |= {"K": "sk-k"}
        assert machine.synapse("run", "hello").code == 0

    told = machine.synapse("cost", "--json").json
    unknown = machine.synapse("prices", "unknown", "--json").json

    assert told["total"]["cost_unknown_calls"] >= 1
    assert any("of unknown cost left out: synapse prices unknown" in note for note in told["notes"])
    assert [(row["name"], row["calls"], row["now"]) for row in unknown] == [("own", 1, "unknown")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "modle"), "did you mean model?"),
        (("--since", "soon"), "--since takes a time, found 'soon'"),
        (("--since", "2026-02-30"), "--since takes a time"),
        (("--since", "2026-03-01", "--until", "2026-02-01"), "is not before --until"),
        (("--against", "gpt-99"), "there is no model named 'gpt-99'"),
        (("--against", "azure/secret"), "the price of azure/secret is unknown"),
        (("--json", "--csv"), "contradict each other"),
        (("spent.svg",), "only with --plot"),
        (("--plot", "spent.pdf"), "pictures are .svg or .png"),
        (("--plot", "--json"), "no part of JSON or CSV"),
    ],
)
def test_a_slip_is_met_with_what_to_write(machine: Machine, arguments: tuple[str, ...], said: str) -> None:
    done = machine.synapse("cost", *arguments)

    assert (done.code, done.out) == (2, b"")
    assert said in done.err
    assert done.lines[-1].startswith("synapse: hint: ")


def test_pictures_are_drawn_in_the_terminal_and_as_files(spent: Machine) -> None:
    bars = spent.synapse("cost", "--plot").out.decode()
    svg = spent.synapse("cost", "--plot", "spent.svg")
    png = spent.synapse("cost", "--plot", "spent.png", "--json")

    assert "█ dear $0.0086   ▓ cheap $0.00033" in bars
    assert (svg.code, png.code, png.json["total"]["runs"]) == (0, 0, 3)
    assert ET.parse(spent.work / "spent.svg").getroot().tag.endswith("svg")
    data = (spent.work / "spent.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) == (1840, 1080)


def test_a_picture_that_cannot_be_written_is_66_after_the_table(spent: Machine) -> None:
    done = spent.synapse("cost", "--plot", "no/such/folder/spent.svg")

    assert done.code == 66
    assert done.out
    assert "cannot write 'no/such/folder/spent.svg'" in done.err

"""`synapse stats`: how it went, over days."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import time
from typing import Any

import pytest

from synapse_cli.ledger.histogram import one
from synapse_cli.ledger.totals import Row, Tally
from synapse_cli.report.cells import Painter, cells
from synapse_cli.report.stats import Stats, stats
from synapse_cli.report.stats_page import Page
from tests.e2e.machine import SYNAPSE, Machine
from tests.seeing.conftest import CLIMB
from tests.seeing.screen import plain, seated


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Three climbs (one over a failing tier), one easy question asked twice, and one by another route.

    Nobody adds to them.
    """
    machine = Machine(tmp_path_factory.mktemp("lived"))
    machine.use(CLIMB)
    for prompt in ("a hard question", "another hard one", "a hard and broken one", "hello", "hello", "write a parser"):
        machine.synapse("run", prompt)
    return machine


def _group(told: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [group for group in told["groups"] if group["name"] == name]
    return found  # type: ignore[no-any-return]  # JSON


def test_every_model_has_its_rates(lived: Machine) -> None:
    told = lived.synapse("stats", "--json").json
    small, middle, big = (_group(told, name) for name in ("small", "middle", "big"))

    assert (small["calls"], small["answers_accepted"], small["answers_rejected"], small["cached"]) == (4, 2, 3, 1)
    assert (small["cache_hit_ratio"], small["answers_accepted_ratio"]) == (0.2, 0.4)
    assert (middle["calls"], middle["calls_failed"], middle["calls_failed_ratio"]) == (4, 2, 0.5)
    assert (big["runs"], big["answers_accepted_ratio"], big["cost_usd"]) == (4, 1, "0.0197")
    assert (told["total"]["memo_hits"], told["memo_hits_by_model"]) == (1, {"small": 1})
    assert told["total"]["runs_by_ending"] == {
        "accepted": 6,
        "rejected": 0,
        "failed": 0,
        "interrupted": 0,
    }
    assert sum(group["runs"] for group in told["groups"]) == told["total"]["runs"] == 6


def test_steps_from_tier_to_tier_are_told_with_their_cause_and_share(lived: Machine) -> None:
    steps = lived.synapse("stats", "--json").json["steps"]

    assert {(s["source"], s["target"], s["kind"]): (s["count"], s["share"]) for s in steps} == {
        ("small", "middle", "escalation"): (3, 0.6),
        ("middle", "big", "escalation"): (2, 0.5),
        ("middle", "big", "fallback"): (1, 0.25),
    }


def test_checks_have_their_mean_score_and_errors_their_kind(lived: Machine) -> None:
    told = lived.synapse("stats", "--json").json
    (confidence,) = [c for c in told["checks"] if (c["rule"], c["model"]) == ("confidence", "small")]

    assert (confidence["judged"], confidence["passed"], confidence["pass_ratio"]) == (4, 1, 0.25)
    assert confidence["mean_score"] == pytest.approx((3 * 0.31 + 0.93) / 4)
    assert told["errors"] == [{"kind": "server", "model": "middle", "count": 2}]


@pytest.mark.parametrize("by", ["model", "provider", "route", "tenant", "hour", "day", "month"])
def test_each_way_to_split_adds_up_to_the_same(lived: Machine, by: str) -> None:
    told = lived.synapse("stats", "--by", by, "--json").json

    assert sum(group["runs"] for group in told["groups"]) == 6
    assert sum(group["calls"] for group in told["groups"]) == told["total"]["calls"] == 13 - 1


def test_a_run_that_was_killed_is_in_doubt_and_its_calls_count(machine: Machine) -> None:
    machine.use(CLIMB.replace("confidence = 0.99,", "confidence = 0.99, latency_s = 60,"))
    with subprocess.Popen([SYNAPSE, "run", "a hard question"], cwd=machine.work, env=machine.env) as process:
        while machine.ledger("SELECT count(*) FROM calls WHERE model = 'big'") != [(1,)]:
            time.sleep(0.05)
        running = machine.synapse("stats", "--json").json
        process.kill()
    killed = machine.synapse("stats", "--json").json

    assert (running["runs_in_doubt"], killed["runs_in_doubt"]) == (0, 1)
    assert (killed["total"]["runs"], killed["total"]["calls"], killed["total"]["cost_unknown_calls"]) == (0, 3, 1)
    assert "1 run in doubt" in machine.synapse("stats").out.decode()


def test_filters_narrow_it_down(lived: Machine) -> None:
    of_route = lived.synapse("stats", "--route", "code", "--json").json
    of_model = lived.synapse("stats", "-m", "middle", "--json").json
    of_tenant = lived.synapse("stats", "--tenant", "nobody", "--json").json

    assert (of_route["total"]["runs"], [group["name"] for group in of_route["groups"]]) == (1, ["big"])
    assert [group["name"] for group in of_model["groups"]] == ["middle"]
    assert (of_tenant["total"]["runs"], of_tenant["groups"]) == (0, [])


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--model", "nope"], "recorded: big, middle, small"),
        (["--route", "nope"], "recorded: code, default"),
        (["--since", "soon"], "--since takes a time"),
        (["--by", "colour"], "model"),
    ],
)
def test_a_bad_filter_is_a_usage_error_that_says_what_is_possible(lived: Machine, flags: list[str], said: str) -> None:
    done = lived.synapse("stats", *flags)

    assert (done.code, done.out) == (2, b"")
    assert said in done.err


def test_a_tenant_is_told_only_of_its_own(machine: Machine) -> None:
    machine.use(CLIMB + "[tenants.acme]\n[tenants.other]\n")
    machine.synapse("run", "--tenant", "acme", "hello")
    machine.synapse("run", "--tenant", "other", "write a parser")

    told = [machine.synapse("stats", "--json", "--tenant", name).json for name in ("acme", "other")]
    wrong = machine.synapse("stats", "--tenant", "acme", "--model", "nope")

    assert [[group["name"] for group in each["groups"]] for each in told] == [["small"], ["big"]]
    assert "recorded: small\n" in wrong.err


def test_an_empty_ledger_says_what_to_do(machine: Machine) -> None:
    page, told = machine.synapse("stats", "--since", "all"), machine.synapse("stats", "--json")

    assert (page.code, page.out) == (0, b"")
    assert 'synapse run "Say hello" records one' in page.err
    assert told.json["total"]["runs"] == 0
    assert told.json["groups"] == []


def test_csv_and_lines_hold_what_the_object_holds(lived: Machine) -> None:
    told = lived.synapse("stats", "--json").json
    lines = [json.loads(line) for line in lived.synapse("stats", "--jsonl").out.splitlines()]
    rows = list(csv.DictReader(io.StringIO(lived.synapse("stats", "--csv").out.decode())))

    assert [{"model": group["name"], **group} for group in told["groups"]] == lines
    assert [(row["model"], row["calls"], row["cost_usd"]) for row in rows] == [
        (group["name"], str(group["calls"]), group["cost_usd"]) for group in told["groups"]
    ]


def test_a_pipe_gets_the_page_without_colour_and_a_terminal_within_its_width(lived: Machine) -> None:
    piped = lived.synapse("stats").out.decode()
    with seated(lived, "stats") as seat:
        code = seat.wait()

    assert code == 0
    assert "\x1b" not in piped
    assert "a rejection" in piped
    assert "\x1b[1m" in seat.drawn
    assert max(cells(plain(line.rstrip())) for line in seat.drawn.split("\n")) <= 80


def _made() -> Stats:
    """A page of a long time: large numbers and long names."""
    rows = [
        Row(
            of={"model": name, "outcome": "accepted"},
            runs=1_234_567,
            calls=2_345_678,
            accepted=1_000_000,
            rejected=234_567,
            cached=12_345_678,
            input=12_345_678_901,
            output=2_345_678_901,
            cost="12345.678901",
            cost_unknown=3,
            saved="-2345.6789",
            latencies=one(0.25) + one(120.0),
        )
        for name in ("openrouter/meta-llama/llama-3.3-70b-instruct-with-a-long-name", "日本語の名前の長いモデル", "a")
    ]
    days = [Row(of={"day": f"2026-11-{day:02}"}, runs=day * 1000) for day in (1, 2, 5, 30)]
    tallies = [
        Tally(kind, "openrouter/meta-llama/llama-3.3-70b-instruct-with-a-long-name", "a", 1_234_567, 1, 1, 0.5)
        for kind in ("check", "error", "skip", "escalation", "fallback")
    ]
    return stats("model", rows, models=[Row(of={"model": "a"}, accepted=1)], timed=days, tallies=tallies)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_large_numbers_and_long_names_fit_the_terminal(width: int) -> None:
    lines = list(Page(_made(), "last 30d", width=width, paint=Painter(has_colour=False)).lines())

    assert max(map(cells, lines)) <= width
    assert any("$12345.68+?" in line for line in lines)


def test_the_latest_of_many_days_are_shown_in_order() -> None:
    days = [
        Row(of={"day": f"2026-{month:02}-{day:02}", "outcome": "accepted"}, runs=1)
        for month in (9, 10)
        for day in range(1, 29)
    ]

    lines = list(Page(stats("day", days), "all time", width=80, paint=Painter(has_colour=False)).lines())
    shown = [line.split()[0] for line in lines if line.startswith("2026")]

    assert shown == sorted(row.of["day"] for row in days)[-31:]
    assert any("31 of 56" in line for line in lines)


def test_days_without_a_run_have_their_place_in_the_line() -> None:
    times = _made().times

    assert len(times) == 30
    assert [time.sums.runs for time in times[:5]] == [1000, 2000, 0, 0, 5000]


def test_percentiles_are_those_of_the_calls_within_a_bucket() -> None:
    row = Row(of={"model": "m", "outcome": "accepted"}, calls=100, latencies=sum(one(n / 100) for n in range(1, 101)))

    latency = stats("model", [row]).total.as_json()["call_latency_s"]

    assert isinstance(latency, dict)
    assert latency["p50"] == pytest.approx(0.50, rel=0.05)
    assert latency["p90"] == pytest.approx(0.90, rel=0.05)
    assert latency["p99"] == pytest.approx(0.99, rel=0.05)


def test_two_forms_at_once_contradict_each_other(machine: Machine) -> None:
    done = machine.synapse("stats", "--json", "--csv")

    assert (done.code, done.out) == (2, b"")
    assert "contradict each other" in done.err

"""`synapse bench` as a user runs it: who is compared, what is printed, what is kept, how it ends."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from typing import Any

import pytest

from tests.cli.running import Running
from tests.e2e.machine import SYNAPSE, Done, Machine
from tests.e2e.terminal import at_terminal


def _candidates(done: Done) -> dict[str, Any]:
    assert done.code == 0, done.err
    return {each["candidate"]: each for each in done.json["candidates"]}


def test_models_and_cascades_stand_side_by_side(machine: Machine) -> None:
    done = machine.synapse("bench", "--json", "-m", "quick", "-m", "careful", "--cascade", "climb", "-f", "rows.csv")

    found = _candidates(done)

    assert list(found) == ["quick", "careful", "cascade:climb"]
    assert {name: each["quality"]["estimate"] for name, each in found.items()} == {
        "quick": 0.5,
        "careful": 1.0,
        "cascade:climb": 1.0,
    }
    assert {name: each["escalated"] for name, each in found.items()} == {"quick": 0, "careful": 0, "cascade:climb": 5}
    assert found["cascade:climb"]["answered_by"] == {"quick": 5, "careful": 5}


def test_money_counts_every_call_and_what_is_free_is_zero(machine: Machine) -> None:
    """A careful call costs 12 tokens at 100 and 3 (or 1) at 1,000 dollars a million: 4,200 and 2,200 millionths."""
    done = machine.synapse("bench", "--json", "-m", "quick", "-m", "careful", "-f", "rows.csv", "-n", "2")

    found = _candidates(done)

    assert found["quick"]["cost_usd"] == "0"
    assert found["careful"]["cost_usd"] == "0.0128"
    assert done.json["cost_usd"] in {"0.017", "0.015"}  # with its warm-up
    assert found["careful"]["tokens"] == {
        "input": 48,
        "output": 8,
        "cached": 0,
        "reasoning": 0,
        "estimated": False,
    }


def test_a_bare_bench_compares_what_the_profile_has_and_asks_its_own_prompts(machine: Machine) -> None:
    machine.use("""schema = 1
[models]
here = { backend = "scripted", replies = [{ match = "", text = "yes" }] }
there = { backend = "litellm", model = "openai/gpt-5-mini" }
[routes.default]
use = "here"
""")

    done = machine.synapse("bench", "--json")

    assert list(_candidates(done)) == ["here"]
    assert done.json["prompts"] == 6
    assert any("there is left out: no key" in note for note in done.json["notes"])


def test_profiles_are_compared_by_their_own_way_of_choosing(machine: Machine) -> None:
    for name in ("one", "two"):
        machine.write(
            f"{name}.toml",
            f"""schema = 1
[models.m]
backend = "scripted"
replies = [{{ match = "", text = "{name}" }}]
[routes.default]
use = "m"
""",
        )
    row = '{"prompt": "which?", "expected": "two"}\n'

    done = machine.synapse("bench", "--json", "--profile", "one.toml", "--profile", "two.toml", stdin=row)
    named = machine.synapse("bench", "--json", "-m", "m", "--profile", "one.toml", "--profile", "two.toml", stdin=row)

    assert {name: each["quality"]["estimate"] for name, each in _candidates(done).items()} == {"one": 0.0, "two": 1.0}
    assert list(_candidates(named)) == ["m@one", "m@two"]


def test_the_baseline_can_be_named(machine: Machine) -> None:
    done = machine.synapse("bench", "--json", "-m", "quick", "-m", "careful", "--baseline", "careful", "hello")

    assert list(_candidates(done)) == ["careful", "quick"]
    assert [(each["candidate"], each["against"]) for each in done.json["comparisons"]] == [("quick", "careful")]


def test_answers_from_the_cache_are_never_measured(machine: Machine) -> None:
    machine.says("an answer")
    machine.synapse("run", "hello")
    before = len(machine.calls)

    machine.synapse("bench", "-m", "echo", "hello", "-n", "4", "--warm-up", "2")
    machine.synapse("bench", "-m", "echo", "hello", "-n", "4", "--warm-up", "2")

    assert len(machine.calls) == before + 12


def test_every_call_is_recorded_as_a_bench_and_saves_nothing(machine: Machine) -> None:
    machine.synapse("bench", "-m", "quick", "-f", "rows.csv", "-n", "2")

    rows = machine.ledger("SELECT command, saved, count(*) FROM runs GROUP BY command, saved")

    assert rows == [("bench", "0", 5)]


def test_nothing_is_recorded_where_nothing_should_be(machine: Machine) -> None:
    machine.synapse("bench", "-m", "quick", "hello", "-n", "2", "--no-log")

    assert machine.ledger("SELECT id FROM runs") == []


def test_errors_are_counted_by_kind_and_an_unanswered_prompt_is_a_wrong_one(machine: Machine) -> None:
    done = machine.synapse("bench", "--json", "-m", "careful", "-m", "broken", "-f", "rows.csv", "-n", "3")

    found = _candidates(done)["broken"]

    assert (found["errors"], found["error_kinds"], found["quality"]["estimate"]) == (6, {"auth": 6}, 0.0)
    assert found["p50_s"] is None


def test_where_nobody_answers_the_code_is_that_of_the_reason(machine: Machine) -> None:
    done = machine.synapse("bench", "-m", "broken", "hello", "-n", "2")

    assert done.code == 77
    assert "no candidate answered" in done.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--fail-under", "0.4"], 0),
        (["--fail-under", "0.9"], 0),  # 0.5 of two prompts may well be 0.9: an open limit is said and not missed
        (["--max-dearer", "10%", "--baseline", "quick"], 100),
        (["--max-dearer", "10%", "--baseline", "careful"], 0),
    ],
)
def test_limits_are_judged_by_intervals(machine: Machine, arguments: list[str], code: int) -> None:
    done = machine.synapse("bench", "-m", "quick", "-m", "careful", "-f", "rows.csv", "-n", "6", *arguments)

    assert done.code == code
    assert ("missed" in done.out.decode()) == (code == 100)


def test_an_open_limit_is_said(machine: Machine) -> None:
    done = machine.synapse("bench", "-m", "quick", "-f", "rows.csv", "--fail-under", "0.9")

    assert done.code == 0
    assert "does not tell whether it is at least 90%" in done.err


def test_quality_that_is_surely_too_low_is_exit_100(machine: Machine) -> None:
    rows = "".join(f"What is thing {number}?,Blue\n" for number in range(12))
    machine.write("many.csv", "prompt,expected\n" + rows)

    done = machine.synapse("bench", "-m", "quick", "-f", "many.csv", "--fail-under", "50%")

    assert done.code == 100
    assert "quick: quality 0.0% (0.0%-24.2%), wanted at least 50%" in done.err


def test_a_saved_bench_is_compared_with_pair_by_pair(machine: Machine) -> None:
    machine.synapse("bench", "-m", "quick", "-f", "rows.csv", "-n", "10", "--save", "old.json")
    slow = (
        (machine.config / "profiles" / "default.toml")
        .read_text()
        .replace('text = "Blue",', 'text = "Blue", latency_s = 0.05,')
    )
    machine.use(slow.replace('text = "It is 42",', 'text = "It is 42", latency_s = 0.05,'))

    done = machine.synapse(
        "bench", "--json", "-m", "quick", "-f", "rows.csv", "-n", "10", "--against", "old.json", "--max-slower", "10%"
    )

    (comparison,) = done.json["comparisons"]
    assert done.code == 100
    assert (comparison["before"], comparison["pairs"]) == (True, 20)
    assert comparison["total_ratio"]["low"] > 5
    assert comparison["quality_difference"]["estimate"] == 0


def test_a_bench_against_itself_of_before_is_not_slower(machine: Machine) -> None:
    arguments = ("bench", "-m", "slower", "-f", "rows.csv", "-n", "10")
    machine.synapse(*arguments, "--save", "old.json")

    done = machine.synapse(*arguments, "--against", "old.json", "--max-slower", "20%")

    assert done.code == 0, done.err


def test_a_saved_bench_holds_every_call_with_its_answer(machine: Machine) -> None:
    machine.synapse("bench", "-m", "quick", "-f", "rows.csv", "-n", "2", "--save", "new.json")

    saved = json.loads((machine.work / "new.json").read_text())

    assert [item["prompt"] for item in saved["items"]] == ["What colour is the sky?", "What is the sum?"]
    assert sorted(call["answer"] for call in saved["calls"] if call["repeat"] >= 0) == ["Blue"] * 2 + ["It is 42"] * 2
    assert not (machine.work / "new.json.journal").exists()


def test_a_bench_can_be_saved_without_texts(machine: Machine) -> None:
    machine.synapse("bench", "-m", "quick", "-f", "rows.csv", "--save", "new.json", "--no-text")

    text = (machine.work / "new.json").read_text()

    assert "Blue" not in text
    assert "sky" not in text


def test_a_killed_bench_goes_on_where_it_was(machine: Machine) -> None:
    machine.use("""schema = 1
[models.m]
backend = "scripted"
record = "~/calls.jsonl"
replies = [{ match = "", text = "an answer", latency_s = 0.05 }]
[routes.default]
use = "m"
""")
    arguments = ("bench", "-m", "m", "one", "two", "-n", "10", "--save", "new.json", "--warm-up", "0")
    running = Running(machine, *arguments).until(lambda: len(machine.calls) >= 6, "the sixth call")
    running.process.kill()
    running.end()
    made = len(machine.calls)

    done = machine.synapse(*arguments)

    assert done.code == 0, done.err
    assert "going on: " in done.err
    assert made + 20 - 6 <= len(machine.calls) <= made + 20 - 4  # the call in flight, and the one that was not written
    assert len(json.loads((machine.work / "new.json").read_text())["calls"]) == 20


def test_a_journal_of_another_bench_is_not_written_over(machine: Machine) -> None:
    running = Running(machine, "bench", "-m", "slower", "one", "-n", "500", "--save", "new.json")
    journal = machine.work / "new.json.journal"
    running.until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 3, "the third call")
    running.interrupt().end()
    before = journal.read_bytes()

    done = machine.synapse("bench", "-m", "quick", "two", "--save", "new.json")

    assert done.code == 2
    assert "unfinished bench of other prompts" in done.err
    assert journal.read_bytes() == before


def test_ctrl_c_prints_what_is_done_and_exits_130(machine: Machine) -> None:
    running = Running(machine, "bench", "--json", "-m", "slower", "one", "-n", "500", "--save", "new.json")
    journal = machine.work / "new.json.journal"
    running.until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 8, "the eighth call")

    done = running.interrupt().end()

    assert done.code == 130
    assert done.json["end"] == "interrupted"
    assert 6 <= done.json["candidates"][0]["calls"] < 500
    assert "with --save goes on" in done.err


def test_ctrl_c_ends_calls_that_are_made_at_the_same_time(machine: Machine) -> None:
    running = Running(machine, "bench", "--json", "-m", "slower", "one", "-n", "900", "-c", "4", "--save", "new.json")
    journal = machine.work / "new.json.journal"
    running.until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 8, "the eighth call")

    done = running.interrupt().end()

    assert (done.code, done.json["end"]) == (130, "interrupted")


def test_ctrl_c_ends_a_call_in_flight(machine: Machine) -> None:
    machine.use(
        'schema = 1\n[models.slow]\nbackend = "scripted"\nrecord = "~/calls.jsonl"\n'
        'replies = [{ match = "", text = "late", latency_s = 3000 }]\nparams = {}\ntimeout_s = 4000\n'
        '[routes.default]\nuse = "slow"\n'
    )
    running = Running(machine, "bench", "-m", "slow", "one").until(lambda: len(machine.calls) == 1, "the call")

    done = running.interrupt().end()

    assert done.code == 130


def test_time_that_is_over_ends_with_79_and_keeps_what_was_made(machine: Machine) -> None:
    arguments = ("bench", "--json", "-m", "slower", "one", "-n", "200")

    done = machine.synapse(*arguments, "--max-time", "0.4")
    again = machine.synapse(*arguments, "--resume", "--max-time", "0.4")

    assert (done.code, done.json["end"]) == (79, "time")
    assert "stopped at --max-time" in done.err
    assert done.json["candidates"][0]["calls"] < again.json["candidates"][0]["calls"]


def test_money_that_is_over_ends_with_79_and_is_not_exceeded(machine: Machine) -> None:
    done = machine.synapse(
        "bench",
        "--json",
        "-m",
        "careful",
        "-f",
        "rows.csv",
        "-n",
        "50",
        "--max-cost",
        "0.05",
        "--param",
        "max_tokens=4",
    )

    assert done.code == 79
    assert 0.03 < float(done.json["cost_usd"]) <= 0.05


def test_a_timeout_of_a_call_is_an_error_of_it(machine: Machine) -> None:
    done = machine.synapse("bench", "--json", "-m", "quick", "-m", "slow", "hello", "-n", "1", "--timeout", "0.2")

    assert _candidates(done)["slow"]["error_kinds"] == {"timeout": 1}


@pytest.mark.parametrize("shape", ["table", "json", "jsonl", "csv", "markdown"])
def test_stdout_is_the_result_and_nothing_else(machine: Machine, shape: str) -> None:
    done = machine.synapse("bench", "-m", "quick", "-m", "careful", "-f", "rows.csv", "--format", shape)
    text = done.out.decode()

    assert done.code == 0
    assert done.err == ""
    if shape == "json":
        assert [each["candidate"] for each in json.loads(text)["candidates"]] == ["quick", "careful"]
    elif shape == "jsonl":
        assert [json.loads(line)["candidate"] for line in text.splitlines()] == ["quick", "careful"]
    elif shape == "csv":
        assert [row["candidate"] for row in csv.DictReader(io.StringIO(text))] == ["quick", "careful"]
    elif shape == "markdown":
        assert [line.split("|")[1].strip() for line in text.splitlines()[2:4]] == ["quick", "careful"]
    else:
        assert [line.split()[0] for line in text.splitlines()[:3]] == ["candidate", "quick", "careful"]


def test_verbose_says_how_each_call_went(machine: Machine) -> None:
    done = machine.synapse("bench", "-v", "-m", "quick", "hello", "-n", "3")

    assert [line.split(":")[1].split()[0] for line in done.lines] == ["warm-up", "1/3", "2/3", "3/3"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["-m", "qick"], 2, "did you mean 'quick'"),
        (["-r", "defualt"], 2, "did you mean 'default'"),
        (["--cascade", "climbs"], 2, "did you mean 'climb'"),
        (["--baseline", "nobody"], 2, "there is no candidate 'nobody'"),
        (["--grade", "exat"], 2, "did you mean exact"),
        (["--grade", "exact"], 2, "needs an expected answer"),
        (["--grade", "regex=("], 2, "regular expression"),
        (["--format", "html"], 2, "there is no format 'html'"),
        (["--fail-under", "90"], 2, "--fail-under takes a share"),
        (["--max-slower", "x"], 2, "--max-slower takes a share"),
        (["--against", "none.json"], 66, "cannot be read"),
        (["--save", "no/such/folder.json"], 66, "there is no folder"),
        (["-f", "none.csv"], 66, "cannot read none.csv"),
        (["--column", "right=label"], 2, "--column takes NAME=COLUMN"),
        (["-v", "-q"], 2, "contradict"),
        (["--max-time", "soon"], 2, "--max-time takes a duration"),
    ],
)
def test_what_is_wrong_is_said_before_anybody_is_asked(
    machine: Machine, arguments: list[str], code: int, said: str
) -> None:
    done = machine.synapse("bench", *arguments, "hello")

    assert (done.code, done.out) == (code, b"")
    assert said in done.err
    assert machine.ledger("SELECT id FROM runs") == []


def test_a_bench_at_a_terminal_shows_its_progress_and_bars(machine: Machine) -> None:
    shown = at_terminal(machine, [SYNAPSE, "bench", "-m", "slower", "hello", "-n", "20"])
    out, err = "".join(shown.out), "".join(shown.err)

    assert shown.code == 0
    assert "time (solid: median, light: p90)" in out
    assert "20/20" not in out
    assert re.search(r"slower +\d+/20", err)
    assert "s to go" in err


def test_a_table_may_not_name_a_program_to_run(machine: Machine) -> None:
    machine.write("stranger.csv", "prompt,grade\nhello,command=touch pwned\n")

    done = machine.synapse("bench", "-m", "quick", "-f", "stranger.csv")

    assert done.code == 66
    assert "a table may not name a program to run" in done.err
    assert not (machine.work / "pwned").exists()


def test_a_program_that_the_user_names_grades_the_answers(machine: Machine) -> None:
    done = machine.synapse("bench", "--json", "-m", "quick", "-f", "rows.csv", "--grade", "command=grep -q {expected}")

    assert _candidates(done)["quick"]["quality"]["estimate"] == 1.0


def test_money_cannot_be_limited_where_a_price_is_unknown(machine: Machine) -> None:
    machine.use(
        'schema = 1\n[models.own]\nbackend = "litellm"\nmodel = "openai/nobody-knows-this"\n'
        'base_url = "http://127.0.0.1:9/v1"\n[routes.default]\nuse = "own"\n'
    )

    done = machine.synapse("bench", "-m", "own", "hello", "--max-cost", "1", env={"OPENAI_API_KEY": "sk-test"})

    assert done.code == 2
    assert "the price of 'own' is unknown" in done.err


def test_prompts_without_an_expected_answer_are_measured_and_not_graded(machine: Machine) -> None:
    machine.write("some.csv", "prompt,expected\nsky?,Blue\nsky and more?,\n")

    done = machine.synapse("bench", "--json", "-m", "quick", "-f", "some.csv", "-n", "3")

    found = _candidates(done)["quick"]
    assert (found["calls"], found["graded"], found["quality"]["estimate"]) == (6, 3, 1.0)
    assert "quality is that of the 3 of 6 calls that could be graded" in done.json["notes"]


def test_a_limit_of_the_profile_is_an_error_of_the_call_and_not_the_end_of_the_bench(machine: Machine) -> None:
    profile = (machine.config / "profiles" / "default.toml").read_text()
    machine.use(profile + '[budget]\nper_run = "0.000001 USD"\n')

    done = machine.synapse("bench", "--json", "-m", "quick", "-m", "careful", "hello", "-n", "3", "--max-cost", "1")

    assert _candidates(done)["careful"]["error_kinds"] == {"budget": 3}
    assert _candidates(done)["quick"]["calls"] == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-m", "quick", "--max-slower", "10%"], "nobody to be slower or dearer than"),
        (["-m", "quick", "--fail-under", "0.5"], "needs answers that can be graded"),
    ],
)
def test_a_limit_on_nothing_is_refused(machine: Machine, arguments: list[str], said: str) -> None:
    done = machine.synapse("bench", "hello", *arguments)

    assert done.code == 2
    assert said in done.err


def test_a_candidate_that_was_not_saved_does_not_pass_for_as_fast_as_before(machine: Machine) -> None:
    machine.synapse("bench", "-m", "quick", "hello", "--save", "old.json")

    done = machine.synapse("bench", "-m", "careful", "hello", "--against", "old.json", "--max-slower", "10%")

    assert done.code == 100
    assert "careful was not in the saved bench" in done.out.decode()


def test_where_the_ledger_keeps_no_texts_neither_does_a_bench(machine: Machine) -> None:
    profile = (machine.config / "profiles" / "default.toml").read_text()
    machine.use(profile + "[ledger]\ntext = false\n")

    machine.synapse("bench", "-m", "quick", "-f", "rows.csv", "--save", "new.json")

    assert "Blue" not in (machine.work / "new.json").read_text()
    assert machine.ledger("SELECT * FROM blobs") == []


def test_a_picture_is_a_png_where_its_name_says_so(machine: Machine) -> None:
    done = machine.synapse("bench", "-m", "quick", "hello", "--plot", "p.png")

    assert done.code == 0, done.err
    assert (machine.work / "p.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_picture_of_another_kind_is_written_as_svg_and_that_is_said(machine: Machine) -> None:
    done = machine.synapse("bench", "-m", "quick", "hello", "--plot", "p.pdf")

    assert done.code == 0
    assert "pictures are .svg or .png: it is p.svg" in done.err
    assert (machine.work / "p.svg").read_text().startswith("<svg ")
    assert not (machine.work / "p.pdf").exists()


def test_the_local_tier_is_benched_offline(machine: Machine) -> None:
    machine.use(
        'schema = 1\n[models.nano]\nbackend = "llama.cpp"\nsource = "builtin:nano"\n[routes.default]\nuse = "nano"\n'
    )

    done = machine.synapse("bench", "--json", "--no-host", "-m", "nano", "-n", "1")

    found = _candidates(done)["nano"]
    assert (found["errors"], found["calls"], found["cost_usd"]) == (0, 6, "0")
    assert found["quality"]["estimate"] >= 0.5
    assert min(found["peak_memory_bytes"], found["model_memory_bytes"]) > 14_000_000


def test_a_model_that_is_warm_in_a_host_is_measured_there_and_has_no_cold_call(machine: Machine) -> None:
    machine.use(
        'schema = 1\n[models.nano]\nbackend = "llama.cpp"\nsource = "builtin:nano"\n[routes.default]\nuse = "nano"\n'
        '[hosts]\nidle = "30s"\n'
    )

    machine.env["SYNAPSE_HOSTS"] = "on"
    first = machine.synapse("bench", "--json", "-m", "nano", "-n", "1")
    again = machine.synapse("bench", "--json", "-m", "nano", "-n", "1")
    machine.synapse("hosts", "stop")

    notes = [any("nano was loaded before" in note for note in done.json["notes"]) for done in (first, again)]
    assert notes == [False, True]
    assert _candidates(again)["nano"]["model_memory_bytes"] > 14_000_000
    assert _candidates(first)["nano"]["cold_s"] > _candidates(again)["nano"]["cold_s"]


def test_a_dry_run_asks_nobody_and_says_what_it_could_cost(machine: Machine) -> None:
    """13 calls of at most 10 tokens of output, each a thousandth of a dollar; input comes on top."""
    done = machine.synapse(
        "bench", "--dry-run", "-m", "quick", "-m", "careful", "hello", "-n", "12", "--param", "max_tokens=10"
    )

    quick, careful = (line.split("\t") for line in done.out.decode().splitlines())
    assert (quick, careful[:2]) == (["quick", "13", "$0"], ["careful", "13"])
    assert 0.13 <= float(careful[2].removeprefix("$")) <= 0.14
    assert machine.ledger("SELECT id FROM runs") == []


def test_an_unfinished_bench_without_a_file_is_gone_on_with_where_that_is_asked_for(machine: Machine) -> None:
    arguments = ("bench", "-m", "slower", "one", "-n", "60")
    running = Running(machine, *arguments)
    kept = machine.state / "bench"
    running.until(lambda: any(f.read_bytes().count(b"\n") > 5 for f in kept.glob("*.jsonl")), "the fourth call")
    running.interrupt().end()

    done = machine.synapse(*arguments, "--resume")

    assert done.code == 0
    assert "going on: " in done.err
    assert list(kept.iterdir()) == []


def test_the_object_has_the_keys_that_scripts_read(machine: Machine) -> None:
    done = machine.synapse(
        "bench", "--json", "-m", "careful", "-m", "quick", "-f", "rows.csv", "-n", "10", "--fail-under", "0"
    )

    assert _shape(done.json) == {
        "schema_version": int,
        "end": str,
        "prompts": int,
        "repeats": int,
        "concurrency": int,
        "seed": int,
        "elapsed_s": float,
        "calls_per_s": float,
        "cost_usd": str,
        "judge_cost_usd": type(None),
        "peak_memory_bytes": int,
        "candidates": [CANDIDATE],
        "comparisons": [COMPARISON],
        "limits": [{"candidate": str, "limit": str, "wanted": str, "found": str, "state": str}],
        "notes": [str],
    }


BOUNDS = {"estimate": float, "low": float, "high": float}
CANDIDATE = {
    "candidate": str,
    "kind": str,
    "calls": int,
    "warm_calls": int,
    "errors": int,
    "error_kinds": {},
    "unaccepted": int,
    "escalated": int,
    "answered_by": {"careful": int},
    "quality": BOUNDS,
    "graded": int,
    "cold_s": float,
    "cold_first_s": float,
    "first_s": BOUNDS,
    "p50_s": BOUNDS,
    "p90_s": BOUNDS | {"high": type(None)},
    "p99_s": BOUNDS | {"high": type(None)},
    "prompt_tokens_per_s": BOUNDS,
    "tokens_per_s": BOUNDS,
    "tokens": {"input": int, "output": int, "cached": int, "reasoning": int, "estimated": bool},
    "cost_usd": str,
    "cost_usd_per_call": BOUNDS,
    "peak_memory_bytes": int,
    "model_memory_bytes": type(None),
}
COMPARISON = {
    "candidate": str,
    "against": str,
    "before": bool,
    "pairs": int,
    "total_ratio": BOUNDS,
    "first_ratio": BOUNDS,
    "cost_ratio": BOUNDS,
    "quality_difference": BOUNDS,
}


def _shape(value: object) -> object:
    """A value's type; of a list, its first entry's shape."""
    if isinstance(value, list):
        return [_shape(each) for each in value[:1]]
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items()}
    return type(value)


def test_a_bench_is_saved_also_where_nobody_reads_its_table(machine: Machine) -> None:
    done = machine.shell("synapse bench -m quick hello -n 2 --save new.json >&-")

    assert done.code == 66
    assert len(json.loads((machine.work / "new.json").read_text())["calls"]) == 3


def test_figures_are_printed_also_where_they_cannot_be_saved(machine: Machine) -> None:
    """The folder goes away while the bench runs; its journal, which is open by then, goes with it."""
    machine.write("gone/keep", "")
    running = Running(machine, "bench", "--json", "-m", "slower", "one", "-n", "20", "--save", "gone/new.json")
    journal = machine.work / "gone" / "new.json.journal"
    running.until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 3, "the third call")
    shutil.rmtree(machine.work / "gone")

    done = running.end()

    assert done.code == 66
    assert done.json["candidates"][0]["calls"] == 20
    assert "cannot write 'gone/new.json'" in done.err


def test_a_bench_that_nobody_asked_to_keep_needs_no_place_for_a_journal(machine: Machine) -> None:
    nowhere = {"SYNAPSE_STATE_DIR": str(machine.write("a-file", ""))}

    done = machine.synapse("bench", "--json", "-m", "quick", "hello", "-n", "3", env=nowhere)

    assert done.code == 0
    assert done.json["candidates"][0]["calls"] == 3
    assert done.err.count("where this bench is cut short, it cannot go on") == 1
    assert machine.synapse("bench", "-q", "-m", "quick", "hello", "-n", "3", env=nowhere).err == ""


def test_a_grader_that_is_not_there_is_said_before_anything_is_asked(machine: Machine) -> None:
    done = machine.synapse("bench", "-m", "quick", "hello", "--grade", "command=/no/such/program")

    assert (done.code, done.lines[0]) == (2, "synapse: error: --grade: there is no program '/no/such/program'")
    assert done.out == b""


def test_an_interrupted_bench_replaces_no_whole_one(machine: Machine) -> None:
    machine.synapse("bench", "-m", "slower", "one", "-n", "2", "--save", "new.json")
    before = (machine.work / "new.json").read_bytes()
    running = Running(machine, "bench", "-m", "slower", "one", "-n", "500", "--save", "new.json")
    journal = machine.work / "new.json.journal"
    running.until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 3, "the third call")

    done = running.interrupt().end()

    assert done.code == 130
    assert (machine.work / "new.json").read_bytes() == before

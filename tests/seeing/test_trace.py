"""`synapse trace`: what happened within a run, in time."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest

from tests.e2e.machine import SYNAPSE, Machine
from tests.e2e.terminal import at_terminal
from tests.seeing.conftest import CLIMB, DEAD
from tests.seeing.screen import plain, seated


def _children(span: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [child for child in span["children"] if child["kind"] == kind]


def test_a_climb_is_a_tree_of_decision_attempts_and_verdicts(machine: Machine) -> None:
    machine.synapse("run", "a hard and broken question")

    root = machine.synapse("trace", "--json").json["root"]
    (decision,), attempts = _children(root, "decision"), _children(root, "attempt")

    assert (root["outcome"], decision["name"], decision["outcome"]) == ("accepted", "default", "default")
    assert [(route["name"], route["outcome"]) for route in decision["children"]] == [("code", "not taken")]
    assert [(a["name"], a["outcome"]) for a in attempts] == [
        ("small", "rejected"),
        ("middle", "failed"),
        ("middle", "failed"),
        ("big", "accepted"),
    ]
    assert [(c["name"], c["outcome"], c["score"]) for c in _children(attempts[0], "check")] == [
        ("confidence", "did not pass", 0.31),
        ("length", "passed", 5.0),
    ]
    assert "as its script says" in attempts[1]["reason"]
    assert sum(a["took_s"] for a in attempts) <= root["took_s"]


def test_tokens_and_money_of_the_parts_are_those_of_the_whole(machine: Machine) -> None:
    machine.synapse("run", "a hard question")

    root = machine.synapse("trace", "--json").json["root"]
    attempts = _children(root, "attempt")

    assert [a["tokens"]["input"] for a in attempts] == [120, 1200, 1250]
    assert sum(a["tokens"]["input"] for a in attempts) == root["tokens"]["input"]
    assert [a["cost_usd"] for a in attempts] == ["0", "0.00076", "0.004925"]
    assert root["cost_usd"] == "0.005685"


def test_calls_are_placed_in_time_and_so_is_the_pause_before_one_more_try(machine: Machine) -> None:
    machine.synapse("run", "a hard and broken question")

    root = machine.synapse("trace", "--json").json["root"]
    attempts = _children(root, "attempt")
    (pause,) = [pause for pause in _children(root, "pause") if pause["purpose"] == "retry"]
    calls = [call for attempt in attempts for call in _children(attempt, "call")]

    assert [(call["name"], call["outcome"], call["reason"], call["purpose"]) for call in calls] == [
        ("small", "answered", None, "tier"),
        ("middle", "failed", "server", "tier"),
        ("middle", "failed", "server", "tier"),
        ("big", "answered", None, "tier"),
    ]
    assert [call["start_s"] for call in calls] == sorted(call["start_s"] for call in calls)
    ended = round(pause["start_s"] + pause["took_s"], 6)
    assert calls[1]["start_s"] <= pause["start_s"] <= ended <= calls[2]["start_s"]
    assert {call["where"] for call in calls} == {"scripted"}


def test_a_call_that_queued_for_its_turn_says_how_long(machine: Machine) -> None:
    machine.use(
        CLIMB.replace("price = { input = 2.5,", "limits = { parallel = 1 }\nprice = { input = 2.5,").replace(
            "confidence = 0.99,", "confidence = 0.99, latency_s = 1.0,"
        )
    )
    both = [
        subprocess.Popen([SYNAPSE, "run", f"parser {number}"], cwd=machine.work, env=machine.env) for number in range(2)
    ]
    assert [process.wait() for process in both] == [0, 0]

    ids = [row[0] for row in machine.ledger("SELECT run FROM calls ORDER BY started")]
    roots = [machine.synapse("trace", run_id, "--json").json["root"] for run_id in ids]
    (waited,) = [pause for pause in _children(roots[1], "pause") if pause["purpose"] == "wait"]
    (attempt,) = _children(roots[1], "attempt")

    assert len(ids) == 2
    assert waited["start_s"] + waited["took_s"] == pytest.approx(attempt["start_s"])
    assert waited["took_s"] >= 0.25


def test_a_tier_that_was_not_asked_says_why_and_has_no_call(machine: Machine) -> None:
    machine.use(DEAD)
    for number in range(3):
        machine.synapse("run", f"dead {number}")

    root = machine.synapse("trace", "--json").json["root"]
    dead, big = _children(root, "attempt")

    assert (dead["name"], dead["outcome"], dead["children"]) == ("dead", "skipped", [])
    assert "it has been failing since" in dead["reason"]
    assert (big["outcome"], [call["name"] for call in _children(big, "call")]) == ("accepted", ["big"])


def test_a_call_of_a_run_that_was_killed_is_in_doubt(machine: Machine) -> None:
    machine.use(CLIMB.replace("confidence = 0.99,", "confidence = 0.99, latency_s = 60,"))
    with subprocess.Popen([SYNAPSE, "run", "a hard question"], cwd=machine.work, env=machine.env) as process:
        while machine.ledger("SELECT count(*) FROM calls WHERE model = 'big'") != [(1,)]:
            time.sleep(0.05)
        running = machine.synapse("trace", "--json").json["root"]
        process.kill()
    killed = machine.synapse("trace", "--json").json["root"]

    assert [(call["name"], call["outcome"]) for call in _children(running, "call")] == [
        ("small", "answered"),
        ("middle", "answered"),
        ("big", "running"),
    ]
    assert killed["outcome"] == "in doubt"
    assert _children(killed, "call")[-1]["outcome"] == "in doubt"
    assert "? call big (scripted) · in doubt" in machine.synapse("trace").out.decode()


def test_the_call_that_decided_the_route_is_told_with_the_decision(machine: Machine) -> None:
    machine.use(
        CLIMB.replace("[routes.default]", '[routes.sums]\nwhen = { task = "math" }\nuse = "big"\n[routes.default]')
    )
    machine.synapse("run", "What is seven times eight?")

    root = machine.synapse("trace", "--json").json["root"]
    (decision,) = _children(root, "decision")
    (call,) = _children(decision, "call")

    assert (call["name"], call["purpose"], call["outcome"]) == ("nano", "route", "answered")
    assert decision["took_s"] == call["took_s"]


def test_a_run_is_named_by_last_by_its_id_or_by_the_beginning_of_one(machine: Machine) -> None:
    first = machine.synapse("run", "--json", "one").json["run_id"]
    second = machine.synapse("run", "--json", "two").json["run_id"]
    names = [
        ["trace", "--json"],
        ["trace", "last", "--json"],
        ["trace", first, "--json"],
        ["trace", first[:-1], "--json"],
    ]

    found = [machine.synapse(*name).json["run_id"] for name in names]
    none, many = machine.synapse("trace", "zzz"), machine.synapse("trace", first[:2])

    assert found == [second, second, first, first]
    assert (none.code, many.code) == (2, 2)
    assert "no run's id begins with 'zzz'" in none.err
    assert first in many.err
    assert second in many.err


def test_an_empty_ledger_says_what_to_do(machine: Machine) -> None:
    done = machine.synapse("trace")

    assert (done.code, done.out) == (2, b"")
    assert "no run is recorded yet" in done.err
    assert "synapse run" in done.err


def test_a_tenant_without_a_run_is_told_so(machine: Machine) -> None:
    machine.synapse("run", "a question of nobody's")

    done = machine.synapse("trace", "--tenant", "acme")

    assert (done.code, done.out) == (2, b"")
    assert "no run of tenant 'acme' is recorded yet" in done.err


def test_a_branch_ends_where_only_a_text_follows(machine: Machine) -> None:
    machine.synapse("run", "a hard question")

    lines = machine.synapse("trace", "--text").out.decode().splitlines()

    last = next(at for at, line in enumerate(lines) if "a whole answer" in line)
    assert lines[last - 1].lstrip().startswith("└─")


def test_texts_are_told_only_on_demand(machine: Machine) -> None:
    machine.synapse("run", "a hard question with a canary")

    without = machine.synapse("trace").out.decode() + machine.synapse("trace", "--json").out.decode()
    texts = machine.synapse("trace", "--text").out.decode()
    told = machine.synapse("trace", "--json", "--text").json["root"]

    assert "canary" not in without
    assert "half an answer" not in without
    assert "a hard question with a canary" in texts
    assert texts.index("half an answer") < texts.rindex("a whole answer")
    assert [(t["name"], t["text"]) for t in _children(told, "text")] == [
        ("prompt", "a hard question with a canary"),
        ("answer", "a whole answer\nin two lines"),
    ]


def test_a_long_text_is_cut_unless_all_of_it_is_wanted(machine: Machine) -> None:
    machine.synapse("run", stdin="\n".join(f"line {number} " + "x" * 200 for number in range(30)))

    cut = machine.synapse("trace", "--text").out.decode().splitlines()
    full = machine.synapse("trace", "--full").out.decode().splitlines()

    assert max(map(len, cut)) <= 100
    assert any("18 more lines" in line for line in cut)
    assert "line 29 " + "x" * 200 in full


def test_at_a_terminal_no_line_is_wider_than_it(machine: Machine) -> None:
    machine.synapse("run", "a hard and broken question: " + "日本語 " * 60)

    with seated(machine, "trace", "--text") as seat:
        code = seat.wait()

    lines = [plain(line) for line in seat.drawn.split("\r\n")]
    assert code == 0
    assert "\x1b[32m" in seat.drawn
    assert max(map(_cells, lines)) <= 80


def test_no_colour_is_drawn_where_none_is_wanted(machine: Machine) -> None:
    machine.synapse("run", "hello")
    machine.env["NO_COLOR"] = "1"

    shown = at_terminal(machine, [SYNAPSE, "trace"])

    assert "accepted" in "".join(shown.out)
    assert "\x1b" not in "".join(shown.out)


def test_what_a_model_said_cannot_move_the_cursor(machine: Machine) -> None:
    machine.says("\x1b[2Jgone\x07")
    machine.synapse("run", "hello")

    told = machine.synapse("trace", "--text").out

    assert b"gone" in told
    assert b"\x1b" not in told
    assert b"\x07" not in told


def test_the_answer_of_a_memo_names_the_run_that_made_it(machine: Machine) -> None:
    machine.synapse("run", "hello")
    (made,) = [row["run_id"] for row in machine.synapse("log", "list", "--json").json]
    machine.synapse("run", "hello")

    told = machine.synapse("trace").out.decode()

    assert "from the memo" in told
    assert f"synapse trace {made}" in told


def _cells(line: str) -> int:
    from rich.cells import cell_len

    return cell_len(line)

"""The real command, against providers that fail: what reaches them, what is said, and which code it ends in."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.machine import Machine, toml_of
from tests.servers import openai
from tests.servers.base import Reply, serving

Said = dict[str, object]
HOSTED = """[models.{name}]
backend = "scripted"
price = {{ input = 1, output = 1 }}
record = "~/calls.jsonl"
replies = [{reply}]
"""


def _models(**replies: Said) -> str:
    return "schema = 1\n" + "".join(
        HOSTED.format(name=name, reply=toml_of({"match": "", **reply})) for name, reply in replies.items()
    )


def _route(use: str, *fallback: str) -> str:
    return f"[routes.default]\nuse = '{use}'\nfallback = {list(fallback)}\n"


def _called(machine: Machine) -> list[str]:
    return [call["model"] for call in machine.calls]


def test_twelve_commands_at_once_find_a_dead_provider_out_at_the_price_of_three_calls(machine: Machine) -> None:
    machine.use(_models(dead={"error": "server"}) + _route("dead"))

    with ThreadPoolExecutor(12) as crowd:
        done = list(crowd.map(lambda number: machine.synapse("run", f"hello {number}"), range(12)))

    assert [each.code for each in done] == [75] * 12
    assert len(machine.calls) == 3
    assert sum("it has been failing since" in each.err for each in done) >= 9


def test_eight_commands_at_once_that_meet_a_half_open_circuit_make_one_call(machine: Machine) -> None:
    machine.use(_models(dead={"error": "server"}) + _route("dead"))
    for number in range(2):
        machine.synapse("run", f"hello {number}")
    before = len(machine.calls)
    with sqlite3.connect(machine.state / "pace.sqlite3") as pace:
        pace.execute("UPDATE circuits SET next_at = opened_at")
    pace.close()

    with ThreadPoolExecutor(8) as crowd:
        done = list(crowd.map(lambda number: machine.synapse("run", f"again {number}"), range(8)))

    assert before == 3
    assert [each.code for each in done] == [75] * 8
    assert len(machine.calls) - before == 1


def test_while_a_circuit_is_open_the_next_tier_answers_and_nothing_is_asked_of_the_first(machine: Machine) -> None:
    cascade = "[cascades.both]\ntiers = ['dead', 'alive']\n" + _route("both")
    machine.use(_models(dead={"error": "server"}, alive={"text": "an answer"}) + cascade)
    for number in range(2):
        machine.synapse("run", f"hello {number}")
    before = len(machine.calls)

    done = machine.synapse("run", "-v", "--json", "once more")

    assert done.code == 0, done.err
    assert _called(machine)[before:] == ["alive"]
    assert [(a["tier"], a["outcome"]) for a in done.json["attempts"]] == [("dead", "skipped"), ("alive", "accepted")]
    assert "synapse: dead: skipped: dead of scripted" in done.err


def test_reset_lets_a_provider_be_asked_at_once(machine: Machine) -> None:
    machine.use(_models(dead={"error": "server"}) + _route("dead"))
    for number in range(3):
        machine.synapse("run", f"hello {number}")
    before = len(machine.calls)

    listed = machine.synapse("providers", "--json").json
    reset = machine.synapse("providers", "reset", "dead")
    machine.synapse("run", "again")

    assert [(row["names"], row["state"], row["failures"]) for row in listed] == [(["dead"], "open", 3)]
    assert listed[0]["last_error"]["kind"] == "server"
    assert reset.out.endswith(b"reset\n")
    assert len(machine.calls) - before == 2


def test_what_was_never_called_is_listed_as_untried_and_local_models_are_not(machine: Machine) -> None:
    local = "[models.here]\nbackend = 'scripted'\nreplies = [{ match = '', text = 'x' }]\n"
    machine.use(_models(far={"text": "x"}) + local + _route("here"))

    lines = [json.loads(line) for line in machine.synapse("providers", "list", "--jsonl").out.splitlines()]

    assert [(line["names"], line["state"]) for line in lines] == [(["far"], "untried")]
    assert not (machine.state / "pace.sqlite3").exists()


def test_a_key_that_was_rejected_is_listed_and_a_reset_has_it_tried_again(machine: Machine) -> None:
    model = "[models.m]\nbackend = 'litellm'\nmodel = 'openai/m'\nbase_url = '{}/v1'\nkeys = ['env:ONE', 'env:TWO']\n"
    keys = {"ONE": "sk-bad", "TWO": "sk-worse"}
    with serving(openai, Reply(status=401)) as server:
        machine.use("schema = 1\n" + model.format(server.url) + _route("m"))
        machine.synapse("run", "hello", env=keys)

        told = machine.synapse("providers", env=keys).out
        reset = machine.synapse("providers", "reset", "openai", env=keys)
        after = machine.synapse("providers", "--json", env=keys).json

    assert b"env:ONE: set aside; env:TWO: set aside" in told
    assert reset.code == 0
    assert after[0]["keys"] == []


def test_a_name_that_no_provider_has_is_a_mistake_that_says_what_there_is(machine: Machine) -> None:
    machine.use(_models(far={"text": "x"}) + _route("far"))

    done = machine.synapse("providers", "reset", "fra")

    assert done.code == 2
    assert "there is no provider or model named 'fra'" in done.err


def test_a_breaker_that_is_turned_off_leaves_everybody_to_try(machine: Machine) -> None:
    machine.use(_models(dead={"error": "server"}) + _route("dead") + "[breaker]\nenabled = false\n")

    for number in range(3):
        machine.synapse("run", f"hello {number}")

    assert len(machine.calls) == 6


def test_a_fallback_counts_on_where_the_first_stage_stopped(machine: Machine) -> None:
    limits = "[retry]\nmax_attempts_per_run = 3\n"
    broken: dict[str, Said] = {name: {"error": "server"} for name in ("one", "two", "three", "four")}
    machine.use(_models(**broken) + _route("one", "two", "three", "four") + limits)

    done = machine.synapse("run", "hello")

    assert done.code == 75
    assert _called(machine) == ["one", "two", "three"]
    assert "this run has asked 3 times, as often as it may" in done.err


def test_a_chain_of_fallbacks_is_tried_in_turn_until_one_answers(machine: Machine) -> None:
    replies: dict[str, Said] = {"one": {"error": "server"}, "two": {"error": "auth"}, "three": {"text": "here"}}
    machine.use(_models(**replies) + _route("one", "two", "three"))

    done = machine.synapse("run", "hello")

    assert done.out == b"here\n"
    assert _called(machine) == ["one", "one", "two", "three"]


@pytest.mark.parametrize(
    ("replies", "code"),
    [
        ({"one": {"error": "server"}, "two": {"error": "auth"}}, 75),
        ({"one": {"error": "auth"}, "two": {"error": "auth"}}, 77),
        ({"one": {"error": "auth"}, "two": {"error": "timeout"}}, 75),
    ],
)
def test_the_code_is_that_of_all_stages_together(machine: Machine, replies: dict[str, Said], code: int) -> None:
    machine.use(_models(**replies) + _route("one", "two"))

    done = machine.synapse("run", "hello")

    assert done.code == code
    assert "one: " in done.err
    assert "two: " in done.err


def test_once_a_byte_is_printed_no_fallback_follows(machine: Machine) -> None:
    replies: dict[str, Said] = {
        "one": {"error": "cut", "text": "half of an answer"},
        "two": {"text": "whole"},
    }
    machine.use(_models(**replies) + _route("one", "two"))

    done = machine.synapse("run", "--stream", "hello")

    assert done.code == 75
    assert done.out == b"half of"
    assert _called(machine) == ["one"]


def test_a_model_that_is_a_fallback_too_is_not_asked_more_often_for_that(machine: Machine) -> None:
    both = "[cascades.both]\ntiers = ['two', 'one']\n"
    machine.use(_models(one={"error": "server"}, two={"error": "server"}) + both + _route("one", "both"))

    done = machine.synapse("run", "--json", "hello")

    assert _called(machine) == ["one", "one", "two", "two"]
    assert done.json["attempts"][-1]["outcome"] == "skipped"
    assert "asked 2 times in this run" in done.json["attempts"][-1]["error"]["message"]


def test_three_tiers_of_500s_are_six_requests_through_the_real_client(machine: Machine) -> None:
    model = (
        "[models.{0}]\nbackend = 'litellm'\nmodel = 'openai/{0}'\nbase_url = '{1}/v1'\nkeys = ['env:LOOPBACK_KEY']\n"
    )
    with serving(openai, Reply(status=500)) as server:
        models = "".join(model.format(name, server.url) for name in ("one", "two", "three"))
        cascade = "[cascades.all]\ntiers = ['one', 'two', 'three']\n"
        machine.use("schema = 1\n" + models + cascade + _route("all"))

        done = machine.synapse("run", "hello", env={"LOOPBACK_KEY": "sk-loopback"})

        assert done.code == 75, done.err
        assert [seen.body["model"] for seen in server.seen] == ["one", "one", "two", "two", "three", "three"]
        rows = machine.synapse("providers", "--json", env={"LOOPBACK_KEY": "sk-loopback"})
        assert [(row["names"], row["failures"]) for row in rows.json] == [(["one"], 2), (["three"], 2), (["two"], 2)]
        assert {key["key"] for row in rows.json for key in row["keys"]} == {"env:LOOPBACK_KEY"}
        assert rows.json[0]["keys"][0]["requests_last_minute"] == 6
        assert b"sk-loopback" not in rows.out

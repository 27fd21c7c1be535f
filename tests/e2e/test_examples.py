"""A few examples a route are enough to send prompts where they belong."""

from __future__ import annotations

import json

import pytest

from tests.e2e.machine import Machine, toml_of

BILLING = [
    "where is my invoice",
    "I was charged twice this month",
    "refund my last payment",
    "how do I change my credit card",
    "why is my invoice so high",
    "cancel the payment of this month",
]
CODE = [
    "fix this python function",
    "write a unit test for the parser",
    "why does this regex not match",
    "refactor this class",
    "explain this stack trace of the parser",
    "document the python class",
]


def profile_of(*, billing: list[str] = BILLING, more: str = "") -> str:
    return (
        "schema = 1\n"
        + "".join(
            f'[models.{name}]\nbackend = "scripted"\nreplies = [{{ match = "", text = "{name} answers" }}]\n'
            for name in ("clerk", "coder", "anyone")
        )
        + f'[routes.billing]\nuse = "clerk"\nexamples = {toml_of(list(billing))}\n'
        + f'[routes.code]\nuse = "coder"\nexamples = {toml_of(CODE)}\n'
        + '[routes.default]\nuse = "anyone"\n'
        + more
    )


WORDS = '[routing]\norder = ["rules", "lexical"]\n'
JUDGE = """[models.judge]
backend = "scripted"
price = { input = 1000000, output = 0 }
record = "~/calls.jsonl"
replies = [{ match = "poem", text = "none of these" }, { match = "", text = "billing" }]
[routing]
order = ["rules", "lexical", "judge"]
judge = "judge"
"""


def test_prompts_go_where_their_words_belong(machine: Machine) -> None:
    machine.use(profile_of(more=WORDS))

    assert machine.synapse("run", "the payment on my invoice is wrong").out == b"clerk answers\n"
    assert machine.synapse("run", "please refactor the parser class").out == b"coder answers\n"


def test_what_is_unlike_every_example_goes_to_the_default(machine: Machine) -> None:
    machine.use(profile_of(more=WORDS))

    told = machine.synapse("run", "--json", "zzz qqq vvv").json

    assert (told["route"], told["answer"]) == ("default", "anyone answers")
    assert told["route_why"].startswith("unlike every example")


def test_explain_says_why_in_one_line_and_why_not_the_others(machine: Machine) -> None:
    machine.use(profile_of(more=WORDS))

    told = machine.synapse("explain", "--json", "tell me where my invoice is").json

    assert (told["route"], told["route_source"]) == ("billing", "lexical")
    assert told["route_why"].startswith('like "where is my invoice" of billing (')
    assert [other["route"] for other in told["runners_up"]] == ["code"]


def test_changed_examples_are_noticed_also_by_the_memo(machine: Machine) -> None:
    machine.use(profile_of(more=WORDS))
    prompt = "zzz qqq vvv"
    machine.synapse("run", prompt)
    assert machine.synapse("run", prompt).out != b"clerk answers\n"

    machine.use(profile_of(billing=[prompt, "zzz qqq", "qqq vvv zzz"], more=WORDS))

    assert machine.synapse("run", prompt).out == b"clerk answers\n"


def test_a_router_is_learned_once_and_a_damaged_one_anew(machine: Machine) -> None:
    machine.use(profile_of(more=WORDS))
    machine.synapse("run", "--no-cache", "refund the payment")
    (kept,) = (machine.cache / "routers").iterdir()
    before = kept.stat().st_mtime_ns
    machine.synapse("run", "--no-cache", "refund the payment")
    assert kept.stat().st_mtime_ns == before

    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(content)

    assert machine.synapse("run", "--no-cache", "refund the payment").out == b"clerk answers\n"
    assert kept.read_bytes() != bytes(content)


def test_without_an_encoder_words_decide_and_it_is_said_what_would_be_better(machine: Machine) -> None:
    machine.use(profile_of())

    done = machine.synapse("run", "please refactor the parser class")

    assert done.out == b"coder answers\n"
    assert sum("words alone" in line and "minilm" in line for line in done.lines) == 1
    assert "words alone" not in machine.synapse("run", "please refactor this python class").err


def test_the_judge_is_asked_only_where_words_are_unsure_and_its_call_counts(machine: Machine) -> None:
    machine.use(profile_of(more=JUDGE))

    sure = machine.synapse("run", "--json", BILLING[1] + " " + BILLING[4]).json
    assert (sure["route"], machine.calls, sure["cost_usd"]) == ("billing", [], "0")
    unsure = machine.synapse("run", "--json", "month class").json

    assert (unsure["route"], unsure["route_why"]) == ("billing", "judge says billing")
    assert len(machine.calls) == 1
    assert float(unsure["cost_usd"]) > 0
    assert machine.ledger("SELECT kind, count(*) FROM calls WHERE model = 'judge' GROUP BY kind") == [("route", 1)]


def test_a_judge_that_says_none_sends_it_to_the_default_and_is_asked_once(machine: Machine) -> None:
    machine.use(profile_of(more=JUDGE))

    first = machine.synapse("run", "--json", "a poem").json
    machine.synapse("run", "--json", "a poem")

    assert (first["route"], len(machine.calls)) == ("default", 1)


def test_a_text_that_stands_for_two_routes_is_said_once_and_left_out(machine: Machine) -> None:
    machine.use(profile_of(billing=[*BILLING, CODE[0]], more=WORDS))

    done = machine.synapse("run", CODE[0])

    assert sum("stands for billing and code" in line for line in done.lines) == 1


@pytest.mark.parametrize("examples", [["only one"], ["only one", "and another"]])
def test_one_route_alone_may_have_examples(machine: Machine, examples: list[str]) -> None:
    profile = profile_of(billing=examples, more=WORDS).replace(f"examples = {toml_of(CODE)}\n", "")
    machine.use(profile)

    assert machine.synapse("run", examples[0]).out == b"clerk answers\n"


def test_route_list_says_how_each_is_found(machine: Machine) -> None:
    machine.use(profile_of(more=WORDS))

    rows = {row["route"]: row for row in machine.synapse("route", "list", "--json").json}

    assert (rows["billing"]["examples"], rows["billing"]["leads_to"]) == (6, "clerk")
    assert rows["default"]["is_default"]
    assert json.dumps(rows["default"]["conditions"]) == "[]"
    assert b"billing\texamples\t6\tclerk" in machine.synapse("route", "list").out

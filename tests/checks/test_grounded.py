"""Whether an answer stands on what was given."""

from __future__ import annotations

import json
import time

import pytest

from synapse_cli.checks.claims import claims
from synapse_cli.checks.grounded import context
from synapse_cli.core.prompt import Message, Request
from tests.checks.aided import Aided

NOTES = (
    "The committee met on 4 March 2021 in Lisbon. Anna Duarte presented the budget of 1,200 euros. "
    "The members approved the budget unanimously. The next meeting takes place in June."
)
PROMPT = f"Summarise this.\n\nFile: notes.txt\n```\n{NOTES}\n```"


def test_claims_in_the_words_of_the_context_pass(judge_with):
    answer = "Anna Duarte presented a budget of 1200 euros. It was approved by the members unanimously."

    verdict = judge_with("grounded", {}, answer, Aided({}), prompt=PROMPT)

    assert (verdict.passed, verdict.score) == (True, 1.0)


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ("Anna Duarte presented the budget of 1,500 euros.", "(1500 stands nowhere)"),
        ("The committee met on 4 March 2021 in Porto.", "(Porto stands nowhere)"),
        ("Later the treasurer resigned after a long quarrel.", ""),
    ],
)
def test_a_number_a_name_or_a_story_that_is_not_there_is_found(judge_with, claim, why):
    verdict = judge_with("grounded", {"min": 1}, f"The members approved the budget. {claim}", Aided({}), prompt=PROMPT)

    assert (verdict.passed, verdict.score) == (False, 0.5)
    assert why in verdict.reason


def test_the_share_that_must_be_supported_is_the_users(judge_with):
    answer = "The members approved the budget. The committee met in Porto."

    assert judge_with("grounded", {"min": 0.5}, answer, Aided({}), prompt=PROMPT).passed


def test_the_context_is_what_was_attached_else_the_whole_prompt():
    fenced = Request(messages=(Message("system", "s"), Message("user", PROMPT)))
    bare = Request(messages=(Message("user", f"Summarise: {NOTES}"),))

    assert context(fenced) == NOTES
    assert context(bare) == f"Summarise: {NOTES}"


def test_other_words_for_the_same_pass_by_likeness_where_an_encoder_is_asked(judge_with):
    answer = "Everybody said yes."
    prompt = PROMPT.replace("unanimously", "and everybody agreed")

    lexical = judge_with("grounded", {}, answer, Aided({}), prompt=prompt)
    alike = judge_with("grounded", {"encode": True}, answer, Aided({}, words=["everybody"]), prompt=prompt)
    absent = judge_with("grounded", {"encode": True}, answer, Aided({}), prompt=prompt)

    assert (lexical.passed, alike.passed, absent.passed, absent.evaluated) == (False, True, False, False)


def test_a_model_is_asked_once_for_all_claims(judge_with):
    aid = Aided({"mini": [{"text": json.dumps({"follows": [True, False, True, True]})}]})
    answer = "The committee met. It met in Rome. The budget passed. A next meeting is planned."

    verdict = judge_with("grounded", {"model": "mini", "min": 0.7}, answer, aid, prompt=PROMPT)

    ((_, kind, request),) = aid.asked
    assert (verdict.passed, verdict.score, kind) == (True, 0.75, "judge")
    assert json.loads(request.schema)["properties"]["follows"]["maxItems"] == 4


@pytest.mark.parametrize("reply", ["{}", "true", '{"follows": [true]}', '{"follows": [1, 1]}', "no JSON"])
def test_a_model_that_does_not_answer_for_each_claim_passes_nothing(judge_with, reply):
    answer = "The committee met there. The budget passed quickly."

    verdict = judge_with("grounded", {"model": "mini"}, answer, Aided({"mini": [{"text": reply}]}), prompt=PROMPT)

    assert (verdict.passed, verdict.evaluated) == (False, False)


def test_an_empty_answer_fails_and_one_that_claims_nothing_passes(judge_with):
    assert not judge_with("grounded", {}, " ", Aided({}), prompt=PROMPT).passed
    assert judge_with("grounded", {"model": "mini"}, "OK", Aided({}), prompt=PROMPT).passed


def test_claims_are_sentences_without_lists_code_and_talk():
    answer = "Here is the summary:\n\n1. The budget passed.\n- **Anna spoke first.**\n```\ncode = 1\n```\nYes."

    assert claims(answer) == ["The budget passed.", "Anna spoke first."]


def test_megabytes_are_held_against_megabytes_in_bounded_time(judge_with):
    text = "The river rose by 3 metres in May. " * 60_000

    began = time.process_time()
    verdict = judge_with("grounded", {}, text, Aided({}), prompt=text)

    assert verdict.passed
    assert time.process_time() - began < 20


@pytest.mark.parametrize("options", [{"model": ""}, {"model": "m", "encode": True}, {"min": -1}])
def test_a_rule_that_cannot_be_meant_is_a_problem(parse, options):
    assert parse("grounded", options)[1] != ()

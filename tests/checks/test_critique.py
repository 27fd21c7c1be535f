"""An answer that is criticised, mended, and judged again."""

from __future__ import annotations

import json

import pytest

from tests.checks.aided import Aided


def critic(score: int, *faults: str) -> dict[str, str]:
    return {"text": json.dumps({"faults": list(faults), "score": score})}


def test_an_answer_without_faults_stays_and_is_asked_about_once(judge_with):
    aid = Aided({"big": [critic(5)]})

    verdict = judge_with("critique", {"model": "big"}, "Good.", aid)

    assert (verdict.passed, verdict.score, verdict.canonical, len(aid.asked)) == (True, 1.0, None, 1)


def test_faults_are_mended_by_whoever_answered_and_the_mended_text_is_the_answer(judge_with):
    aid = Aided({"big": [critic(2, "It names no year."), critic(4)], "small": [{"text": "In 1969."}]}, in_turn=True)

    verdict = judge_with("critique", {"model": "big"}, "Once.", aid, prompt="When?", choices=("In 1969.", "Once."))

    assert (verdict.passed, verdict.canonical, verdict.reason) == (True, "In 1969.", "rewritten once")
    assert [(model, kind) for model, kind, _ in aid.asked] == [("big", "judge"), ("small", "sample"), ("big", "judge")]
    mending = aid.asked[1][2]
    assert mending.choices == ("In 1969.", "Once.")
    assert [message.role for message in mending.messages] == ["user", "assistant", "user"]
    assert "- It names no year." in mending.messages[-1].content


def test_it_ends_after_so_many_rounds(judge_with):
    aid = Aided({"small": [*[critic(1, "Worse."), {"text": "again"}] * 2, critic(1, "Worse.")]}, in_turn=True)

    verdict = judge_with("critique", {"rounds": 2}, "Bad.", aid)

    assert (verdict.passed, verdict.canonical, len(aid.asked)) == (False, None, 5)
    assert verdict.reason == "0.00 after 2 of 2 rounds: Worse."


def test_a_mended_text_that_is_empty_changes_nothing(judge_with):
    aid = Aided({"big": [critic(1, "x"), critic(5)], "small": [{"text": " "}]}, in_turn=True)

    assert judge_with("critique", {"model": "big"}, "The answer.", aid).canonical is None


@pytest.mark.parametrize("reply", ["fine", "{}", '{"score": 9, "faults": []}', '{"score": 5, "faults": "none"}', "[]"])
def test_a_critic_that_gives_no_score_passes_nothing(judge_with, reply):
    verdict = judge_with("critique", {"model": "big"}, "x", Aided({"big": [{"text": reply}]}))

    assert (verdict.passed, verdict.evaluated) == (False, False)


def test_an_empty_answer_fails_without_a_call_and_an_absent_critic_passes_nothing(judge_with):
    aid = Aided({})

    assert not judge_with("critique", {"model": "big"}, "", aid).passed
    assert judge_with("critique", {"model": "big"}, "x", aid).evaluated is False


@pytest.mark.parametrize("options", [{"model": ""}, {"rounds": 0}, {"rounds": 6}, {"min": 1.5}])
def test_a_rule_that_cannot_be_meant_is_a_problem(parse, options):
    assert parse("critique", options)[1] != ()

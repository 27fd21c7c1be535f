"""Do others say the same?"""

from __future__ import annotations

import pytest

from tests.checks.aided import Aided


def say(*texts: str, **more: object) -> list[dict[str, object]]:
    return [{"text": text, **more} for text in texts]


def test_another_model_that_says_the_same_in_other_words_agrees(judge_with):
    aid = Aided({"other": say("So the answer is \\boxed{\\frac{1}{2}}.")})

    verdict = judge_with("agree", {"with": "other"}, "It is 0.5", aid)

    assert (verdict.passed, verdict.score) == (False, 0.0)
    assert judge_with("agree", {"with": "other"}, "0.5", aid).passed


def test_another_answer_does_not_pass_and_the_reason_names_both(judge_with):
    verdict = judge_with("agree", {"with": "other"}, "The answer is 12.", Aided({"other": say("13")}))

    assert (verdict.passed, verdict.score) == (False, 0.0)
    assert verdict.reason == "other says '13', not '12'"


@pytest.mark.parametrize("text", ["", "I don't know.", "I'm sorry, but I can't help with that.", "None", "N/A", " \n"])
def test_two_that_say_nothing_do_not_agree_and_the_second_is_not_even_asked(judge_with, text):
    aid = Aided({"other": say(text)})

    verdict = judge_with("agree", {"with": "other"}, text, aid)

    assert (verdict.passed, verdict.evaluated, aid.asked) == (False, True, [])


def test_a_refusal_by_the_providers_own_word_agrees_with_nothing(judge_with):
    assert not judge_with("agree", {"with": "other"}, "42", Aided({"other": say("42")}), finish="refusal").passed


def test_the_first_question_to_another_model_is_the_very_request_so_that_its_kept_answer_serves(judge_with):
    aid = Aided({"other": say("4")})

    judge_with("agree", {"with": "other"}, "4", aid, prompt="2+2?", params={"temperature": 0.0, "seed": 3})

    ((model, kind, request),) = aid.asked
    assert (model, kind, request.sample) == ("other", "sample", 0)
    assert request.params == {"temperature": 0.0, "seed": 3}
    assert request.messages[-1].content == "2+2?"


def test_samples_of_the_same_model_are_warm_and_told_apart(judge_with):
    aid = Aided({"small": say("4")})

    verdict = judge_with("agree", {"samples": 3}, "4", aid, params={"seed": 1})

    assert verdict.passed
    assert [(r.sample, r.params["temperature"], r.params["seed"]) for _, _, r in aid.asked] == [
        (1, 0.7, 2),
        (2, 0.7, 3),
        (3, 0.7, 4),
    ]


def test_asking_stops_when_the_verdict_is_certain(judge_with):
    split = Aided({"small": say("5", "5", "4", "4")}, in_turn=True)
    sure = Aided({"small": say("4", "4", "5", "5")}, in_turn=True)

    lost = judge_with("agree", {"samples": 4, "min": 0.75}, "4", split)
    won = judge_with("agree", {"samples": 4, "min": 0.5}, "4", sure)

    assert (lost.passed, len(split.asked)) == (False, 2)
    assert (won.passed, len(sure.asked)) == (True, 2)
    assert lost.reason == "0 of 2 answers say '4', another '5'; 3 of 4 are needed"


def test_under_a_closed_set_labels_are_compared(judge_with):
    aid = Aided({"other": say("Label: BUG.")})

    assert judge_with("agree", {"with": "other"}, "bug", aid, choices=("bug", "question")).passed
    assert not judge_with("agree", {"with": "other"}, "question", aid, choices=("bug", "question")).passed


def test_samples_of_a_model_that_weighs_labels_are_no_samples(judge_with):
    """It says the same each time with the same probability: k such answers would always "agree"."""
    aid = Aided({"small": say("bug", confidence=0.61)})

    verdict = judge_with("agree", {"samples": 5}, "bug", aid, choices=("bug", "question"), confidence=0.61)

    assert (verdict.passed, verdict.evaluated, len(aid.asked)) == (False, False, 1)
    assert "confidence" in verdict.reason


def test_a_tier_does_not_agree_with_itself(judge_with):
    aid = Aided({"small": say("4")})

    verdict = judge_with("agree", {"with": "small", "if_missing": "pass"}, "4", aid)

    assert (verdict.passed, verdict.evaluated, aid.asked) == (False, False, [])


def test_who_cannot_be_asked_does_not_agree_unless_the_rule_says_so(judge_with):
    aid = Aided({"other": say("4")}, forbidden=["other"])

    failed = judge_with("agree", {"with": "other"}, "4", aid)
    passed = judge_with("agree", {"with": "other", "if_missing": "pass"}, "4", aid)

    assert (failed.passed, failed.evaluated) == (False, False)
    assert failed.reason == "not asked: other may not be asked"
    assert (passed.passed, passed.evaluated) == (True, False)


def test_json_is_compared_as_a_value_where_a_schema_was_asked_for(judge_with):
    aid = Aided({"other": say('{"b": 2.0, "a": [1]}')})

    assert judge_with("agree", {"with": "other"}, '```json\n{"a":[1],"b":2}\n```', aid, schema="{}").passed


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"with": ""},
        {"with": 3},
        {"samples": 0},
        {"samples": 21},
        {"samples": 2, "min": 0},
        {"with": "b", "as": "x"},
    ],
)
def test_a_rule_that_cannot_be_meant_is_a_problem(parse, options):
    _, problems = parse("agree", options)

    assert problems != ()


def test_an_answer_of_megabytes_is_compared_by_its_end(judge_with):
    aid = Aided({"other": say("7")})

    assert judge_with("agree", {"with": "other"}, "so " * 1_500_000 + "\nThe answer is 7.", aid).passed

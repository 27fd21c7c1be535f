"""How good is the list of refusals? The figures stand in `synapse_cli/checks/refusal.py`; here they are held."""

import json
from pathlib import Path

import pytest

from synapse_cli.checks.refusal import refusal_language

ANSWERS = [json.loads(line) for line in (Path(__file__).parent / "refusals.jsonl").read_text("utf-8").splitlines()]


def _score(rows):
    found = [bool(refusal_language(row["text"])) for row in rows]
    right = sum(row["refusal"] and hit for row, hit in zip(rows, found, strict=True))
    return right, sum(found), sum(row["refusal"] for row in rows)


def test_the_set_is_large_enough_and_has_both_kinds():
    assert len(ANSWERS) == 538
    assert sum(row["refusal"] for row in ANSWERS) == 287
    assert len({row["language"] for row in ANSWERS}) == 21


def test_precision_and_recall_on_answers_that_the_list_never_saw():
    rows = [row for row in ANSWERS if row["set"] == "unseen"]

    right, found, there = _score(rows)

    print(f"\nunseen: precision {right}/{found}, recall {right}/{there}")  # noqa: T201  # the figure itself, for `pytest -s`
    assert (right, found, there) == (28, 28, 38)


def test_precision_and_recall_on_all_answers():
    right, found, there = _score(ANSWERS)

    print(f"\nall: precision {right}/{found}, recall {right}/{there}")  # noqa: T201  # the figure itself, for `pytest -s`
    assert right == found
    assert right / there >= 0.95


def test_the_providers_own_word_comes_first(judge):
    verdict = judge("refusal", {}, "billing", finish="refusal")

    assert (verdict.passed, verdict.reason) == (False, "the provider says that the model refused")


def test_the_reason_quotes_the_beginning(judge):
    assert judge("refusal", {}, "I cannot assist with that.").reason.startswith(
        "it begins as a refusal (en): 'I cannot"
    )


@pytest.mark.parametrize("text", ["", " ", "\n", "*", "I", "sorry"])
def test_next_to_nothing_is_no_refusal(text):
    assert refusal_language(text) is None


def test_only_the_beginning_is_looked_at():
    assert refusal_language("Here is the summary. " * 20 + "I cannot assist with that.") is None


@pytest.mark.parametrize(
    "unit", ["while , , ", "i know ", "i see, but ", "thanks, ", "as an ai ", "sorry, ", "i'm trained ", "kan "]
)
def test_a_text_that_is_made_to_backtrack_takes_few_steps(unit):
    import time

    started = time.process_time()
    refusal_language(unit * 200)

    assert time.process_time() - started < 1.0

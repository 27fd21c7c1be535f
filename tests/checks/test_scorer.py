"""A learned score as a rule, and what becomes of it when its file does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks import little


@pytest.fixture
def scorer(tmp_path):
    path = str(tmp_path / "answers.scorer")
    little.write(path)
    return path


def test_an_answer_passes_by_its_score(judge, scorer):
    long, short = "a good long answer " * 20, "no"

    assert judge("scorer", {"file": scorer, "min": 0.8}, long).passed
    verdict = judge("scorer", {"file": scorer, "min": 0.8}, short)

    assert (verdict.passed, verdict.evaluated) == (False, True)
    assert 0 < verdict.score < 0.5
    assert verdict.reason.endswith("is below 0.8")


def test_an_empty_answer_scores_nothing(judge, scorer):
    assert judge("scorer", {"file": scorer, "min": 0.1}, " \n").score == 0.0


def test_a_file_with_one_flipped_byte_is_a_problem_of_the_profile(parse, scorer):
    content = bytearray(Path(scorer).read_bytes())
    content[-3] ^= 1
    Path(scorer).write_bytes(content)

    _, problems = parse("scorer", {"file": scorer, "min": 0.5})

    assert [problem.where for problem in problems] == ["cascades.c.accept[0].file"]
    assert "bytes are not those" in problems[0].expected


@pytest.mark.parametrize(
    "options", [{}, {"file": "/nowhere.scorer", "min": 0.5}, {"file": "/etc/hostname", "min": 0.5}]
)
def test_a_file_that_is_none_is_a_problem(parse, options):
    assert parse("scorer", options)[1] != ()


def test_another_file_under_the_same_name_is_another_rule(parse, scorer):
    before, _ = parse("scorer", {"file": scorer, "min": 0.5})
    Path(scorer).unlink()
    from synapse_cli.learned.scorer import Scorer, load, save

    old = None
    little.write(scorer)
    old = load(scorer)
    save(scorer, Scorer(answer=old.answer, prompt=old.prompt, blend=(1.0, 1.0, 0.0)))
    after, _ = parse("scorer", {"file": scorer, "min": 0.5})

    assert before.files == after.files == (scorer,)
    assert repr(before) != repr(after)


def test_an_answer_of_megabytes_is_scored_by_its_beginning_and_end(judge, scorer):
    assert judge("scorer", {"file": scorer, "min": 0.5}, "word " * 1_000_000).passed

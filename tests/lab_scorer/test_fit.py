"""What a scorer learns from judged answers."""

from __future__ import annotations

import random

import pytest

from synapse_cli.lab.scorer.fit import auc, fit
from synapse_cli.learned.scorer import load, save

pytest.importorskip("sklearn")


def answers(rows: int, seed: int) -> tuple[list[str], list[str], list[float]]:
    """Good answers come to a result; most bad ones hedge, or break off."""
    rng = random.Random(seed)
    prompts, said, scores = [], [], []
    for number in range(rows):
        is_good = rng.random() < 0.5
        is_plain = rng.random() < 0.2
        noun = rng.choice(["river", "prime", "treaty", "enzyme", "sonnet"])
        prompts.append(f"Question {number} about the {noun} of {rng.randrange(1000)}")
        if is_good or is_plain:
            said.append(f"First we look at the {noun}. Therefore the {noun} has {rng.randrange(90)} parts.")
        else:
            said.append(f"I am not sure about the {noun}, perhaps it may be around {rng.randrange(90)} or")
        scores.append(float(is_good))
    return prompts, said, scores


@pytest.fixture(scope="module")
def fitted():
    """Learning takes seconds: once for all who only look."""
    return fit(*answers(100, 1), ["mini"] * 100)


def test_it_tells_good_answers_from_bad_ones_that_it_has_not_seen(fitted):
    prompts, said, scores = answers(200, 2)

    found = [fitted.scorer.score(prompt, answer) for prompt, answer in zip(prompts, said, strict=True)]

    assert auc(found, scores) > 0.8
    assert all(0 <= each <= 1 for each in found)
    assert fitted.scorer.auc == pytest.approx(auc(fitted.held_out, answers(100, 1)[2]))


def test_where_nothing_tells_it_claims_nothing():
    prompts, said, _ = answers(80, 1)
    rng = random.Random(3)

    fitted = fit(prompts, said, [float(rng.random() < 0.5) for _ in said])

    assert 0.25 < fitted.scorer.auc < 0.75


def test_the_order_of_rows_changes_nothing():
    prompts, said, scores = answers(60, 4)
    order = random.Random(5).sample(range(60), 60)

    one = fit(prompts, said, scores)
    other = fit(*([column[row] for row in order] for column in (prompts, said, scores)))

    assert one.scorer.score(prompts[0], said[0]) == pytest.approx(other.scorer.score(prompts[0], said[0]), abs=1e-9)
    assert [one.held_out[row] for row in order] == pytest.approx(list(other.held_out), abs=1e-9)


def test_a_file_gives_the_same_scores_back(tmp_path, fitted):
    prompts, said, _ = answers(20, 6)
    scorer = fitted.scorer
    path = str(tmp_path / "s.scorer")

    save(path, scorer)
    kept = load(path)

    assert [kept.score(*pair) for pair in zip(prompts, said, strict=True)] == [
        scorer.score(*pair) for pair in zip(prompts, said, strict=True)
    ]
    assert (kept.rows, kept.models, kept.auc) == (100, ("mini",), scorer.auc)


def test_too_few_rows_or_only_good_ones_say_nothing():
    prompts, said, scores = answers(70, 7)

    with pytest.raises(ValueError, match="too few"):
        fit(prompts[:50], said[:50], scores[:50])
    with pytest.raises(ValueError, match="equally good"):
        fit(prompts, said, [1.0] * 70)


@pytest.mark.parametrize(
    ("said", "scores", "found"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], 1.0),
        ([4, 3, 2, 1], [0, 0, 1, 1], 0.0),
        ([1, 1, 1, 1], [0, 1, 0, 1], 0.5),
        ([1], [1], None),
    ],
)
def test_the_auc_is_the_share_of_pairs_in_order(said, scores, found):
    assert auc(said, scores) == found

"""A policy chooses a way, says why, and comes back from its file as it went in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from synapse_cli.core.errors import InputError
from synapse_cli.core.way import Way
from synapse_cli.lab.predict.fit import fit
from synapse_cli.learned import file, policy
from synapse_cli.learned.policy import Policy
from synapse_cli.learned.predictor import Predictor
from synapse_cli.learned.promise import Data, Histogram, Measured, Promise

AGREE = policy.canonical({"kind": "agree", "with": "small"})
PROMISE = Promise(
    target="max_loss", limit=0.01, confidence=0.95, certified=True, bound=0.008, method="score test", baseline="large"
)
FIXED = Policy(
    ways=(Way(("nano", "large"), (AGREE,)), Way(("large",))),
    baseline="large",
    fallback=1,
    always=0,
    costs=(0.001, 0.01),
    scores=(0.9, 0.91),
    predictor=None,
    threshold=0.0,
    price=0.0,
    doubt_limit=1.0,
    promise=PROMISE,
    data=Data(sha256="ab", rows=600, fitted=300, tested=300, made="", version="0"),
    measured=Measured(score=0.9, cost=0.001, baseline_score=0.91, baseline_cost=0.01, shares=(1.0, 0.0)),
    summary={"doubt": Histogram((0.5,), (0.9, 0.1))},
)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """Sums are easy for both, proofs only for the second way."""
    prompts = [
        f"{what} number {n} {'plus' if what == 'sum' else 'lemma'}" for n in range(60) for what in ("sum", "prove")
    ]
    scores = [(1.0, 1.0) if "sum" in prompt else (0.0, 1.0) for prompt in prompts]
    return fit(prompts, scores).predictor


@pytest.fixture
def arbiter(predictor: Predictor) -> Policy:
    return replace(FIXED, ways=(Way(("nano",)), Way(("large",))), always=None, predictor=predictor, price=0.2)


def test_a_policy_without_a_predictor_always_takes_its_way() -> None:
    choice = FIXED.choose("anything")

    assert choice.way.tiers == ("nano", "large")
    assert choice.score is None
    assert not choice.abstained
    assert [way.name for way, _ in choice.against] == ["large"]


def test_the_cheap_way_is_taken_where_it_is_good_enough(arbiter: Policy) -> None:
    easy, hard = arbiter.choose("sum number 7 plus"), arbiter.choose("prove number 7 lemma")

    assert (easy.way.name, hard.way.name) == ("nano", "large")
    assert easy.score == easy.scores[0]
    assert "chance of" in easy.why
    assert "worth" in hard.against[0][1]


def test_a_threshold_keeps_the_fallback_where_little_is_won(arbiter: Policy) -> None:
    choice = replace(arbiter, threshold=0.9).choose("sum number 7 plus")

    assert choice.way.name == "large"
    assert not choice.abstained


def test_what_is_unlike_all_that_it_knows_goes_to_the_fallback(arbiter: Policy) -> None:
    choice = replace(arbiter, doubt_limit=0.0).choose("sum number 7 plus")

    assert (choice.way.name, choice.abstained, choice.score) == ("large", True, None)


def test_a_policy_that_wants_an_embedding_takes_the_fallback_without_one(arbiter: Policy) -> None:
    assert arbiter.predictor is not None
    wanting = replace(arbiter, predictor=replace(arbiter.predictor, encoder="builtin:minilm"))

    assert wanting.encoder == "builtin:minilm"
    assert wanting.choose("sum number 7 plus").abstained


def test_a_policy_comes_back_from_its_file_as_it_went_in(arbiter: Policy, tmp_path: Path) -> None:
    path = str(tmp_path / "it.policy")

    for each in (FIXED, arbiter):
        proof = policy.save(path, each)
        found = policy.load(path)

        assert found.sha256 == proof
        assert replace(found, sha256="", predictor=None) == replace(each, predictor=None)
        assert found.choose("prove number 7 lemma").way == each.choose("prove number 7 lemma").way


def test_a_flipped_byte_of_a_policy_is_refused(arbiter: Policy, tmp_path: Path) -> None:
    path = tmp_path / "it.policy"
    policy.save(str(path), arbiter)
    content = path.read_bytes()

    for place in range(0, len(content), max(1, len(content) // 200)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(InputError, match=r"it\.policy"):
            policy.load(str(path))


@pytest.mark.parametrize(
    "change",
    [
        {"ways": []},
        {"costs": [1.0]},
        {"always": 7},
        {"always": None},
        {"fallback": "large"},
        {"promise": None},
        {"threshold": "much"},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    """Its bytes are those that were written; what they say is not."""
    path = str(tmp_path / "it.policy")
    told = policy.to_learned(FIXED)
    file.write(path, replace(told, about={**told.about, **change}))  # type: ignore[dict-item]  # wrong on purpose

    with pytest.raises(InputError, match="cannot be used"):
        policy.load(path)


def test_a_file_that_a_rule_names_is_looked_for_beside_the_policy(tmp_path: Path) -> None:
    rule = policy.canonical({"kind": "scorer", "file": "it.scorer", "min": 0.5})
    path = str(tmp_path / "it.policy")
    policy.save(path, replace(FIXED, ways=(Way(("nano", "large"), (rule,)), Way(("large",)))))

    found = policy.load(path)

    assert json.loads(found.ways[0].accept[0])["file"] == str(tmp_path / "it.scorer")


def test_a_promise_says_in_one_line_what_holds_and_how_surely() -> None:
    assert PROMISE.line == "loses at most 1 point against large, 95% confidence"
    assert PROMISE._replace(certified=False).line.endswith("not certified")
    assert FIXED.mark(FIXED.ways[0]).promise == PROMISE.line

"""What a proof promises: never more than it may, never more after fewer pairs, whatever the order of rows."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.lab.similarity.certify import Aim, Scored, by_promise, by_rank, counted, needed, prove

AIM = Aim(0.1, 0.95)
SCORES = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=200)


def _drawn(many: int, wrong: float, chance: random.Random) -> list[Scored]:
    """Pairs whose scores say nothing: at any threshold this share of hits is wrong."""
    return [Scored(chance.random(), chance.random() >= wrong) for _ in range(many)]


def test_a_rate_that_is_just_too_high_is_proved_in_one_of_twenty_draws_at_most() -> None:
    chance = random.Random(3)
    broken = 0
    for _ in range(300):
        held_out = _drawn(400, AIM.max_wrong, chance)
        broken += prove(held_out, by_rank(held_out, len(held_out), AIM), AIM).threshold is not None

    assert broken <= 24  # the binomial's .975 quantile for 300 draws of one in twenty


def test_a_low_rate_is_proved_and_lets_nearly_everything_through() -> None:
    chance = random.Random(4)
    seen, held_out = _drawn(600, 0.02, chance), _drawn(1200, 0.02, chance)

    proof = prove(held_out, by_promise(seen, len(held_out), AIM), AIM)

    assert proof.threshold is not None
    assert proof.hits > 1100


@given(st.integers(1, 400))
def test_fewer_hits_allow_no_larger_share_of_wrong_ones(hits: int) -> None:
    allowed = AIM.allowed(hits)

    assert allowed <= AIM.allowed(hits + 1) <= allowed + 1
    assert AIM.doubt(hits, max(0, allowed)) >= AIM.doubt(2 * hits, 2 * max(0, allowed)) - 1e-12
    assert allowed < AIM.max_wrong * hits or allowed == -1


@given(SCORES)
def test_twice_the_same_pairs_prove_whatever_one_half_of_them_proves(drawn: list[tuple[float, bool]]) -> None:
    half = [Scored(score, same) for score, same in drawn]
    thresholds = by_rank(half, len(half), AIM)

    few, many = prove(half, thresholds, AIM), prove(half * 2, thresholds, AIM)

    assert few.threshold is None or (many.threshold is not None and many.threshold <= few.threshold)


@given(SCORES, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(drawn: list[tuple[float, bool]], chance: random.Random) -> None:
    pairs = [Scored(score, same) for score, same in drawn]
    shuffled = pairs[:]
    chance.shuffle(shuffled)

    for order in (by_rank, by_promise):
        assert order(pairs, 300, AIM) == order(shuffled, 300, AIM)
    assert prove(pairs, by_rank(pairs, 300, AIM), AIM) == prove(shuffled, by_rank(shuffled, 300, AIM), AIM)
    assert needed(pairs, AIM) == needed(shuffled, AIM)


@given(SCORES)
@settings(max_examples=50)
def test_labels_have_no_part_in_the_order_of_thresholds(drawn: list[tuple[float, bool]]) -> None:
    pairs = [Scored(score, same) for score, same in drawn]

    assert by_rank(pairs, 300, AIM) == by_rank([Scored(each.score, not each.same) for each in pairs], 300, AIM)
    assert by_rank(pairs, 300, AIM) == sorted(by_rank(pairs, 300, AIM), reverse=True)


def test_a_pair_with_score_zero_is_never_a_hit() -> None:
    pairs = [Scored(0.0, same=False)] * 50

    assert counted(pairs, 0.0) == (0, 0)
    assert by_rank(pairs, 50, AIM) == []
    assert prove(pairs, [], AIM).threshold is None


@pytest.mark.parametrize(("max_wrong", "hits"), [(0.1, 40), (0.05, 80), (0.01, 400)])
def test_so_many_hits_without_a_wrong_one_are_a_proof(max_wrong: float, hits: int) -> None:
    """Were the limit broken among as many again, five would be wrong, all in one half: one chance in 32."""
    assert Aim(max_wrong, 0.95).fewest_hits(0) == hits
    assert Aim(max_wrong, 0.95).doubt(hits, 0) == pytest.approx(1 / 32, rel=0.2)


@pytest.mark.parametrize("wrong", [8, 14, 20, 26, 32])
def test_a_half_is_certified_and_the_other_half_breaks_it_in_one_of_twenty_halvings_at_most(wrong: int) -> None:
    chance = random.Random(wrong)
    hits = [True] * wrong + [False] * (200 - wrong)
    broken = 0
    for _ in range(400):
        chance.shuffle(hits)
        one, other = sum(hits[:100]), sum(hits[100:])
        broken += AIM.doubt(100, one) <= 0.05 and other > 10

    assert broken <= 29  # the binomial's .975 quantile for 400 draws of one in twenty


def test_labels_that_contradict_each_other_can_prove_nothing_however_many_there_are() -> None:
    chance = random.Random(5)

    assert needed(_drawn(2000, 0.5, chance), AIM) is None
    assert needed(_drawn(400, 0.06, chance), AIM) is not None

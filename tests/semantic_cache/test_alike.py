"""The numbers that tell prompts apart: the same from both sides, and each about what it is named for."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_cli.learned import alike

RARITY = alike.rarities(["how do i sell it", "how do i keep it", "the zebra is rare"])


def _named(first: str, second: str) -> dict[str, float]:
    return dict(zip(alike.NAMES, alike.features(first, second, 0.9, RARITY), strict=True))


@given(st.text(max_size=80), st.text(max_size=80), st.floats(-1, 1))
def test_the_order_of_prompts_does_not_matter(first: str, second: str, cosine: float) -> None:
    one = alike.features(first, second, cosine, RARITY)

    assert one == pytest.approx(alike.features(second, first, cosine, RARITY))
    assert len(one) == len(alike.NAMES)


def test_a_rare_word_that_only_one_has_weighs_more_than_a_common_one() -> None:
    assert _named("how do i sell a zebra", "how do i sell a")["rarest_apart"] > 0
    assert RARITY[alike.bucket("zebra")] > RARITY[alike.bucket("how")]


def test_the_same_words_in_another_order_are_seen() -> None:
    told = _named("does the dog bite the man", "does the man bite the dog")

    assert told["same_words"] == 1
    assert told["same_order"] == 0
    assert told["order_of_longer"] < 1


def test_another_question_word_and_another_person_are_seen() -> None:
    assert _named("when did it start", "why did it start")["asks_alike"] == 0
    assert _named("clean my car", "clean your car")["persons_apart"] == 1


def test_rarities_do_not_depend_on_the_order_of_texts() -> None:
    texts = [f"word{number % 7} and {number}" for number in range(50)]
    shuffled = texts[:]
    random.Random(1).shuffle(shuffled)

    assert alike.rarities(texts) == alike.rarities(shuffled)


def test_a_very_long_prompt_is_read_in_bounded_time() -> None:
    told = _named("word " * 100_000, "word " * 100_000)

    assert told["same_words"] == 1

"""The training items are a function of their seed, and say what they claim to say."""

from __future__ import annotations

import json
from random import Random

import pytest

from synapse_cli.lab.nano import bank, extraction, labelling, layout, templates
from synapse_cli.lab.nano.compare import is_right
from synapse_cli.lab.nano.items import Item, question
from synapse_cli.lab.nano.vocab import UNSURE

LINES = bank.read()
LABELLER = labelling.Labeller(LINES)
FILLERS = ["It rained all day."]


def drawn(seed: int, count: int = 60) -> list[Item]:
    rng = Random(seed)
    makers = (
        LABELLER.item,
        templates.log_line,
        extraction.record,
        lambda rng: extraction.single(rng, LINES, FILLERS),
        lambda rng: extraction.several(rng, LINES, FILLERS),
        lambda rng: labelling.yes_no(rng, LABELLER),
    )
    return [rng.choice(makers)(rng) for _ in range(count)]


def test_the_same_seed_gives_the_same_items() -> None:
    assert drawn(5) == drawn(5)


def test_another_seed_gives_other_items() -> None:
    assert drawn(5) != drawn(6)


@pytest.mark.parametrize("seed", range(5))
def test_an_answer_is_one_of_its_choices(seed: int) -> None:
    for item in drawn(seed):
        if item.choices is not None:
            assert item.answer in item.choices
            assert len(set(item.choices)) == len(item.choices) > 1


@pytest.mark.parametrize("seed", range(5))
def test_an_extracted_value_stands_in_the_prompt(seed: int) -> None:
    """What is not in the text cannot be copied from it, and would teach the model to invent."""
    for item in drawn(seed):
        if item.task == "extraction" and item.answer != UNSURE:
            assert item.answer.lower() in item.prompt.lower()


@pytest.mark.parametrize("seed", range(5))
def test_json_answers_are_objects_of_strings(seed: int) -> None:
    for item in drawn(seed):
        if item.task == "json":
            parsed = json.loads(item.answer)
            assert parsed
            assert all(isinstance(value, str) for value in parsed.values())


def test_every_field_of_the_bank_stands_in_its_text() -> None:
    astray = [(text.text, value) for text in LINES.texts for value in text.fields.values() if value not in text.text]

    assert astray == []


def test_adding_lines_to_the_bank_moves_none_between_its_sides() -> None:
    """Lines held back for the doubt phase must never have been learned before it."""
    kept, held = bank.split(LINES, 0.12)
    fewer = bank.Bank(texts=LINES.texts[::2])

    few_kept, few_held = bank.split(fewer, 0.12)

    assert {t.text for t in few_kept.texts} <= {t.text for t in kept.texts}
    assert {t.text for t in few_held.texts} <= {t.text for t in held.texts}


def test_a_question_ends_where_the_answer_begins() -> None:
    item = Item("x", "Hello", "yes", system="Be brief.")

    assert question(item) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    )


def test_labels_keep_their_number_in_every_spelling() -> None:
    rng = Random(1)

    for _ in range(200):
        assert len(layout.spell(rng, ["feature request", "bug", "Q&A"])) == 3


@pytest.mark.parametrize(
    ("task", "said", "expected", "right"),
    [
        ("topic", "Sports", "sports", True),
        ("topic", "sports.", "sports", False),
        ("extraction", '"A-1".', "A-1", True),
        ("extraction", "a-1", "A-1", False),
        ("json", '{"a": " 1"}', {"a": "1"}, True),
        ("json", '{"a": 1}', {"a": "1"}, False),
        ("json", "a: 1", {"a": "1"}, False),
    ],
)
def test_answers_are_compared_as_the_card_says(task: str, said: str, expected: object, right: bool) -> None:
    assert is_right(task, said, expected) is right

"""An instruction is told from its text."""

from __future__ import annotations

import pytest

from synapse_cli.backends.instruction import take_apart, without_text

CASES = [
    ("Classify this\n\nMy invoice is wrong.", "Classify this"),
    ("My invoice is wrong.\n\nClassify this", "Classify this"),
    ("Classify this\n\nFile: a.txt\n```\nDear all\n\n```\n", "Classify this"),
    ("```\nMy invoice is wrong.\n```\nClassify this", "Classify this"),
    ('Is it positive? "The soup was cold and nobody cared."', "Is it positive?"),
    ("Classify this.\nText: My invoice is wrong.", "Classify this."),
    ("Classify this. Message: my invoice is wrong", "Classify this."),
    ("What is the priority?\n\nHi,\n\nnothing works.\n\nBye", "What is the priority?"),
]


@pytest.mark.parametrize(("prompt", "instruction"), CASES)
def test_the_instruction_is_what_is_left_without_the_text(prompt: str, instruction: str) -> None:
    assert without_text(prompt) == instruction
    assert take_apart(prompt).has_text


def test_a_prompt_that_is_all_instruction_has_no_text() -> None:
    assert not take_apart("Who wrote The Trial?").has_text
    assert without_text("Who wrote The Trial?") == "Who wrote The Trial?"


def test_an_empty_prompt_is_empty() -> None:
    assert without_text("") == ""
    assert not take_apart(" \n\n ").first

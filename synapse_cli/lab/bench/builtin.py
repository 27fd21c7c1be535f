"""The prompts of a bare `synapse bench`: small tasks of the kind a shell asks for, with their right answers."""

from __future__ import annotations

from synapse_cli.lab.bench.grade import Grade
from synapse_cli.lab.bench.item import Item


def prompts() -> list[Item]:
    """Six prompts; labels, a field, yes or no, a number."""
    return [
        _labels("Is this review positive or negative?", "The battery died on the first day.", "positive|negative", 1),
        _labels("Is this review positive or negative?", "I would buy it again at once.", "positive|negative", 0),
        _labels("Which team should answer?", "I was charged twice this month.", "billing|shipping|technical", 0),
        _labels("Is this spam?", "WIN A FREE PHONE! Reply with your card number now!!!", "yes|no", 0),
        _words(
            "Which e-mail address is in this text?", "Ask Mira (mira@example.org) for the keys.", "mira@example.org"
        ),
        _words("How much is 17 + 25? Answer with the number.", "", "42"),
    ]


def _labels(prompt: str, given: str, labels: str, right: int) -> Item:
    choices = tuple(labels.split("|"))
    return Item(prompt=prompt, input=given, choices=choices, expected=choices[right], grade=Grade("choices"))


def _words(prompt: str, given: str, right: str) -> Item:
    return Item(prompt=prompt, input=given, expected=right, grade=Grade("contains"))

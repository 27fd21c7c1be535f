"""What a training item is, and how it becomes the text that the model reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from synapse_cli.lab.nano.vocab import IM_END, IM_START, UNSURE

# Right after "assistant\n" a word is not the token that it is inside a text, and can be neither compared nor copied.
ANSWER_PREFIX = " "


@dataclass(frozen=True)
class Item:
    """A prompt and its answer. An answer of `UNSURE` means: outside what the model can do."""

    task: str
    prompt: str
    answer: str
    choices: tuple[str, ...] | None = None
    system: str | None = None
    about: str | None = None
    """The text that a label is chosen for, where the encoder's vector of it is known."""

    @property
    def is_open(self) -> bool:
        """The model should not answer this."""
        return self.answer == UNSURE


def question(item: Item) -> str:
    """The ChatML text up to the place of the answer."""
    head = f"{IM_START}system\n{item.system}{IM_END}\n" if item.system else ""
    return f"{head}{IM_START}user\n{item.prompt}{IM_END}\n{IM_START}assistant\n"


def answer(item: Item) -> str:
    """The text of the answer and the end of its turn."""
    return item.answer if item.is_open else f"{ANSWER_PREFIX}{item.answer}{IM_END}"


SYSTEMS = (
    "You are a careful assistant.",
    "Answer with one word.",
    "You are a classifier.",
    "Be brief.",
    "You label customer messages.",
    "Only output the answer.",
    "You are a helpful assistant.",
    "Reply with the label and nothing else.",
    "You extract data from text.",
    "Answer shortly and exactly.",
)


def with_system(rng: Random, item: Item) -> Item:
    """Give one item in ten a system prompt, as callers may."""
    if rng.random() > 0.1:
        return item
    return replace(item, system=rng.choice(SYSTEMS))

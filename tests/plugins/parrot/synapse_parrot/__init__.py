"""A backend that repeats a phrase, and a check that wants a polite word: what a first plugin looks like."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from synapse_cli.core.completion import FREE, Completion, Count, Facts, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.options import Options
from synapse_cli.core.ports import Aid, Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.verdict import Verdict
from synapse_cli.profile.model import Model

if "PARROT_WAS_IMPORTED" in os.environ:
    Path(os.environ["PARROT_WAS_IMPORTED"]).touch()

GREETING = "Polly says"


class Parrot:
    """Answers every prompt with `phrase`, `times` times."""

    def __init__(self, model: Model) -> None:
        options = Options(model.options)
        self.phrase = options.text("phrase") or ""
        self.times = options.whole("times", 1) or 1

    @classmethod
    def check_options(cls, options: Options) -> None:
        """Read the keys of its own, and report what is wrong with them."""
        options.require("phrase")
        options.text("phrase")
        options.whole("times", 1, least=1)

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Repeat the phrase."""
        text = " ".join([GREETING, *[self.phrase] * self.times])
        if emit is not None:
            emit(text)
        return Completion(text=text, finish="stop", usage=Usage(1, self.times), cost=FREE.input, confidence=0.9)

    def facts(self) -> Facts:
        """It is a bird on this machine."""
        return Facts(is_local=True, provider="parrot", price=FREE)

    def count(self, messages: Sequence[Message]) -> Count:
        """Count words."""
        return Count(sum(len(message.content.split()) for message in messages), estimated=True)


@dataclass(frozen=True, slots=True)
class Polite:
    """Passes an answer that has one of `words` in it."""

    kind: ClassVar[str] = "polite"
    binds: ClassVar[Literal["validity", "doubt"]] = "validity"

    words: tuple[str, ...]

    @classmethod
    def parse(cls, options: Options) -> Polite:
        """Read `words`."""
        options.require("words")
        return cls(options.texts("words"))

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Look for a polite word."""
        passed = any(word in completion.text for word in self.words)
        return Verdict(self.kind, passed, "" if passed else f"none of {', '.join(self.words)}")


@dataclass(frozen=True, slots=True)
class Seconded:
    """Passes an answer that `model`, asked the same, begins with the same letter as."""

    kind: ClassVar[str] = "seconded"
    binds: ClassVar[Literal["validity", "doubt"]] = "doubt"

    model: str

    @classmethod
    def parse(cls, options: Options) -> Seconded:
        """Read `model`."""
        options.require("model")
        return cls(options.text("model") or "")

    @property
    def models(self) -> tuple[str, ...]:
        """Whom it asks."""
        return (self.model,)

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Say nothing alone."""
        return Verdict(self.kind, False, "nobody can be asked", evaluated=False)

    def judge_with(self, request: Request, completion: Completion, control: Control, aid: Aid) -> Verdict:
        """Ask, and compare."""
        other = aid.ask(self.model, request, kind="sample")
        passed = other.text[:1] == completion.text[:1]
        return Verdict(self.kind, passed, "" if passed else f"{self.model} says {other.text!r}")

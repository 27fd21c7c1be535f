"""What a router may look at to choose a route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from synapse_cli.core.completion import NO_USAGE, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A prompt and what is known of it. The two callables cost something and are asked only where a rule needs them."""

    prompt: str
    files: tuple[str, ...] = ()
    """Names of the files given, as typed."""
    tags: tuple[str, ...] = ()
    task: str | None = None
    """As the user named it with `--task`."""
    count_tokens: Callable[[], int]
    name_task: Callable[[tuple[str, ...]], TaskGuess | None]
    """Names the task out of those given; None where no model can."""


@dataclass(frozen=True, slots=True)
class TaskGuess:
    """A model's opinion of what kind of request this is."""

    task: str
    confidence: float
    model: str
    usage: Usage = NO_USAGE

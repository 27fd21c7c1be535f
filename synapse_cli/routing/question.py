"""What a router may look at to choose a route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from synapse_cli.core.completion import NO_USAGE, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A prompt and what is known of it. The callables cost something and are asked only where a rule needs them."""

    prompt: str
    words: str = ""
    """What was typed beside files and stdin; empty where nothing came with it."""
    files: tuple[str, ...] = ()
    """Names of the files given, as typed."""
    tags: tuple[str, ...] = ()
    task: str | None = None
    """As the user named it with `--task`."""
    count_tokens: Callable[[], int]
    name_task: Callable[[tuple[str, ...]], TaskGuess | None]
    """Names the task out of those given; None where no model can."""
    name_domain: Callable[[tuple[str, ...]], TaskGuess | None] = lambda _: None
    """Likewise the domain."""


@dataclass(frozen=True, slots=True)
class TaskGuess:
    """A model's opinion of what kind of request this is, or of its domain."""

    task: str
    confidence: float
    model: str
    usage: Usage = NO_USAGE
    cost: Decimal | None = Decimal(0)

"""Is a prompt in this language, of this complexity, in need of tools, of this domain? The conditions beyond wording.

What costs nothing is told by reading; only the domain, like the task, is asked of a model, and only where a rule that
matches in all else wants to know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from synapse_cli.profile.model import Route, When
from synapse_cli.routing.question import Question, TaskGuess

if TYPE_CHECKING:
    from synapse_cli.routing.complexity import Measure
    from synapse_cli.routing.language import Language

STANDARD_DOMAINS = (
    "law",
    "medicine",
    "finance",
    "software",
    "science",
    "mathematics",
    "history",
    "politics",
    "education",
    "travel",
    "food",
    "sports",
    "entertainment",
    "shopping",
    "everyday life",
)
"""Among which a domain is told; a profile's own join them."""
LEAST_DOMAIN_CONFIDENCE = 0.6
"""Below this the model's guess of the domain is not followed."""


def miss(when: When, question: Question) -> str | None:
    """Why what can be read does not match; None where it does, and where nothing is asked."""
    if when.tools is not None:
        needed = _tools(question)
        if bool(needed) is not when.tools:
            return f"it needs {', '.join(needed)}" if needed else "it needs no tools"
    if when.language:
        found = _language(question)
        if found.code is None:
            return f"its language is not clear ({found.why})"
        if found.code not in when.language:
            return f"its language is {found.code}"
    if when.complexity:
        measured = _complexity(question)
        if measured.level not in when.complexity:
            return f"it is {measured.why}"
    return None


def because(when: When, question: Question) -> list[str]:
    """What of a match was read."""
    found = []
    if when.tools is not None:
        found.append(f"it needs {', '.join(_tools(question)) or 'no tools'}")
    if when.language:
        found.append(f"its language is {_language(question).code}")
    if when.complexity:
        found.append(f"it is {_complexity(question).why}")
    return found


def domain_miss(when: When, guess: TaskGuess | None) -> str | None:
    """Why the domain does not match."""
    if guess is None:
        return "no model to name the domain"
    if guess.confidence < LEAST_DOMAIN_CONFIDENCE:
        return f"{guess.model} is unsure of the domain ({guess.task}, {guess.confidence:.2f})"
    return None if guess.task in when.domain else f"{guess.model} says domain {guess.task} ({guess.confidence:.2f})"


def domains(routes: Mapping[str, Route]) -> tuple[str, ...]:
    """What a model chooses among: the common domains, and those of the profile."""
    own = (domain for route in routes.values() if route.when for domain in route.when.domain)
    return tuple(dict.fromkeys((*STANDARD_DOMAINS, *own)))


def _tools(question: Question) -> tuple[str, ...]:
    from synapse_cli.routing.needs import tools_needed

    return tools_needed(question.prompt, question.words)


def _language(question: Question) -> Language:
    from synapse_cli.routing.language import language

    return language(question.prompt)


def _complexity(question: Question) -> Measure:
    from synapse_cli.routing.complexity import complexity

    return complexity(question.prompt, question.words)

"""Choose the route of a prompt by the rules of the profile.

The order is: a route that was named; the task that was named; the rules in file order; the default. Each
route that was looked at and not taken is kept with the reason, for `explain` and for the record.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property

from synapse_cli.core.completion import NO_USAGE
from synapse_cli.core.errors import UsageError
from synapse_cli.core.outcome import Decision
from synapse_cli.profile.model import Route, When
from synapse_cli.routing import conditions
from synapse_cli.routing.question import Question, TaskGuess

LEAST_TASK_CONFIDENCE = 0.6
"""Below this the model's guess of the task is not followed and the default route is taken."""
STANDARD_TASKS = (
    "classification",
    "extraction",
    "summarization",
    "translation",
    "question-answering",
    "writing",
    "rewriting",
    "code",
    "math",
    "chat",
)
"""What the nano model was trained to name; a profile's own tasks join them."""


def choose(routes: Mapping[str, Route], default: str, question: Question, named: str | None = None) -> Decision:
    """Return the decision. Raises UsageError where a named route or task does not exist."""
    if named is not None:
        if named not in routes:
            raise UsageError(f"there is no route named {named!r}", _known("routes", routes))
        return Decision(named, "named with --route", "flag")
    if question.task is not None:
        return _by_task(routes, question.task)
    return _by_rules(routes, default, question)


def needs_task(routes: Mapping[str, Route]) -> bool:
    """Whether any rule asks for the task, and so for a model."""
    return any(route.when is not None and route.when.task for route in routes.values())


def _by_task(routes: Mapping[str, Route], task: str) -> Decision:
    for route in routes.values():
        if route.when is not None and task in route.when.task:
            return Decision(route.name, f"task {task!r} named with --task", "task")
    tasks = {task: None for route in routes.values() if route.when for task in route.when.task}
    raise UsageError(f"no route takes the task {task!r}", _known("tasks", tasks))


def _by_rules(routes: Mapping[str, Route], default: str, question: Question) -> Decision:
    passed_over: list[tuple[str, str]] = []
    asked = _Asked(routes, question)
    for route in routes.values():
        when = route.when
        if when is None or when == When():
            continue
        why_not = _first_miss(when, question) or asked.miss(when)
        if why_not is None:
            return asked.decision(route.name, _because(when, question, asked), when, passed_over)
        passed_over.append((route.name, why_not))
    why = "no rule matched" if passed_over else "the profile has no rules"
    return asked.decision(default, why, None, passed_over)


class _Asked:
    """What a model was asked of this prompt: each question once, and only where all else of a rule matches."""

    def __init__(self, routes: Mapping[str, Route], question: Question) -> None:
        self._routes = routes
        self._question = question

    @cached_property
    def task(self) -> TaskGuess | None:
        """The model's guess of the task."""
        return self._question.name_task(tasks(self._routes))

    @cached_property
    def domain(self) -> TaskGuess | None:
        """The model's guess of the domain."""
        return self._question.name_domain(conditions.domains(self._routes))

    def miss(self, when: When) -> str | None:
        """Why what only a model can tell does not match."""
        why_not = _task_miss(when, self.task) if when.task else None
        return why_not or (conditions.domain_miss(when, self.domain) if when.domain else None)

    def decision(self, route: str, why: str, when: When | None, passed_over: list[tuple[str, str]]) -> Decision:
        """The decision, with what asking took."""
        guesses = [each for each in (self.__dict__.get("task"), self.__dict__.get("domain")) if each is not None]
        wanted = when is None or bool(when.task) or bool(when.domain)
        usage, cost = NO_USAGE, Decimal(0)
        for guess in guesses:
            usage = usage + guess.usage
        return Decision(
            route,
            why,
            "default" if when is None else "model" if when.task or when.domain else "rule",
            min((guess.confidence for guess in guesses), default=None) if wanted else None,
            tuple(passed_over),
            usage,
            cost=None if any(guess.cost is None for guess in guesses) else sum((g.cost for g in guesses), cost),
        )


def _first_miss(when: When, question: Question) -> str | None:
    """Why this rule does not match, cheapest conditions first; None where it does (its task aside)."""
    if when.tags and not set(when.tags) & set(question.tags):
        return "tags " + ", ".join(when.tags)
    if when.glob and not any(_matches(name, when.glob) for name in question.files):
        return "no file matches " + ", ".join(when.glob)
    folded = question.prompt.casefold()
    if when.keywords and not any(_has_word(folded, word.casefold()) for word in when.keywords):
        return "none of the keywords " + ", ".join(when.keywords)
    if when.regex and not any(re.search(pattern, question.prompt) for pattern in when.regex):
        return "regex " + " | ".join(when.regex)
    return conditions.miss(when, question) or _size_miss(when, question)


def _size_miss(when: When, question: Question) -> str | None:
    if when.prompt_over is None and when.prompt_under is None:
        return None
    tokens = question.count_tokens()
    if when.prompt_over is not None and tokens <= when.prompt_over:
        return f"{tokens} tokens, not over {when.prompt_over}"
    if when.prompt_under is not None and tokens >= when.prompt_under:
        return f"{tokens} tokens, not under {when.prompt_under}"
    return None


def _task_miss(when: When, guess: TaskGuess | None) -> str | None:
    if guess is None:
        return "no model to name the task"
    if guess.confidence < LEAST_TASK_CONFIDENCE:
        return f"{guess.model} is unsure of the task ({guess.task}, {guess.confidence:.2f})"
    if guess.task not in when.task:
        return f"{guess.model} says {guess.task} ({guess.confidence:.2f})"
    return None


def _because(when: When, question: Question, asked: _Asked) -> str:
    parts = []
    if when.tags:
        parts.append("tags " + ", ".join(when.tags))
    if when.glob:
        parts.append("files " + ", ".join(when.glob))
    if when.keywords:
        parts.append("keywords " + ", ".join(when.keywords))
    if when.regex:
        parts.append("regex " + " | ".join(when.regex))
    if when.prompt_over is not None:
        parts.append(f"over {when.prompt_over} tokens")
    if when.prompt_under is not None:
        parts.append(f"under {when.prompt_under} tokens")
    parts += conditions.because(when, question)
    if when.task and (guess := asked.task) is not None:
        parts.append(f"{guess.model} says {guess.task} ({guess.confidence:.2f})")
    if when.domain and (guess := asked.domain) is not None:
        parts.append(f"{guess.model} says domain {guess.task} ({guess.confidence:.2f})")
    return "matched: " + "; ".join(parts)


def tasks(routes: Mapping[str, Route]) -> tuple[str, ...]:
    """What a model chooses among: the common tasks, and those of the profile."""
    own = (task for route in routes.values() if route.when for task in route.when.task)
    return tuple(dict.fromkeys((*STANDARD_TASKS, *own)))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatch(name, p) or fnmatch.fnmatch(os.path.basename(name), p) for p in patterns)


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _known(what: str, names: Mapping[str, object]) -> str:
    return f"{what} of this profile: " + (", ".join(names) or "none")

"""How rules choose a route."""

from __future__ import annotations

import pytest

from synapse_cli.core.errors import UsageError
from synapse_cli.profile.model import Route, When
from synapse_cli.routing.question import Question, TaskGuess
from synapse_cli.routing.rules import STANDARD_TASKS, choose, needs_task


def _question(prompt: str = "hello", guess: TaskGuess | None = None, tokens: int = 10, **more: object) -> Question:
    return Question(prompt=prompt, count_tokens=lambda: tokens, name_task=lambda _: guess, **more)  # type: ignore[arg-type]


def _routes(**whens: When) -> dict[str, Route]:
    routes = {name: Route(name=name, when=when, use="m") for name, when in whens.items()}
    return {**routes, "default": Route(name="default", use="m")}


@pytest.mark.parametrize(
    ("when", "prompt", "matches"),
    [
        (When(keywords=("invoice",)), "Where is my INVOICE?", True),
        (When(keywords=("voice",)), "Where is my invoice?", False),
        (When(keywords=("straße",)), "STRASSE gesperrt", True),
        (When(regex=(r"^fix\b",)), "fix the bug", True),
        (When(regex=(r"^fix\b",)), "please fix", False),
        (When(regex=("a", "zzz")), "a list value matches where one does", True),
        (When(keywords=("bug",), regex=("^please",)), "please: a bug", True),
        (When(keywords=("bug",), regex=("^please",)), "a bug", False),
        (When(prompt_over=9), "ten tokens", True),
        (When(prompt_over=10), "ten tokens", False),
        (When(prompt_under=11), "ten tokens", True),
        (When(prompt_under=10), "ten tokens", False),
    ],
)
def test_keys_join_with_and_list_values_with_or(when: When, prompt: str, matches: bool) -> None:
    decision = choose(_routes(special=when), "default", _question(prompt))

    assert (decision.route == "special") is matches


def test_tags_and_file_globs_match() -> None:
    routes = _routes(ops=When(tags=("ops",)), code=When(glob=("*.py",)))

    assert choose(routes, "default", _question(tags=("x", "ops"))).route == "ops"
    assert choose(routes, "default", _question(files=("src/a.py",))).route == "code"
    assert choose(routes, "default", _question(files=("a.txt",))).route == "default"


def test_the_first_rule_in_file_order_wins_and_the_others_are_told() -> None:
    routes = _routes(no=When(keywords=("zebra",)), one=When(regex=(".",)), two=When(regex=(".",)))

    decision = choose(routes, "default", _question())

    assert decision.route == "one"
    assert decision.source == "rule"
    assert decision.runners_up == (("no", "none of the keywords zebra"),)


def test_a_named_route_wins_over_a_named_task_and_over_rules() -> None:
    routes = _routes(a=When(task=("code",)), b=When(regex=(".",)))

    assert choose(routes, "default", _question(task="code"), named="b").route == "b"
    assert choose(routes, "default", _question(task="code")).route == "a"


def test_what_was_named_and_does_not_exist_is_a_usage_error_that_names_what_does() -> None:
    routes = _routes(a=When(task=("code",)))

    with pytest.raises(UsageError, match="no route named 'x'") as route:
        choose(routes, "default", _question(), named="x")
    with pytest.raises(UsageError, match="takes the task 'poetry'") as task:
        choose(routes, "default", _question(task="poetry"))

    assert "a, default" in route.value.hint
    assert "code" in task.value.hint


def test_an_unsure_model_leads_to_the_default() -> None:
    routes = _routes(a=When(task=("code",)))

    unsure = choose(routes, "default", _question(guess=TaskGuess("code", 0.3, "nano")))
    sure = choose(routes, "default", _question(guess=TaskGuess("code", 0.9, "nano")))
    nobody = choose(routes, "default", _question(guess=None))

    assert (unsure.route, unsure.source) == ("default", "default")
    assert (sure.route, sure.source, sure.confidence) == ("a", "model", 0.9)
    assert nobody.runners_up == (("a", "no model to name the task"),)


def test_the_model_is_asked_once_and_only_where_a_rule_needs_it() -> None:
    asked: list[tuple[str, ...]] = []

    def name_task(tasks: tuple[str, ...]) -> TaskGuess:
        asked.append(tasks)
        return TaskGuess("math", 0.99, "nano")

    question = Question(prompt="x", count_tokens=lambda: 1, name_task=name_task)
    routes = _routes(a=When(task=("code",)), b=When(task=("poetry",)), c=When(keywords=("never",), task=("math",)))

    decision = choose(routes, "default", question)

    assert decision.route == "default"
    assert asked == [(*STANDARD_TASKS, "poetry")]
    assert needs_task(routes)
    assert not needs_task(_routes(a=When(keywords=("x",))))

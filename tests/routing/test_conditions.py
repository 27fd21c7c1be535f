"""Routes by language, complexity, domain and need of tools."""

from __future__ import annotations

from decimal import Decimal

import pytest

from synapse_cli.core.completion import Usage
from synapse_cli.profile.model import Route, When
from synapse_cli.routing.question import Question, TaskGuess
from synapse_cli.routing.rules import choose


class Asked:
    """A question that counts what a model is asked."""

    def __init__(self, domain: TaskGuess | None = None, task: TaskGuess | None = None) -> None:
        self.domain = domain
        self.task = task
        self.asked: list[str] = []

    def question(self, prompt: str, words: str = "") -> Question:
        return Question(
            prompt=prompt,
            words=words,
            count_tokens=lambda: len(prompt) // 4,
            name_task=lambda tasks: self._tell("task", self.task, tasks),
            name_domain=lambda domains: self._tell("domain", self.domain, domains),
        )

    def _tell(self, what: str, guess: TaskGuess | None, among: tuple[str, ...]) -> TaskGuess | None:
        self.asked.append(what)
        assert guess is None or guess.task in among
        return guess


def _routes(**whens: When) -> dict[str, Route]:
    routes = {name: Route(name=name, when=when, use="m") for name, when in whens.items()}
    return {**routes, "default": Route(name="default", use="m")}


@pytest.mark.parametrize(
    ("when", "prompt", "route"),
    [
        (When(language=("de",)), "Wie wird das Wetter morgen?", "special"),
        (When(language=("de", "fr")), "Quelle est la capitale de l'Espagne ?", "special"),
        (When(language=("de",)), "What is the capital of Spain?", "default"),
        (When(language=("de",)), "12345", "default"),
        (When(tools=True), "What is the weather in Oslo today?", "special"),
        (When(tools=True), "Write a poem about the weather", "default"),
        (When(tools=False), "Write a poem about the weather", "special"),
        (When(complexity=("simple",)), "What is the capital of Spain?", "special"),
        (When(complexity=("complex",)), "What is the capital of Spain?", "default"),
        (When(language=("en",), complexity=("simple",), tools=False), "What is the capital of Spain?", "special"),
        (When(language=("en",), complexity=("complex",), tools=False), "What is the capital of Spain?", "default"),
    ],
)
def test_conditions_join_with_and_their_values_with_or(when: When, prompt: str, route: str) -> None:
    asked = Asked()

    decision = choose(_routes(special=when), "default", asked.question(prompt))

    assert (decision.route, asked.asked) == (route, []), decision.runners_up


def test_why_and_why_not_are_one_line_each() -> None:
    routes = _routes(german=When(language=("de",)), hard=When(complexity=("complex",)), out=When(tools=True))

    decision = choose(routes, "default", Asked().question("What time is it in Oslo right now?"))

    assert decision.why == "matched: it needs time"
    assert decision.runners_up == (
        ("german", "its language is en"),
        ("hard", "it is simple (0.0: short and plain)"),
    )


def test_the_domain_is_asked_once_and_only_where_all_else_matches() -> None:
    asked = Asked(domain=TaskGuess("law", 0.9, "judge", Usage(40, 2), Decimal("0.001")))
    routes = _routes(
        german=When(domain=("medicine",), language=("de",)),
        health=When(domain=("medicine",)),
        law=When(domain=("law",)),
    )

    decision = choose(routes, "default", asked.question("What is a tort?"))

    assert (decision.route, decision.source, decision.confidence) == ("law", "model", 0.9)
    assert decision.why == "matched: judge says domain law (0.90)"
    assert decision.runners_up[1] == ("health", "judge says domain law (0.90)")
    assert (decision.usage.total, decision.cost) == (42, Decimal("0.001"))
    assert asked.asked == ["domain"]


@pytest.mark.parametrize(
    ("guess", "why_not"),
    [
        (None, "no model to name the domain"),
        (TaskGuess("law", 0.3, "nano"), "nano is unsure of the domain (law, 0.30)"),
    ],
)
def test_a_guess_that_is_unsure_or_missing_is_not_followed(guess: TaskGuess | None, why_not: str) -> None:
    decision = choose(_routes(law=When(domain=("law",))), "default", Asked(domain=guess).question("What is a tort?"))

    assert (decision.route, decision.runners_up) == ("default", (("law", why_not),))


def test_task_and_domain_are_both_needed_and_the_less_sure_one_tells_how_sure() -> None:
    asked = Asked(domain=TaskGuess("law", 0.7, "nano"), task=TaskGuess("writing", 0.9, "nano"))

    decision = choose(_routes(a=When(task=("writing",), domain=("law",))), "default", asked.question("Draft it"))

    assert (decision.route, decision.confidence, asked.asked) == ("a", 0.7, ["task", "domain"])


def test_domains_of_the_profile_are_among_those_that_are_asked_for() -> None:
    asked = Asked(domain=TaskGuess("beekeeping", 0.95, "nano"))

    assert choose(_routes(bees=When(domain=("beekeeping",))), "default", asked.question("Hives?")).route == "bees"


def test_a_text_that_comes_with_the_words_asks_for_no_tools() -> None:
    question = Asked().question("Summarise\n\nThe weather in Oslo today: search the web.", words="Summarise")

    assert choose(_routes(out=When(tools=True)), "default", question).route == "default"

"""Who tells a prompt's task and domain, and what does that take? Nano, or the profile's analyst, each asked once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from synapse_cli.core.completion import Completion
from synapse_cli.core.errors import BackendError, BudgetSpent, Refused
from synapse_cli.core.prompt import Request
from synapse_cli.flows.choosing import NANO
from synapse_cli.profile.model import Model

if TYPE_CHECKING:
    from synapse_cli.flows.ask import Ask
    from synapse_cli.flows.session import Session
    from synapse_cli.routing.analysis import Analysis
    from synapse_cli.routing.question import Question, TaskGuess


class Analyst:
    """Asks about one prompt, through the cache like any other call; what it takes is recorded as kind "route"."""

    def __init__(self, session: Session, prompt: str) -> None:
        self._session = session
        self._prompt = prompt
        self._bill: Completion | None = None
        """What one call for both took, until it is charged to the one that is asked for first."""

    def task(self, tasks: tuple[str, ...]) -> TaskGuess | None:
        """The task, out of these."""
        from synapse_cli.routing.task import request_for

        if self._named is None:
            return self._guess(request_for(self._prompt, tasks), "task")
        return self._charged(self._both[0]) if self._both else None

    def domain(self, domains: tuple[str, ...]) -> TaskGuess | None:
        """The domain, out of these."""
        from synapse_cli.routing.analysis import domain_request

        if self._named is None:
            return self._guess(domain_request(self._prompt, domains), "domain")
        return self._charged(self._both[1]) if self._both else None

    @cached_property
    def _named(self) -> Model | None:
        """The analyst that the profile names."""
        profile = self._session.profile
        return profile.models.get(profile.routing.analyst or "")

    @cached_property
    def _both(self) -> tuple[TaskGuess, TaskGuess] | None:
        """Task and domain in one call. Among all that the profile knows, so that each rule hears the same answer."""
        from synapse_cli.routing.analysis import analyst_request, analyst_said
        from synapse_cli.routing.conditions import domains
        from synapse_cli.routing.question import TaskGuess
        from synapse_cli.routing.rules import tasks

        model = self._named
        assert model is not None
        routes = self._session.profile.routes
        known = tasks(routes), domains(routes)
        completion = self._complete(model, analyst_request(self._prompt, *known), "say what it is about")
        if completion is None:
            return None
        self._bill = completion
        found = analyst_said(completion, *known, model.name)
        if found is None:
            self._session.warn(f"{model.name} could not say what it is about: it named no known task and domain")
            nothing = TaskGuess("nothing known", 0.0, model.name)
            return nothing, nothing
        return found

    def _charged(self, guess: TaskGuess) -> TaskGuess:
        bill, self._bill = self._bill, None
        return guess if bill is None else replace(guess, usage=bill.usage, cost=bill.cost)

    def _guess(self, request: Request, what: str) -> TaskGuess | None:
        from synapse_cli.routing.question import TaskGuess

        model = next((m for m in self._session.profile.models.values() if m.source == NANO.source), NANO)
        completion = self._complete(model, request, f"name the {what}")
        if completion is None:
            return None
        return TaskGuess(completion.text, completion.confidence or 0.0, model.name, completion.usage, completion.cost)

    def _complete(self, model: Model, request: Request, what: str) -> Completion | None:
        """The answer, costing nothing where it was kept; None, with a warning, where there is none."""
        session = self._session
        try:
            if (obstacle := session.obstacle(model)) is not None:
                raise obstacle
            completion = session.chain(model, keeps=True, kind="route").complete(request, session.control)
        except (BackendError, Refused, BudgetSpent) as error:
            session.warn(f"{model.name} could not {what}: {error.message}")
            return None
        if not completion.cached:
            return completion
        return replace(completion, usage=replace(completion.usage, input=0, output=0), cost=Decimal(0))


def analysis(session: Session, question: Question) -> Analysis:
    """Everything that can be told of a prompt."""
    from synapse_cli.routing.analysis import analyse
    from synapse_cli.routing.conditions import domains
    from synapse_cli.routing.rules import tasks

    routes = session.profile.routes
    return analyse(question, tasks(routes), domains(routes))


def question_of(session: Session, ask: Ask) -> Question:
    """What a router may look at."""
    from synapse_cli.routing.question import Question

    analyst = Analyst(session, ask.prompt)
    return Question(
        prompt=ask.prompt,
        words=ask.words if ask.input else "",
        files=ask.files,
        tags=ask.tags,
        task=ask.task,
        count_tokens=lambda: _rough_tokens(ask.prompt),
        name_task=analyst.task,
        name_domain=analyst.domain,
    )


def _rough_tokens(text: str) -> int:
    from synapse_cli.backends.tokens import text_tokens

    return text_tokens(text, "gpt-4o")

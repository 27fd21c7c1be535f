"""What may be asked to choose a route, and what is done with the answer?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from synapse_cli.core.errors import BackendError, BudgetSpent, Refused
from synapse_cli.core.outcome import Decision
from synapse_cli.flows.tenancy import routes_of
from synapse_cli.profile.model import Model, Route

if TYPE_CHECKING:
    from synapse_cli.flows.session import Session
    from synapse_cli.routing.examples import Examples
    from synapse_cli.routing.judge import Opinion
    from synapse_cli.routing.question import Question, TaskGuess

NANO = Model(name="nano", backend="llama.cpp", source="builtin:nano")
"""Names tasks where the profile declares no nano of its own."""


def choose(session: Session) -> Decision:
    """Decide the route; a model that was named needs none."""
    ask, profile = session.ask, session.profile
    if ask.model is not None:
        return Decision("-", "model named with -m", "flag")
    from synapse_cli.routing.question import Question

    question = Question(
        prompt=ask.prompt,
        files=ask.files,
        tags=ask.tags,
        task=ask.task,
        count_tokens=lambda: _rough_tokens(ask.prompt),
        name_task=lambda tasks: _name_task(session, tasks),
    )
    routes = routes_of(session.tenant, profile.routes, ask.route)
    decision = _among(session, routes, question)
    routes_of(session.tenant, profile.routes, decision.route)  # the default may be none of the tenant's
    return decision


def _among(session: Session, routes: Mapping[str, Route], question: Question) -> Decision:
    """Ask the rules, and where routes have examples or a judge is named, those too."""
    ask, settings, default = session.ask, session.profile.routing, session.profile.defaults.route
    if settings.judge is None and not any(route.examples for route in routes.values()):
        from synapse_cli.routing import rules

        return rules.choose(routes, default, question, ask.route)
    from synapse_cli.flows.routers import Routers
    from synapse_cli.routing import hybrid
    from synapse_cli.routing.examples import of_profile

    order, examples = hybrid.order_of(settings), of_profile(routes)
    routers = Routers(session, examples, wants_meaning="semantic" in order)
    aids = hybrid.Help(
        examples=examples,
        router=cache(routers.find),
        vector=lambda: routers.vector(ask.prompt),
        judge=lambda names: _judge(session, names, examples),
    )
    decision = hybrid.choose(routes, default, question, named=ask.route, order=order, aids=aids)
    cost = None if decision.cost is None or routers.cost is None else decision.cost + routers.cost
    return replace(decision, usage=decision.usage + routers.usage, cost=cost)


def _judge(session: Session, names: tuple[str, ...], examples: Examples) -> Opinion | None:
    """Ask the profile's judge which of these routes it is, through the cache like any other call."""
    from synapse_cli.routing.judge import opinion, request_for

    model = session.profile.models.get(session.profile.routing.judge or "")
    if model is None:
        return None
    try:
        if (obstacle := session.obstacle(model)) is not None:
            raise obstacle
        request = request_for(session.ask.prompt, names, examples)
        completion = session.chain(model, keeps=True, kind="route").complete(request, session.control)
    except (BackendError, Refused, BudgetSpent) as error:
        session.warn(f"{model.name} could not judge the route: {error.message}")
        return None
    found = opinion(completion, names, model.name)
    if found is None:
        session.warn(f"{model.name} could not judge the route: it named none of the routes")
    return found


def _rough_tokens(text: str) -> int:
    from synapse_cli.backends.tokens import text_tokens

    return text_tokens(text, "gpt-4o")


def _name_task(session: Session, tasks: tuple[str, ...]) -> TaskGuess | None:
    """Ask the nano model what kind of request this is, through the cache like any other call."""
    from synapse_cli.routing.question import TaskGuess
    from synapse_cli.routing.task import request_for

    model = next((m for m in session.profile.models.values() if m.source == NANO.source), NANO)
    request = request_for(session.ask.prompt, tasks)
    try:
        completion = session.chain(model, keeps=True, kind="route").complete(request, session.control)
    except BackendError as error:
        session.warn(f"{model.name} could not name the task: {error.message}")
        return None
    usage = replace(completion.usage, input=0, output=0) if completion.cached else completion.usage
    return TaskGuess(completion.text, completion.confidence or 0.0, model.name, usage)

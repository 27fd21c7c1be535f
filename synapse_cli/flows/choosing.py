"""What may be asked to choose a route, and what is done with the answer?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from synapse_cli.core.errors import BackendError
from synapse_cli.core.outcome import Decision
from synapse_cli.flows.tenancy import routes_of
from synapse_cli.profile.model import Model

if TYPE_CHECKING:
    from synapse_cli.flows.session import Session
    from synapse_cli.routing.question import TaskGuess

NANO = Model(name="nano", backend="llama.cpp", source="builtin:nano")
"""Names tasks where the profile declares no nano of its own."""


def choose(session: Session) -> Decision:
    """Decide the route; a model that was named needs none."""
    ask, profile = session.ask, session.profile
    if ask.model is not None:
        return Decision("-", "model named with -m", "flag")
    from synapse_cli.routing.question import Question
    from synapse_cli.routing.rules import choose as by_rules

    question = Question(
        prompt=ask.prompt,
        files=ask.files,
        tags=ask.tags,
        task=ask.task,
        count_tokens=lambda: _rough_tokens(ask.prompt),
        name_task=lambda tasks: _name_task(session, tasks),
    )
    routes = routes_of(session.tenant, profile.routes, ask.route)
    decision = by_rules(routes, profile.defaults.route, question, ask.route)
    routes_of(session.tenant, profile.routes, decision.route)  # the default may be none of the tenant's
    return decision


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

"""What may be asked to choose a route, and what is done with the answer?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from synapse_cli.core.errors import BackendError, BudgetSpent, Refused
from synapse_cli.core.outcome import Decision
from synapse_cli.flows.tenancy import routes_of
from synapse_cli.profile.model import Model, Profile, Route

if TYPE_CHECKING:
    from decimal import Decimal

    from synapse_cli.core.completion import Usage
    from synapse_cli.core.vectors import Vectors
    from synapse_cli.flows.ask import Ask
    from synapse_cli.flows.session import Session
    from synapse_cli.routing.examples import Examples
    from synapse_cli.routing.hybrid import Help
    from synapse_cli.routing.judge import Opinion
    from synapse_cli.routing.question import Question
    from synapse_cli.routing.router import Guess

NANO = Model(name="nano", backend="llama.cpp", source="builtin:nano")
"""Names tasks where the profile declares no nano of its own."""


def choose(session: Session) -> Decision:
    """Decide the route; a model that was named needs none."""
    if session.ask.model is not None:
        return Decision("-", "model named with -m", "flag")
    if not any(route.examples for route in session.profile.routes.values()):
        return chooser(session)(session.ask)
    from synapse_cli.flows.remembered import Known, Remembering

    before = Remembering(session)
    try:
        decision = chooser(session, look=before.look)(session.ask)
    except Known as known:
        return known.decision
    before.keep(decision)
    return decision


def chooser(
    session: Session,
    *,
    seen: Callable[[Guess], None] = lambda _: None,
    encode: Callable[[Sequence[str]], Vectors] | None = None,
    look: Callable[[], None] = lambda: None,
) -> Callable[[Ask], Decision]:
    """What decides the route of any prompt; what is read or learned for it is read or learned once.

    `seen` hears what was thought by words and by meaning; `encode` stands in for the profile's encoder, and
    `look` is called before a prompt is encoded.
    """
    routes = routes_of(session.tenant, session.profile.routes, session.ask.route)
    aids = _aids(session, routes, seen, encode, look)

    def decide(ask: Ask) -> Decision:
        from synapse_cli.flows.analysing import question_of

        question = question_of(session, ask)
        decision = _among(session.profile, routes, question, ask.route, aids)
        routes_of(session.tenant, session.profile.routes, decision.route)  # the default may be none of the tenant's
        return decision

    return decide


def _among(
    profile: Profile, routes: Mapping[str, Route], question: Question, named: str | None, aids: Help | None
) -> Decision:
    """Ask the rules, and where routes have examples or a judge is named, those too."""
    default = profile.defaults.route
    if aids is None:
        from synapse_cli.routing import rules

        return rules.choose(routes, default, question, named)
    from synapse_cli.routing import hybrid

    return hybrid.choose(routes, default, question, named=named, order=hybrid.order_of(profile.routing), aids=aids)


def _aids(
    session: Session,
    routes: Mapping[str, Route],
    seen: Callable[[Guess], None],
    encode: Callable[[Sequence[str]], Vectors] | None,
    look: Callable[[], None],
) -> Help | None:
    """Who may be asked beside the rules; None where nobody can."""
    settings = session.profile.routing
    if settings.judge is None and not any(route.examples for route in routes.values()):
        return None
    from synapse_cli.flows.routers import Routers
    from synapse_cli.routing import hybrid
    from synapse_cli.routing.examples import of_profile

    examples = of_profile(routes)
    routers = Routers(session, examples, wants_meaning="semantic" in hybrid.order_of(settings), encode=encode)

    def vector(prompt: str) -> tuple[Sequence[float], Usage, Decimal | None] | None:
        look()
        return routers.vector(prompt)

    return hybrid.Help(
        examples=examples,
        router=cache(routers.find),
        vector=vector,
        judge=lambda prompt, names: _judge(session, prompt, names, examples),
        learned=routers.spent,
        seen=seen,
    )


def _judge(session: Session, prompt: str, names: tuple[str, ...], examples: Examples) -> Opinion | None:
    """Ask the profile's judge which of these routes it is, through the cache like any other call."""
    from synapse_cli.routing.judge import opinion, request_for

    model = session.profile.models.get(session.profile.routing.judge or "")
    if model is None:
        return None
    try:
        if (obstacle := session.obstacle(model)) is not None:
            raise obstacle
        request = request_for(prompt, names, examples)
        completion = session.chain(model, keeps=True, kind="route").complete(request, session.control)
    except (BackendError, Refused, BudgetSpent) as error:
        session.warn(f"{model.name} could not judge the route: {error.message}")
        return None
    found = opinion(completion, names, model.name)
    if found is None:
        session.warn(f"{model.name} could not judge the route: it named none of the routes")
    return found

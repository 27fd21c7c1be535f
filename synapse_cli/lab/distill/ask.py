"""How does a route ask? Its request around a text, as `synapse run` would send it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synapse_cli.backends.closed_labels import question
from synapse_cli.backends.student_scope import scope_of
from synapse_cli.core.errors import UsageError
from synapse_cli.core.outcome import Decision
from synapse_cli.core.prompt import Json, Request
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.plan import plan
from synapse_cli.learned.student import Scope
from synapse_cli.profile.model import Profile, Route

_TEXT = "\ue000the text\ue000"
"""Stands where the text goes; letters of a private area, which no instruction holds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The request of a route, and its scope."""

    request: Request
    scope: Scope
    allowed: tuple[str, ...]
    """Labels that an accept rule of the route's cascade allows; empty where none does."""


def route_named(profile: Profile, name: str) -> Route:
    """The route of this name. Raises UsageError for one that is not there, or leads to a command."""
    if name not in profile.routes:
        raise UsageError(f"there is no route named {name!r}", "routes of this profile: " + ", ".join(profile.routes))
    route = profile.routes[name]
    if route.use is None and not route.fallback:
        raise UsageError(f"the route {name!r} leads to no model", "distill a route that uses a model or a cascade")
    return route


def asked(profile: Profile, route: Route, words: str, choices: Sequence[str]) -> Asked:
    """The request that this route makes of a text with these words before it. Raises UsageError."""
    prompt = f"{words}\n\n{_TEXT}" if words else _TEXT
    ask = Ask(prompt=prompt, words=words, input=_TEXT, choices=tuple(choices))
    stages = plan(profile, ask, Decision(route.name, "to be distilled", "flag"), None, Witness()).stages
    request = stages[0].rungs[-1].request
    head, found, tail = question(request).partition(_TEXT)
    if not found or _TEXT in tail:
        times = "more than once" if found else "nowhere"
        raise UsageError(f"the template of route {route.name!r} places its input {times}", "place {{ input }} once")
    return Asked(request, scope_of(request, head, tail), _allowed(profile, route))


def _allowed(profile: Profile, route: Route) -> tuple[str, ...]:
    cascade = profile.cascades.get(route.use or "")
    for rule in cascade.accept if cascade else ():
        values: Json = rule.options.get("values")
        if rule.kind == "choices" and isinstance(values, list):
            return tuple(str(value) for value in values)
    return ()

"""Who is compared: a model, a route or a cascade of a profile, or a profile's own way of choosing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from synapse_cli.core.errors import SynapseError, UsageError
from synapse_cli.core.ports import Backend
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.session import Session
from synapse_cli.profile.model import Model, Profile, Route

Kind = Literal["model", "route", "cascade", "profile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to an answer. `profile` is as its calls follow it; `backends` are shared, so that models stay warm."""

    label: str
    kind: Kind
    name: str
    profile: Profile
    backends: dict[str, Backend] = field(default_factory=dict, compare=False, repr=False)

    def wants(self, ask: Ask) -> Ask:
        """The ask of one item, sent this candidate's way."""
        match self.kind:
            case "model":
                return replace(ask, model=self.name)
            case "route":
                return replace(ask, route=self.name)
            case "cascade":
                return replace(ask, route=_route_of(self.name))
            case "profile":
                return ask

    def models(self) -> tuple[str, ...]:
        """Names of the models that it may ask; empty where the prompt decides."""
        if self.kind == "model":
            return (self.name,)
        route = self.profile.routes.get(_route_of(self.name) if self.kind == "cascade" else self.name)
        if self.kind == "profile" or route is None or route.use is None:
            return ()
        cascade = self.profile.cascades.get(route.use)
        return (route.use,) if cascade is None else cascade.tiers


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the command line names, before any profile is asked for it."""

    models: Sequence[str] = ()
    routes: Sequence[str] = ()
    cascades: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was named."""
        return not (self.models or self.routes or self.cascades)


def candidates(choice: Choice, profiles: Sequence[Profile]) -> list[Candidate]:
    """One candidate a name and profile, in the order models, routes, cascades. Raises UsageError for a wrong name.

    Where nothing is named: of one profile its models and cascades, of several their own ways of choosing.
    """
    names = _names_of(profiles)
    found: list[Candidate] = []
    for profile, name in zip(profiles, names, strict=True):
        suffix = f"@{name}" if len(profiles) > 1 else ""
        shared: dict[str, Backend] = {}
        if choice.is_empty and len(profiles) > 1:
            found.append(Candidate(label=name, kind="profile", name=name, profile=profile, backends=shared))
            continue
        wanted = _own(profile) if choice.is_empty else choice
        found += [_candidate(kind, each, profile, suffix, shared) for kind, each in _listed(wanted)]
    return _without_doubles(found)


def check(candidate: Candidate, ask: Ask, *, has_limit: bool) -> None:
    """Lay out one item's way without asking anybody. Raises UsageError for a model, tier or rule that cannot be.

    And for a price that nobody knows, where the money is limited.
    """
    session = Session(candidate.profile, candidate.wants(ask), Witness())
    if candidate.kind == "profile":
        return
    plan = session.plan(session.choose())
    for rung in (rung for stage in plan.stages for rung in stage.rungs if has_limit):
        if _is_unpriced(session, rung.model):
            hint = (
                "synapse prices override MODEL --input ... --output ... (dollars per million tokens), or leave it out"
            )
            raise UsageError(f"the price of {rung.model.name!r} is unknown, so --max-cost cannot be held", hint)


def _is_unpriced(session: Session, model: Model) -> bool:
    try:
        return session.facts(model).price is None
    except SynapseError:
        return False  # it cannot be asked at all, which its calls will say


def obstacle(candidate: Candidate) -> SynapseError | None:
    """Why none of its models can be asked (no key, no file), or None where one of them can, or nobody knows."""
    session = Session(candidate.profile, Ask(prompt=""), Witness())
    problems: list[SynapseError] = []
    for name in candidate.models():
        model = candidate.profile.models.get(name)
        if model is None:
            return None
        try:
            session.check_keys(model)
        except SynapseError as error:
            problems.append(error)
        else:
            return None
    return problems[0] if problems else None


def _candidate(kind: Kind, name: str, profile: Profile, suffix: str, shared: dict[str, Backend]) -> Candidate:
    if kind == "route" and name not in profile.routes:
        raise _unknown("route", name, profile.routes, profile)
    if kind == "cascade":
        if name not in profile.cascades:
            raise _unknown("cascade", name, profile.cascades, profile)
        own = Route(name=_route_of(name), use=name)
        profile = replace(profile, routes={**profile.routes, own.name: own})
    label = name if kind == "model" else f"{kind}:{name}"
    return Candidate(label=f"{label}{suffix}", kind=kind, name=name, profile=profile, backends=shared)


def _own(profile: Profile) -> Choice:
    if not profile.models:
        raise UsageError(f"the profile {profile.name!r} has no models", "name one: synapse bench -m nano")
    return Choice(models=tuple(profile.models), cascades=tuple(profile.cascades))


def _listed(choice: Choice) -> list[tuple[Kind, str]]:
    return [
        *(("model", name) for name in choice.models),
        *(("route", name) for name in choice.routes),
        *(("cascade", name) for name in choice.cascades),
    ]


def _names_of(profiles: Sequence[Profile]) -> list[str]:
    """Short names that tell the profiles apart: where two have the same one, their paths."""
    names = [profile.name for profile in profiles]
    return [name if names.count(name) == 1 else profile.path for name, profile in zip(names, profiles, strict=True)]


def _without_doubles(found: Iterable[Candidate]) -> list[Candidate]:
    return list({candidate.label: candidate for candidate in found}.values())


def _route_of(cascade: str) -> str:
    """A route that only leads to this cascade; a user's route cannot have a space in its name."""
    return f"bench {cascade}"


def _unknown(kind: str, name: str, known: Iterable[str], profile: Profile) -> UsageError:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"{kind}s of this profile: {', '.join(names) or 'none'}"
    return UsageError(f"the profile {profile.name!r} has no {kind} {name!r}", hint)

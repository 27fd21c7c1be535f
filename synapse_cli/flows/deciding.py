"""Which way does the policy of a route take for this prompt?

The policy is asked last, when the route is known: it chooses among ways (a model, or a cascade with its checks), and
what it chooses goes before the route's `use`. An embedding is asked for only where the policy was learned with one, and
what it then chose is kept: the same prompt asks no encoder again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from synapse_cli.core.errors import (
    ClosedPipe,
    InputError,
    Interrupted,
    Problem,
    ProfileError,
    SynapseError,
    UsageError,
)
from synapse_cli.core.outcome import Decision
from synapse_cli.core.registry import is_plugin
from synapse_cli.core.way import Way
from synapse_cli.core.witness import Witness
from synapse_cli.learned.policy import Choice, Policy, load
from synapse_cli.profile.model import Model, Profile
from synapse_cli.routing.arbitrage import open_way

if TYPE_CHECKING:
    from synapse_cli.core.vectors import Vectors
    from synapse_cli.flows.session import Session


class Deciding:
    """The policies of a run's profile, each read once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._policies: dict[str, Policy] = {}
        self._choices: dict[str, Choice] = {}

    def under_policy(self, decision: Decision) -> Decision:
        """The decision with the way that its route's policy takes. Raises ProfileError for a file that is no use.

        `--tier` and `--max-tier` name tiers, and so leave a policy nothing to choose.
        """
        policy, ask = self.policy(decision.route), self._session.ask
        if ask.tier or ask.max_tier:
            return self._named(decision, policy)
        chosen = self._chosen(decision, policy)
        assert chosen.way is not None
        names = [way.name for way in policy.ways]
        closed = self.closed(decision.route)
        taken = open_way(policy.ways.index(chosen.way), closed, policy.costs, policy.scores, names)
        if taken is None or not taken.why:
            return chosen
        way, mark = policy.ways[taken.number], chosen.policy
        kept = mark is not None and mark.certified and way.tiers == (policy.baseline,)
        return replace(
            chosen,
            way=way,
            score=None,
            why=f"{decision.why}; {way.name} by policy: {taken.why}",
            policy=None if mark is None else replace(mark, way=way.name, certified=kept),
        )

    def policy(self, route: str) -> Policy:
        """A route's policy. Raises ProfileError for one that is missing, damaged, newer, or made for other models."""
        if route not in self._policies:
            self._policies[route] = read(self._session.profile, route, self._session.witness)
        return self._policies[route]

    def closed(self, route: str) -> Mapping[int, str]:
        """The ways that may not be taken now, and why: not one of their tiers may be asked, or they are too bad."""
        limits, models = self._session.limits(route), self._session.profile.models
        found: dict[int, str] = {}
        for number, (way, score) in enumerate(zip(self.policy(route).ways, self.policy(route).scores, strict=True)):
            if lacking := [tier for tier in way.tiers if tier not in models]:
                found[number] = f"the profile has no model {lacking[0]!r}"
                continue
            if not limits.may_close:
                continue
            worse = limits.too_bad(score)
            hindered = [limits.hindered(models[tier]) for tier in way.tiers]
            if worse is not None:
                found[number] = worse.message
            elif all(hindered):
                found[number] = "; ".join(dict.fromkeys(error.message for error in hindered if error is not None))
        return found

    def choice(self, decision: Decision) -> Choice:
        """What the policy says of every way for this prompt; an encoder is asked where none was for the decision."""
        policy = self.policy(decision.route)
        if policy.encoder is None:
            return policy.choose(self._session.ask.prompt)
        return self._choices.get(policy.sha256) or self._embedded(policy, policy.encoder)[0]

    def quality(self, decision: Decision, model: str) -> float | None:
        """The measured mean score of the way that was taken, where this model is a tier of it; None where unknown."""
        way, policy = decision.way, self.policy(decision.route)
        if way is None or model not in way.tiers or way not in policy.ways:
            return None
        return policy.scores[policy.ways.index(way)]

    # --- below: how ---

    def _chosen(self, decision: Decision, policy: Policy) -> Decision:
        """The policy's own choice: kept where an encoder was asked for it, since words alone decide in no time."""
        encoder = policy.encoder
        if encoder is None:
            return _joined(decision, _said(decision, policy, policy.choose(self._session.ask.prompt)))
        from synapse_cli.flows.remembered import keep, recall

        by = ("policy", policy.sha256, decision.route)
        kept = recall(self._session, by)
        if kept is not None and kept.way in policy.ways:
            return _joined(decision, kept)
        choice, paid = self._embedded(policy, encoder)
        said = _said(decision, policy, choice)
        if paid is not None:
            said = replace(said, usage=paid.usage, cost=paid.cost)
            keep(self._session, by, said)
        return _joined(decision, said)

    def _embedded(self, policy: Policy, encoder: str) -> tuple[Choice, Vectors | None]:
        """The choice by an embedding, and what that took; None where there is none, and the fallback is chosen."""
        session = self._session
        vectors: Vectors | None
        try:
            vectors = session.encode((session.ask.prompt,), self._encoder(encoder))
            choice = policy.choose(session.ask.prompt, vectors.row(0))
        except (Interrupted, ClosedPipe):
            raise
        except (SynapseError, OSError, ValueError) as error:
            why = error.message if isinstance(error, SynapseError) else str(error)
            fallback = policy.ways[policy.fallback].name
            session.warn(f"the policy wants an embedding by {encoder}, and there is none ({why}): {fallback} is taken")
            choice, vectors = policy.choose(session.ask.prompt), None
        self._choices[policy.sha256] = choice
        return choice, vectors

    def _encoder(self, wanted: str) -> Model:
        """The model that makes the vectors which the policy was learned with. Raises UsageError where none does."""
        from synapse_cli.flows.encoding import MINILM
        from synapse_cli.learned.encoder import identity

        for model in (*self._session.profile.models.values(), MINILM):
            if (model.backend in ("encoder", "litellm") or model.source == MINILM.source) and identity(model) == wanted:
                return model
        raise UsageError("no model of the profile makes such vectors", "declare that encoder, or tune again")

    def _named(self, decision: Decision, policy: Policy) -> Decision:
        """A tier that a flag names goes before the policy, and one that only the policy knows is a way of its own."""
        wanted, models = self._session.ask.tier or self._session.ask.max_tier, self._session.profile.models
        tiers = list(dict.fromkeys(tier for way in policy.ways for tier in way.tiers if tier in models))
        uses = self._session.profile.routes[decision.route].use is not None
        if wanted in tiers and (self._session.ask.tier or not uses):
            return replace(decision, way=Way((wanted,)))
        if uses:
            return decision
        raise UsageError(f"there is no tier {wanted!r} on this way", "tiers: " + ", ".join(tiers))


def read(profile: Profile, route: str, witness: Witness) -> Policy:
    """The policy of a route. Raises ProfileError for one that is missing, damaged, newer, or made for other models."""
    path = profile.routes[route].policy
    assert path is not None
    try:
        found = load(path)
    except InputError as error:
        witness.looked_for(path)
        raise _wrong(profile, route, error.message, "what synapse tune -o wrote", error.hint) from error
    witness.read(path)
    _check(profile, route, path, found)
    return found


def _check(profile: Profile, route: str, path: str, policy: Policy) -> None:
    """Raise ProfileError for a policy that names what the profile has not, or whose rules could do harm.

    A policy is data that is handed on, and nobody is asked whether it is trusted.
    """
    taken = policy.ways if policy.always is None else (policy.ways[policy.always],)
    missing = {tier for way in taken for tier in way.tiers if tier not in profile.models}
    if missing:
        names = ", ".join(map(repr, sorted(missing)))
        raise _wrong(
            profile,
            route,
            f"{path}, which asks models that the profile has not: {names}",
            "a policy of the models of this profile",
            f"declare [models.{json.dumps(min(missing))}], or run synapse tune on models that it has",
        )
    for harm in _harms(policy):
        raise _wrong(
            profile,
            route,
            f"{path}, one of whose accept rules {harm}",
            "rules that only look at answers",
            "put that rule into a cascade of the profile, and the cascade into the route's use",
        )


def _wrong(profile: Profile, route: str, found: str, expected: str, hint: str) -> ProfileError:
    return ProfileError((Problem(profile.path, f"routes.{route}.policy", found, expected, hint),))


def _harms(policy: Policy) -> Iterator[str]:
    """What the policy's rules would do that a stranger's profile may not; see `profile.trust`."""
    for rule in dict.fromkeys(rule for way in policy.ways for rule in way.accept):
        told = json.loads(rule)
        kind = str(told.get("kind", ""))
        if kind == "command" or is_plugin("checks", kind):
            yield f"runs a program ({kind})"
        for key in ("rubric", "reference"):
            if str(told.get(key, "")).startswith("@"):
                yield f"sends a file to a model ({key})"


def _said(decision: Decision, policy: Policy, choice: Choice) -> Decision:
    """The policy's part of a decision, as it is kept."""
    return Decision(
        decision.route,
        choice.why,
        decision.source,
        way=choice.way,
        policy=policy.mark(choice.way),
        score=choice.score,
    )


def _joined(decision: Decision, said: Decision) -> Decision:
    assert said.way is not None
    return replace(
        decision,
        why=f"{decision.why}; {said.way.name} by policy: {said.why}",
        way=said.way,
        policy=said.policy,
        score=said.score,
        usage=decision.usage + said.usage,
        cost=None if decision.cost is None or said.cost is None else decision.cost + said.cost,
    )

"""What does the router say of each labelled prompt, and what would simpler ones have said?"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.core.events import Listen
from synapse_cli.core.outcome import Decision
from synapse_cli.core.prompt import Json
from synapse_cli.core.vectors import Vectors
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.choosing import chooser
from synapse_cli.flows.session import Session
from synapse_cli.lab.route_eval.rows import OUT, Labelled
from synapse_cli.profile.model import Profile, Route

if TYPE_CHECKING:
    from synapse_cli.routing.router import Guess

NOWHERE = OUT
"""The default route of a table's own profile, which has no examples: where what is out of scope goes."""
Encode = Callable[[Sequence[str]], Vectors]
Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One prompt: where it belongs, where it went, and who sent it there."""

    text: str
    wanted: str
    decision: Decision
    guess: str | None
    """The likeliest route, also where the prompt was taken for out of scope; None where nothing was learned."""
    probability: float | None
    likeness: float | None
    """How much like the examples, as the last who was asked measured it; infinite where words alone were sure."""
    rejected: bool
    """Whether it was taken for out of scope."""
    cpu_s: float
    """Of deciding, without the encoder's own work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a simpler router says of the same prompts: each one's route, and how much like the examples it is."""

    name: str
    routes: tuple[str, ...]
    likeness: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that was said of the rows."""

    rows: tuple[Judged, ...]
    routes: tuple[str, ...]
    """Those that prompts can go to, beside the default."""
    default: str
    reject: float
    encoder: str | None
    beside: tuple[Beside, ...]
    facts: dict[str, Json] = field(default_factory=dict)
    """What the router says of itself: examples, held-out accuracy."""
    warnings: tuple[str, ...] = ()


def of_examples(examples: Sequence[Labelled], base: Profile, reject: float) -> Profile:
    """The profile whose routes are the labels of these rows; what is marked as out of scope teaches nothing."""
    texts: dict[str, list[str]] = {}
    for row in examples:
        if row.route != OUT:
            texts.setdefault(row.route, []).append(row.text)
    if not texts:
        raise InputError("the examples name no route", "every row says that it is out of scope")
    routes = {name: Route(name=name, examples=tuple(own)) for name, own in texts.items()}
    routes[NOWHERE] = Route(name=NOWHERE)
    settings = replace(base.routing, order=("lexical", "semantic"), judge=None, out_of_scope=reject)
    return replace(base, routes=routes, routing=settings, defaults=replace(base.defaults, route=NOWHERE), tenants={})


def measure(
    profile: Profile,
    rows: Sequence[Labelled],
    *,
    encode: Encode | None,
    encoder: str | None,
    hosts: bool,
    tell: Tell,
    listen: Listen,
) -> Measured:
    """Ask for each row's route. `encode` stands in for the encoder; without it words alone decide.

    `tell` hears how many are done, `listen` how far learning is.
    Raises UsageError where a row names a route that the profile does not have.
    """
    known = {*profile.routes, OUT}
    for row in rows:
        if row.route not in known:
            hint = f"routes: {', '.join(list(profile.routes)[:12])}; {OUT!r} marks what belongs to no route"
            raise UsageError(f"line {row.line} of the test wants {row.route!r}, which is no route", hint)
    if encode is None:
        order = tuple(kind for kind in profile.routing.order or ("rules", "lexical", "judge") if kind != "semantic")
        profile = replace(profile, routing=replace(profile.routing, order=order))
    session = Session(profile, Ask(prompt="", hosts=hosts), Witness())
    session.calls.listen = listen
    heard: list[Guess] = []
    decide = chooser(session, seen=heard.append, encode=encode)
    beside, facts = _beside(session, profile, rows, encode)  # learns the routes before anything is timed
    judged = []
    for done, row in enumerate(rows):
        tell(done)
        heard.clear()
        before = time.process_time()
        decision = decide(Ask(prompt=row.text))
        spent = time.process_time() - before
        judged.append(_judged(row, decision, heard, spent, profile.defaults.route))
    tell(len(rows))
    return Measured(
        rows=tuple(judged),
        routes=tuple(name for name in profile.routes if name != profile.defaults.route),
        default=profile.defaults.route,
        reject=profile.routing.out_of_scope,
        encoder=encoder,
        beside=beside,
        facts=facts,
        warnings=tuple(session.warnings),
    )


def _judged(row: Labelled, decision: Decision, heard: Sequence[Guess], cpu_s: float, default: str) -> Judged:
    """What was decided, and what the last router thought that learned from examples, where it was its word."""
    guess = heard[-1] if heard and decision.source in {"lexical", "semantic", "default"} else None
    is_first_word = guess is not None and guess.is_sure and guess.by == "lexical"
    return Judged(
        text=row.text,
        wanted=row.route,
        decision=decision,
        guess=decision.route if guess is None else guess.route,
        probability=decision.confidence if guess is None else guess.probability,
        likeness=None if guess is None else math.inf if is_first_word else guess.likeness,
        rejected=decision.source == "default" or (decision.source == "judge" and decision.route == default),
        cpu_s=cpu_s,
    )


def _beside(
    session: Session, profile: Profile, rows: Sequence[Labelled], encode: Encode | None
) -> tuple[tuple[Beside, ...], dict[str, Json]]:
    """Words alone, vectors and words, the nearest middle, and whatever has most examples."""
    from synapse_cli.flows.routers import Routers
    from synapse_cli.routing.examples import of_profile

    examples = of_profile(profile.routes)
    router = Routers(session, examples, wants_meaning=encode is not None, encode=encode).find()
    if router is None:
        return (), {}
    words = [router.read(row.text) for row in rows]
    found = [
        Beside(
            name="words alone",
            routes=tuple(each.route for each in words),
            likeness=tuple(each.likeness for each in words),
        )
    ]
    if router.by_meaning is not None and encode is not None:
        found += _by_vectors(router.routes, router.semantic.middles, encode([row.text for row in rows]))
    most = Counter(examples.labels).most_common(1)[0][0]
    found.append(Beside(name="always the most common", routes=(examples.routes[most],) * len(rows)))
    return tuple(found), dict(router.facts)


def _by_vectors(routes: Sequence[str], middles: Sequence[float], vectors: Vectors) -> list[Beside]:
    import numpy as np

    from synapse_cli.routing.logistic import unit_rows

    near = unit_rows(vectors) @ np.asarray(middles, dtype=np.float64).reshape(len(routes), -1).T
    return [
        Beside(
            name="nearest centroid",
            routes=tuple(routes[int(place)] for place in near.argmax(axis=1)),
            likeness=tuple(map(float, near.max(axis=1))),
        )
    ]

"""Decide which route a prompt takes: rules, words, meaning, a judge; each is asked where the one before is unsure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from synapse_cli.core.completion import NO_USAGE, Usage
from synapse_cli.core.outcome import Decision
from synapse_cli.profile.model import Route
from synapse_cli.profile.settings import Router as Kind
from synapse_cli.profile.settings import RoutingSettings
from synapse_cli.routing import rules
from synapse_cli.routing.examples import Examples, nearest, quoted
from synapse_cli.routing.question import Question
from synapse_cli.routing.router import Guess, Router

if TYPE_CHECKING:
    from synapse_cli.routing.judge import Opinion

MOST_JUDGED = 12
"""Routes that a judge chooses among: the likeliest, where there are more."""
_TOLD = 3
"""Runners-up that are told of those that examples speak for."""
_NONE_SPENT: Decimal | None = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """Those who can be asked. Each costs more than the one before, and is asked once a prompt at most."""

    examples: Examples
    router: Callable[[], Router | None]
    """What was learned of the examples; None where nothing could be."""
    vector: Callable[[str], tuple[Sequence[float], Usage, Decimal | None] | None]
    """A prompt's, of length 1, and what it took; None where there is no encoder, or it failed."""
    judge: Callable[[str, tuple[str, ...]], Opinion | None]
    """Chooses among these routes for a prompt; None where there is none, or it failed."""
    learned: Callable[[], tuple[Usage, Decimal | None]] = lambda: (NO_USAGE, Decimal(0))
    """What learning took that this decision made necessary; told once."""
    seen: Callable[[Guess], None] = lambda _: None
    """Hears what words and meaning say, sure or not."""


def order_of(settings: RoutingSettings) -> tuple[Kind, ...]:
    """Who is asked, in turn."""
    if settings.order is not None:
        return settings.order
    return ("rules", "lexical", "semantic", "judge") if settings.judge else ("rules", "lexical", "semantic")


def choose(
    routes: Mapping[str, Route],
    default: str,
    question: Question,
    *,
    named: str | None,
    order: Sequence[Kind],
    aids: Help,
) -> Decision:
    """Return the decision. Raises UsageError where a named route or task does not exist."""
    if named is not None or question.task is not None:
        return rules.choose(routes, default, question, named)
    asked = _Asked(routes, default, question, aids)
    for kind in order:
        decision = asked.ask(kind)
        if decision is not None:
            return decision
    return asked.conclude()


class _Asked:
    """One prompt on its way through those who can be asked."""

    def __init__(self, routes: Mapping[str, Route], default: str, question: Question, aids: Help) -> None:
        self._routes = routes
        self._default = default
        self._question = question
        self._help = aids
        self._ruled: Decision | None = None
        self._guess: Guess | None = None
        self._vector: Sequence[float] | None = None
        self._usage: Usage = NO_USAGE
        self._cost = _NONE_SPENT

    def ask(self, kind: Kind) -> Decision | None:
        """The decision of one who is sure; None where the next is to be asked."""
        match kind:
            case "rules":
                return self._by_rules()
            case "lexical":
                router = self._help.router()
                if router is not None:
                    self._think(router.read(self._question.prompt))
            case "semantic":
                self._understand()
            case "judge":
                return self._by_judge()
        sure = self._guess is not None and self._guess.is_sure
        return self.conclude() if sure else None

    def conclude(self) -> Decision:
        """What the last who was asked thinks, sure or not; the default where nobody thinks anything."""
        guess = self._guess
        if guess is None:
            return self._told(self._ruled or Decision(self._default, "nothing to decide by", "default"))
        if not guess.in_scope:
            example = self._nearest(guess.route)
            least = f"{example} of {guess.route}" if example else f"those of {guess.route}"
            why = f"unlike every example (nearest: {least}, {guess.probability:.2f})"
            return self._told(Decision(self._default, why, "default", None, self._others(guess, self._default)))
        why = f"{self._like(guess.route, guess.probability)}{' in meaning' if guess.by == 'semantic' else ''}"
        return self._told(Decision(guess.route, why, guess.by, guess.probability, self._others(guess, guess.route)))

    def _by_rules(self) -> Decision | None:
        decision = rules.choose(self._routes, self._default, self._question)
        if decision.source != "default":
            return self._told(decision)
        self._ruled = decision
        return None

    def _understand(self) -> None:
        router = self._help.router()
        if router is None or router.by_meaning is None:
            return
        found = self._help.vector(self._question.prompt)
        if found is not None:
            vector, usage, cost = found
            self._spend(usage, cost)
            self._vector = vector
            self._think(router.understand(self._question.prompt, vector))

    def _think(self, guess: Guess) -> None:
        self._guess = guess
        self._help.seen(guess)

    def _by_judge(self) -> Decision | None:
        guess = self._guess
        names = tuple(route for route in self._routes if route != self._default)
        if guess is not None:
            names = tuple(route for route, _ in guess.probabilities)
        opinion = self._help.judge(self._question.prompt, names[:MOST_JUDGED])
        if opinion is None:
            return None
        self._spend(opinion.usage, opinion.cost)
        if guess is not None and guess.in_scope and (opinion.confidence or 1.0) < guess.probability:
            return None  # a judge that is less sure than the examples tells nothing
        sure = "" if opinion.confidence is None else f" ({opinion.confidence:.2f})"
        others = () if guess is None else self._others(guess, opinion.route or self._default)
        if opinion.route is None:
            why = f"{opinion.model} says that it is none of the routes{sure}"
            return self._told(Decision(self._default, why, "judge", opinion.confidence, others))
        why = f"{opinion.model} says {opinion.route}{sure}"
        return self._told(Decision(opinion.route, why, "judge", opinion.confidence, others))

    def _others(self, guess: Guess, taken: str) -> tuple[tuple[str, str], ...]:
        """The likeliest of those that were not taken, each with its probability and its nearest example."""
        left = [(route, chance) for route, chance in guess.probabilities if route != taken][:_TOLD]
        return tuple((route, self._unlike(route, chance)) for route, chance in left)

    def _unlike(self, route: str, chance: float) -> str:
        """`0.04, nearest "…"`."""
        example = self._nearest(route)
        return f"{chance:.2f}" + (f", nearest {example}" if example else "")

    def _like(self, route: str, chance: float) -> str:
        """`like "…" of route (0.93)`."""
        example = self._nearest(route)
        if example is None:
            return f"like the examples of {route} ({chance:.2f})"
        return f"like {example} of {route} ({chance:.2f})"

    def _nearest(self, route: str) -> str | None:
        """The route's example that the prompt is most like, quoted: in meaning where that was asked, else by words."""
        examples, router = self._help.examples, self._help.router()
        if router is not None and self._vector is not None:
            place = router.semantic.nearest(self._vector, examples.places_of(route))
            if place is not None:
                return quoted(examples.texts[place])
        return nearest(self._question.prompt, examples.of(route))

    def _spend(self, usage: Usage, cost: Decimal | None) -> None:
        self._usage = self._usage + usage
        self._cost = None if self._cost is None or cost is None else self._cost + cost

    def _told(self, decision: Decision) -> Decision:
        """The decision with what came before it: rules that did not match, and what everybody took."""
        self._spend(*self._help.learned())
        ruled = self._ruled
        if ruled is None or ruled is decision:
            return replace(decision, usage=decision.usage + self._usage, cost=_sum(decision.cost, self._cost))
        spoken = {route for route, _ in decision.runners_up}
        silent = tuple((route, why) for route, why in ruled.runners_up if route not in spoken | {decision.route})
        return replace(
            decision,
            runners_up=(*decision.runners_up, *silent),
            usage=decision.usage + ruled.usage + self._usage,
            cost=_sum(_sum(decision.cost, ruled.cost), self._cost),
        )


def _sum(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    return None if left is None or right is None else left + right

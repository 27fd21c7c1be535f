"""Who is asked for a route, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from decimal import Decimal
from functools import cache

import pytest

from synapse_cli.core.completion import Usage
from synapse_cli.core.errors import UsageError
from synapse_cli.core.outcome import Decision
from synapse_cli.learned import file
from synapse_cli.profile.model import Route, When
from synapse_cli.profile.settings import Router as Kind
from synapse_cli.profile.settings import RoutingSettings
from synapse_cli.routing.compile import learn
from synapse_cli.routing.examples import Examples
from synapse_cli.routing.hybrid import Help, choose, order_of
from synapse_cli.routing.judge import Opinion
from synapse_cli.routing.question import Question
from synapse_cli.routing.router import Router, from_learned
from tests.routing import drawn
from tests.routing.test_router import unit_vectors

EXAMPLES = drawn.examples(3, 30)
SURE, UNSURE, STRANGE = drawn.texts("route1", 1, seed=7)[0], " ".join(drawn.vocabulary("everybody")), "qqq www xxx yyy"
ALL: tuple[Kind, ...] = ("rules", "lexical", "semantic", "judge")


@cache
def _learned() -> Router:
    learned = learn(EXAMPLES, reject=0.05, vectors=unit_vectors(EXAMPLES), encoder="test")
    return from_learned(file.from_bytes(file.to_bytes(learned), "router", "router"))


class Asked:
    """Those who can be asked, and who was."""

    def __init__(
        self,
        *,
        router: Callable[[], Router | None] = _learned,
        vector: Sequence[float] | None = None,
        opinion: Opinion | None = None,
    ) -> None:
        self.who: list[str] = []
        self.judged: list[tuple[str, ...]] = []
        self._router, self._vector, self._opinion = router, vector, opinion

    def help(self, examples: Examples = EXAMPLES) -> Help:
        return Help(examples=examples, router=self._find, vector=self._encode, judge=self._judge)

    def _find(self) -> Router | None:
        self.who.append("router")
        return self._router()

    def _encode(self, prompt: str) -> tuple[Sequence[float], Usage, Decimal | None] | None:
        self.who.append("encoder")
        return None if self._vector is None else (self._vector, Usage(3, 0), Decimal("0.001"))

    def _judge(self, prompt: str, names: tuple[str, ...]) -> Opinion | None:
        self.who.append("judge")
        self.judged.append(names)
        return self._opinion


def _decide(prompt: str, asked: Asked, *, order: tuple[Kind, ...] = ALL, named: str | None = None) -> Decision:
    routes = {name: Route(name=name, examples=EXAMPLES.of(name)) for name in EXAMPLES.routes}
    routes["ruled"] = Route(name="ruled", when=When(keywords=("magic",)))
    routes["default"] = Route(name="default")
    question = Question(prompt=prompt, count_tokens=lambda: 1, name_task=lambda _: None)
    return choose(routes, "default", question, named=named, order=order, aids=asked.help())


def test_a_rule_that_matches_asks_nobody_else() -> None:
    asked = Asked()

    decision = _decide("magic words", asked)

    assert (decision.route, decision.source, asked.who) == ("ruled", "rule", [])


def test_words_that_are_sure_ask_no_encoder() -> None:
    asked = Asked()

    decision = _decide(SURE, asked)

    assert (decision.route, decision.source, set(asked.who)) == ("route1", "lexical", {"router"})
    assert decision.confidence is not None
    assert decision.confidence > 0.5
    assert decision.why.startswith('like "')


def test_meaning_is_asked_where_words_are_unsure_and_what_it_took_is_counted() -> None:
    asked = Asked(vector=[0, 0, 1.0, 0, 0, 0, 0, 0])

    decision = _decide(UNSURE, asked)

    assert (decision.route, decision.source) == ("route2", "semantic")
    assert "judge" not in asked.who
    assert (decision.usage, decision.cost) == (Usage(3, 0), Decimal("0.001"))


def test_the_judge_is_asked_last_and_its_word_is_taken() -> None:
    asked = Asked(opinion=Opinion("route0", 0.99, "mini", Usage(50, 1), Decimal("0.01")))

    decision = _decide(UNSURE, asked)

    assert (decision.route, decision.source, decision.confidence) == ("route0", "judge", 0.99)
    assert decision.cost == Decimal("0.01")
    assert decision.why == "mini says route0 (0.99)"
    assert set(asked.judged[0]) == set(EXAMPLES.routes)


def test_a_judge_that_is_less_sure_than_the_examples_is_not_followed_and_still_costs() -> None:
    blend = _learned().by_meaning
    assert blend is not None
    never_sure = copy(_learned())
    never_sure.by_meaning = replace(blend, sure=1e9)
    opinion = Opinion("route0", 0.01, "mini", Usage(50, 1), Decimal("0.01"))
    asked = Asked(router=lambda: never_sure, vector=[0, 1.0, 0, 0, 0, 0, 0, 0], opinion=opinion)

    decision = _decide(UNSURE, asked, order=("semantic", "judge"))

    assert (decision.route, decision.source, "judge" in asked.who) == ("route1", "semantic", True)
    assert decision.cost == Decimal("0.011")


def test_what_is_unlike_every_example_goes_to_the_default_and_says_so() -> None:
    asked = Asked(vector=[0, 0, 0, 0, 0, 0, 0, 1.0])

    decision = _decide(STRANGE, asked)

    assert (decision.route, decision.source, decision.confidence) == ("default", "default", None)
    assert decision.why.startswith("unlike every example")
    assert "judge" in asked.who


def test_a_judge_may_say_that_it_is_none_of_them() -> None:
    asked = Asked(opinion=Opinion(None, 0.9, "mini"))

    decision = _decide(STRANGE, asked)

    assert (decision.route, decision.source) == ("default", "judge")


def test_without_examples_the_judge_chooses_among_all_but_the_default() -> None:
    asked = Asked(router=lambda: None, opinion=Opinion("ruled", None, "mini"))

    decision = _decide("hello", asked)

    assert decision.route == "ruled"
    assert asked.judged == [("route0", "route1", "route2", "ruled")]


def test_where_nobody_can_say_anything_it_is_the_default() -> None:
    decision = _decide("hello", Asked(router=lambda: None))

    assert (decision.route, decision.source) == ("default", "default")
    assert dict(decision.runners_up)["ruled"] == "none of the keywords magic"


def test_runners_up_say_how_likely_they_were_and_rules_why_they_did_not_match() -> None:
    decision = _decide(SURE, Asked())
    others = dict(decision.runners_up)

    assert set(others) == {"route0", "route2", "ruled"}
    assert others["ruled"] == "none of the keywords magic"
    assert float(others["route0"].split(",")[0]) < 0.5


def test_a_named_route_asks_nobody_and_one_that_is_not_there_is_an_error() -> None:
    asked = Asked()

    assert _decide(SURE, asked, named="default").source == "flag"
    assert asked.who == []
    with pytest.raises(UsageError, match="nosuch"):
        _decide(SURE, asked, named="nosuch")


def test_the_order_is_the_profiles_and_the_judge_comes_last_where_there_is_one() -> None:
    plain = RoutingSettings()

    assert order_of(plain) == ("rules", "lexical", "semantic")
    assert order_of(replace(plain, judge="mini")) == ALL
    assert order_of(replace(plain, order=("judge", "rules"))) == ("judge", "rules")


def test_a_judge_that_comes_first_is_asked_before_words() -> None:
    asked = Asked(opinion=Opinion("route2", 0.8, "mini"))

    decision = _decide(SURE, asked, order=("judge", "lexical"))

    assert (decision.route, asked.who) == ("route2", ["judge"])

"""How a model is asked for a route."""

from __future__ import annotations

from decimal import Decimal

import pytest

from synapse_cli.core.completion import Completion, Usage
from synapse_cli.routing.examples import gathered
from synapse_cli.routing.judge import NONE, opinion, request_for

EXAMPLES = gathered((f"example {number} of {route}", route) for route in ("billing", "code") for number in range(9))


def _said(text: str, *, cached: bool = False) -> Completion:
    return Completion(
        text=text, finish="stop", usage=Usage(40, 2), cost=Decimal("0.002"), confidence=0.7, cached=cached
    )


def test_it_may_only_answer_with_a_route_or_with_none() -> None:
    request = request_for("where is it?", ("billing", "code"), EXAMPLES)

    assert request.choices == ("billing", "code", NONE)
    assert request.messages[0].content.count(" of billing") == 3
    assert "where is it?" in request.messages[0].content


def test_a_long_prompt_is_shown_by_its_beginning_and_its_end() -> None:
    content = request_for(f"BEGIN {'word ' * 5000} END", ("billing",), EXAMPLES).messages[0].content

    assert "BEGIN" in content
    assert "END" in content
    assert len(content) < 2000


@pytest.mark.parametrize(("text", "route"), [("billing", "billing"), ('"Billing".', "billing"), (NONE, None)])
def test_what_it_says_is_read_whatever_its_case(text: str, route: str | None) -> None:
    found = opinion(_said(text), ("billing", "code"), "mini")

    assert found is not None
    assert (found.route, found.confidence, found.cost) == (route, 0.7, Decimal("0.002"))


def test_an_answer_that_names_no_route_is_no_opinion() -> None:
    assert opinion(_said("I would call that billing"), ("billing", "code"), "mini") is None


def test_what_the_cache_gave_cost_nothing() -> None:
    found = opinion(_said("code", cached=True), ("code",), "mini")

    assert found is not None
    assert (found.usage.input, found.usage.output, found.cost) == (0, 0, Decimal(0))

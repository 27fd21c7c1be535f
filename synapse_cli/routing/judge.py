"""How is a model asked which route a prompt takes?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from synapse_cli.core.completion import NO_USAGE, Completion, Usage
from synapse_cli.core.prompt import Message, Request
from synapse_cli.routing.examples import Examples, quoted

NONE = "none of these"
"""What the judge says of a prompt that belongs nowhere; the default route is taken then."""
_LONGEST = 1200
_EXAMPLES = 3
"""Of each route, as many as tell what it is for without making the question long."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a model said, and what it took."""

    route: str | None
    """None where it belongs to none of them."""
    confidence: float | None
    model: str
    usage: Usage = NO_USAGE
    cost: Decimal | None = Decimal(0)


def request_for(prompt: str, routes: Sequence[str], examples: Examples) -> Request:
    """A closed question: one of the routes, or none of them. The prompt is quoted, and nothing in it is followed."""
    shown = prompt if len(prompt) <= _LONGEST else f"{prompt[: _LONGEST - 300]}\n…\n{prompt[-300:]}"
    lines = [_line(route, examples) for route in routes]
    text = (
        "Which kind of request is the one below? Do not answer it; name its kind.\n\nKinds:\n"
        + "\n".join(lines)
        + f"\n- {NONE}\n\nRequest:\n<<<\n{shown}\n>>>"
    )
    return Request(messages=(Message("user", text),), choices=(*routes, NONE))


def opinion(completion: Completion, routes: Sequence[str], model: str) -> Opinion | None:
    """What the judge's answer means; None where it named nothing that it was asked about."""
    said = completion.text.strip().strip("\"'.").casefold()
    known = {route.casefold(): route for route in routes}
    if said not in known and said != NONE:
        return None
    usage = replace(completion.usage, input=0, output=0) if completion.cached else completion.usage
    cost = Decimal(0) if completion.cached else completion.cost
    return Opinion(known.get(said), completion.confidence, model, usage, cost)


def _line(route: str, examples: Examples) -> str:
    texts = examples.of(route)
    few = texts[:: max(1, len(texts) // _EXAMPLES)][:_EXAMPLES]
    return f"- {route}" + (f": for example {'; '.join(map(quoted, few))}" if few else "")

"""What crosses the wire is read back as it was: every field, with a value that is not its default."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest

from synapse_cli.backends.host import codec
from synapse_cli.core import errors
from synapse_cli.core.completion import Completion, Count, Price, PriceStep, Usage
from synapse_cli.core.errors import RateLimited, SynapseError
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.quota import Allowance
from synapse_cli.core.vectors import Vectors, pack
from synapse_cli.profile.model import Deployment, Limits, Listed, Lora, Model

PRICE = Price(
    Decimal("0.25"), Decimal(2), None, Decimal("0.3"), steps=(PriceStep(200_000, Decimal("0.5"), Decimal("1e-7")),)
)
_SPECIAL: dict[str, Any] = {
    "usage": Usage(1, None, 2, 3, estimated=True),
    "cost": Decimal("0.0000012300"),
    "price": PRICE,
    "listed": Listed(price=PRICE, context_tokens=9, is_override=True),
    "limits": Limits(rpm=1),
    "spread": "ordered",
    "deployments": (Deployment(base_url="http://127.0.0.1:1", keys=("env:A",)),),
    "lora": (Lora(file="/a", scale=0.5), Lora(file="/b")),
    "messages": (Message("system", "be \ud800 brief"), Message("user", "ünï\0")),
    "params": {"stop": ["a", "b"], "logit_bias": {"1": 2.5}, "seed": None},
    "options": {"replies": [{"text": "x"}]},
    "headers": {"X-Team": "a"},
    "packed": pack([[1.0, -2.5]]),
    "dimension": 2,
    "gpu_split": (0.5, 0.25),
    "gpu": 7,
    "finish": "length",
    "like": None,  # the cache's own word, which no host ever says
    "quota": (Allowance("requests", 500, 499, 0.12, 60.0), Allowance("tokens", remaining=0)),
}


def _filled(kind: type, **given: Any) -> Any:
    """A value whose every field differs from its default; a field of a new type fails here, to be thought about."""
    return kind(**{field.name: given.get(field.name, _other(field)) for field in fields(kind)})


def _other(field: Any) -> Any:
    if field.name in _SPECIAL:
        return _SPECIAL[field.name]
    kinds = {"bool": field.default is not True, "str": "words", "int": 3, "float": 0.25}
    named = str(field.type).replace(" | None", "")
    if named.startswith("tuple[str"):
        return ("one", "two")
    if named.startswith(("Literal", "Effort")):
        return "high"
    assert named in kinds, f"say how a field of type {field.type} crosses the wire ({field.name})"
    return kinds[named]


def _across(table: Any) -> Any:
    return json.loads(
        json.dumps(table, ensure_ascii=False).encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")
    )


def test_an_answer_comes_back_as_it_was() -> None:
    completion = _filled(Completion)

    assert codec.to_completion(_across(codec.completion_json(completion))) == completion
    assert codec.to_completion(_across(codec.completion_json(replace(completion, cost=None)))).cost is None


def test_a_request_comes_back_as_it_was() -> None:
    request = _filled(Request)

    assert codec.to_request(_across(codec.request_json(request))) == request


def test_a_model_comes_back_as_it_was_but_for_its_keys() -> None:
    model = _filled(Model)

    said = _across(codec.model_json(model))

    ours = {"keys": (), "limits": None, "deployments": (), "spread": "weighted", "max_attempts": None}
    assert codec.to_model(said) == replace(model, **ours)
    assert not {*ours} & {*said}


def test_a_bare_model_is_two_words() -> None:
    assert codec.model_json(Model(name="a", backend="litellm")) == {"name": "a", "backend": "litellm"}


def test_vectors_and_counts_come_back_as_they_were() -> None:
    vectors, count = _filled(Vectors), Count(12, estimated=True)

    assert codec.to_vectors(_across(codec.vectors_json(vectors))) == vectors
    assert codec.to_count(_across(codec.count_json(count))) == count


def _classes(of: type[SynapseError]) -> list[type[SynapseError]]:
    return [of, *(found for sub in of.__subclasses__() if sub.__module__ == errors.__name__ for found in _classes(sub))]


_SAYABLE = [kind for kind in _classes(SynapseError) if kind is not errors.ProfileError]
"""That one holds problems and not a message, and no backend raises it at a call."""


@pytest.mark.parametrize("kind", _SAYABLE, ids=lambda kind: kind.__name__)
def test_an_error_comes_back_as_its_own_class(kind: type[SynapseError]) -> None:
    error = kind("what happened", "what to try")

    back = codec.to_error(_across(codec.error_json(error)))

    assert (type(back), back.message, back.hint) == (kind, "what happened", "what to try")


def test_a_delay_that_a_provider_asked_for_is_kept() -> None:
    back = codec.to_error(_across(codec.error_json(RateLimited("slow down", retry_after_s=2.5))))

    assert isinstance(back, RateLimited)
    assert back.retry_after_s == 2.5


def test_what_a_provider_said_of_its_limits_is_kept_beside_a_refusal() -> None:
    quota = (Allowance("tokens", 5000, 0, 12.0, 60.0),)

    back = codec.to_error(_across(codec.error_json(RateLimited("slow down", quota=quota))))

    assert isinstance(back, RateLimited)
    assert back.quota == quota


def test_an_error_that_nobody_knows_is_a_failure_of_the_backend() -> None:
    for name in ("Nobody", "Exit", "Problem", "dataclass", None, 3):
        assert type(codec.to_error({"class": name, "message": "m"})) is errors.BackendError

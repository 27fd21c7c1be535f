"""How are a request, an answer, a model and an error said in JSON, and read back as they were?

Values go field by field, so that a field which is added to one of them is carried without a word here; a field
of a type that JSON lacks (a Decimal, a nested value) has its line in a table, and a test holds them complete.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any, TypeVar

from synapse_cli.core import errors
from synapse_cli.core.completion import Completion, Count, Usage
from synapse_cli.core.errors import BackendError, SynapseError
from synapse_cli.core.price_form import price_json, to_price
from synapse_cli.core.prompt import Json, Message, Request
from synapse_cli.core.quota import Allowance, Quota
from synapse_cli.core.vectors import Vectors
from synapse_cli.profile.model import Listed, Lora, Model

T = TypeVar("T")
Table = dict[str, Any]
"""A JSON object, on its way into or out of a dataclass whose own types say what is in it."""

_OURS = ("keys", "limits", "deployments", "spread", "max_attempts")
"""What of a model is the caller's business: where its keys are, how often and where it is asked."""
_EXTRA = ("retry_after_s", "problems")
"""What some errors hold beside message and hint."""


def request_json(request: Request) -> Table:
    """Say a request."""
    return {**_said(request), "messages": messages_json(request.messages)}


def messages_json(messages: Sequence[Message]) -> list[Table]:
    """Say messages."""
    return [_said(message) for message in messages]


def to_request(table: Table) -> Request:
    """Read a request back."""
    return _read(Request, table, messages=to_messages, params=dict)


def to_messages(told: list[Table]) -> tuple[Message, ...]:
    """Read messages back."""
    return tuple(_read(Message, each) for each in told)


def completion_json(completion: Completion) -> Table:
    """Say an answer; money is a text, so that no cent is lost."""
    return {**_said(completion), "usage": _said(completion.usage), "cost": _text(completion.cost)}


def to_completion(table: Table) -> Completion:
    """Read an answer back."""
    return _read(Completion, table, usage=_usage, cost=_decimal, quota=_quota)


def vectors_json(vectors: Vectors) -> Table:
    """Say vectors; their bytes in base64, a third longer than they are and far shorter than numbers."""
    packed = base64.b64encode(vectors.packed).decode()
    return {**_said(vectors), "packed": packed, "usage": _said(vectors.usage), "cost": _text(vectors.cost)}


def to_vectors(table: Table) -> Vectors:
    """Read vectors back."""
    return _read(Vectors, table, packed=base64.b64decode, usage=_usage, cost=_decimal, quota=_quota)


def count_json(count: Count) -> Table:
    """Say a count of tokens."""
    return _said(count)


def to_count(table: Table) -> Count:
    """Read a count back."""
    return _read(Count, table)


def model_json(model: Model) -> Table:
    """Say a model: what differs from one of which nothing is declared. What is shared out among calls stays here."""
    bare = Model(name=model.name, backend=model.backend)
    table = {name: value for name, value in _said(model).items() if value != getattr(bare, name)}
    table.update(name=model.name, backend=model.backend)
    for name in _OURS:
        table.pop(name, None)
    if model.price is not None:
        table["price"] = price_json(model.price)
    if model.listed is not None:
        table["listed"] = _listed_json(model.listed)
    if model.lora:
        table["lora"] = [_said(each) for each in model.lora]
    return table


def to_model(table: Table) -> Model:
    """Read a model back."""
    return _read(
        Model,
        table,
        price=to_price,
        listed=_listed,
        lora=lambda told: tuple(Lora(**each) for each in told),
        params=dict,
        options=dict,
    )


def error_json(error: SynapseError) -> Table:
    """Say an error."""
    extra = {name: getattr(error, name) for name in _EXTRA[:1] if hasattr(error, name)}
    if isinstance(error, errors.Unavailable) and error.quota:
        extra["quota"] = error.quota
    known = next(base for base in type(error).__mro__ if base.__module__ == errors.__name__)
    return {"class": known.__name__, "message": error.message, "hint": error.hint, **extra}


def to_error(table: Table) -> SynapseError:
    """Read an error back; one whose class takes other arguments, or is not known here, comes as a BackendError."""
    found = getattr(errors, str(table.get("class")), None)
    message, hint = str(table.get("message")), str(table.get("hint") or "")
    if not isinstance(found, type) or not issubclass(found, SynapseError) or issubclass(found, errors.ProfileError):
        return BackendError(message, hint)
    extra = {name: table[name] for name in _EXTRA if name in table and issubclass(found, errors.Unavailable)}
    if "quota" in table and issubclass(found, errors.Unavailable):
        extra["quota"] = _quota(table["quota"])
    return found(message, hint, **extra)


def _said(value: Any) -> Table:  # any dataclass
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _read(kind: Callable[..., T], table: Mapping[str, Any], **special: Callable[[Any], Any]) -> T:
    """Build a value from its fields: lists become tuples, but where `special` knows better."""
    return kind(**{name: special.get(name, _frozen)(value) for name, value in table.items()})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _usage(told: Table) -> Usage:
    return Usage(**told)


def _quota(told: list[list[Any]]) -> Quota:
    return tuple(Allowance(*each) for each in told)


def _listed_json(listed: Listed) -> Table:
    return {**_said(listed), "price": None if listed.price is None else price_json(listed.price)}


def _listed(told: Table) -> Listed:
    price = told["price"]
    return Listed(**{**told, "price": None if price is None else to_price(price)})


def _decimal(told: Json) -> Decimal | None:
    return None if told is None else Decimal(str(told))


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)

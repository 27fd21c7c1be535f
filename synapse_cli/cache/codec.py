"""Kept values as JSON bytes and back. Whatever does not read back exactly is nothing: a miss, never a guess."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Literal, NamedTuple, TypeVar

from synapse_cli.cache.key import FORMAT
from synapse_cli.core.completion import Completion, Usage
from synapse_cli.core.outcome import Decision
from synapse_cli.core.prompt import Json
from synapse_cli.core.verdict import Verdict
from synapse_cli.core.way import PolicyMark, Way

Kind = Literal["answer", "verdicts", "decision"]
T = TypeVar("T")

_NOT_KEPT = ("cache_key", "cached", "like", "kept_at", "keepable", "quota")
"""Fields of a Completion that say how it was come by, not what it is."""
_PROOF = 16
"""Bytes of a record's proof."""
_SPENT = ("usage", "cost")
"""Of a Decision or a Verdict: what it took then; from the cache it takes nothing."""


class Record(NamedTuple):
    """One kept value with its label (the model's name) and the instants of its life."""

    kind: Kind
    label: str
    kept_at: float
    expires_at: float | None
    value: Json


def pack(name: str, record: Record) -> bytes:
    """Write a record, with a proof that it is whole and of this name.

    Raises ValueError where JSON cannot say it (a confidence of NaN).
    """
    whole = {"format": FORMAT, **record._asdict()}
    body = json.dumps(whole, separators=(",", ":"), allow_nan=False).encode("ascii")
    return _proof(name, body) + body


def unpack(name: str, data: bytes) -> Record | None:
    """Read a record, or None where it is not one of this format, name and content.

    The cache does not wait for the disk when it writes, so a power cut may leave anything behind.
    """
    proof, body = data[:_PROOF], data[_PROOF:]
    if proof != _proof(name, body):
        return None
    try:
        whole = json.loads(body)
        return Record(**whole) if whole.pop("format") == FORMAT else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def from_completion(completion: Completion) -> Json:
    """Say a completion in JSON; money is a text, so that no cent is lost."""
    value = asdict(completion)
    for name in _NOT_KEPT:
        del value[name]
    value["cost"] = None if completion.cost is None else str(completion.cost)
    return value


def to_completion(value: Json) -> Completion | None:
    """Read a completion back."""

    def build(table: dict[str, Json]) -> Completion:
        _exactly(Completion, table, besides=_NOT_KEPT)
        cost = table["cost"]
        return Completion(
            **{
                **table,
                "usage": _usage(table["usage"]),
                "cost": None if cost is None else Decimal(_text(cost)),
                "text": _text(table["text"]),
                "tool_calls": _texts(table["tool_calls"]),
                "warnings": _texts(table["warnings"]),
            }  # type: ignore[arg-type]  # the remaining fields are numbers or None, written by this very module
        )

    return _attempt(build, value)


def from_verdicts(verdicts: tuple[Verdict, ...]) -> Json:
    """Say verdicts in JSON."""
    return [_unspent(verdict) for verdict in verdicts]


def to_verdicts(value: Json) -> tuple[Verdict, ...] | None:
    """Read verdicts back."""
    if not isinstance(value, list):
        return None
    verdicts = [_attempt(lambda table: Verdict(**_exactly(Verdict, table, _SPENT)), item) for item in value]  # type: ignore[arg-type]  # as above
    return tuple(v for v in verdicts if v is not None) if None not in verdicts else None


def from_decision(decision: Decision) -> Json:
    """Say a routing decision in JSON."""
    return _unspent(decision)


def to_decision(value: Json) -> Decision | None:
    """Read a routing decision back."""

    def build(table: dict[str, Json]) -> Decision:
        runners = table["runners_up"]
        if not isinstance(runners, list):
            raise TypeError("runners_up")
        pairs = tuple((_text(pair[0]), _text(pair[1])) for pair in map(_texts, runners))
        told = _exactly(Decision, table, _SPENT)
        way, policy = _way(table["way"]), _policy(table["policy"])
        return Decision(**{**told, "runners_up": pairs, "way": way, "policy": policy})  # type: ignore[arg-type]  # as above

    return _attempt(build, value)


def _unspent(value: Decision | Verdict) -> dict[str, Json]:
    told: dict[str, Json] = asdict(value)
    for name in _SPENT:
        del told[name]
    return told


def _way(value: Json) -> Way | None:
    if not isinstance(value, dict):
        return None
    told = _exactly(Way, value)
    return Way(_texts(told["tiers"]), _texts(told["accept"]))


def _policy(value: Json) -> PolicyMark | None:
    return PolicyMark(**_exactly(PolicyMark, value)) if isinstance(value, dict) else None  # type: ignore[arg-type]  # as above


def _proof(name: str, body: bytes) -> bytes:
    return hashlib.blake2b(name.encode() + b"\0" + body, digest_size=_PROOF).digest()


def _attempt(build: Callable[[dict[str, Json]], T], value: Json) -> T | None:
    try:
        return build(value) if isinstance(value, dict) else None
    except (TypeError, ValueError, KeyError, IndexError, ArithmeticError):
        return None


def _exactly(kind: type, table: dict[str, Json], besides: tuple[str, ...] = ()) -> dict[str, Json]:
    """The table, if its keys are the fields of `kind`; a field more or less is another version's record."""
    if set(table) != {field.name for field in fields(kind)} - set(besides):
        raise KeyError(kind.__name__)
    return table


def _usage(value: Json) -> Usage:
    if not isinstance(value, dict):
        raise TypeError("usage")
    return Usage(**_exactly(Usage, {"written": 0, **value}))  # type: ignore[arg-type]  # as above


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return value


def _texts(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("texts")
    return tuple(_text(item) for item in value)

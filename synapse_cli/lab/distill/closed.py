"""From which closed sets do a route's answers come: its labels, or the fields of a small object?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from synapse_cli.backends.closed_labels import given_labels
from synapse_cli.core.errors import UsageError
from synapse_cli.core.fold import fold
from synapse_cli.core.prompt import Json, Request
from synapse_cli.learned.student import ABSENT, Head

_MOST_VALUES = 1000
_LEAST_REPEATED = 0.5
"""Share of the answers that others gave too: below it they are free texts, and no closed set."""
_HINT = "give the labels with --choices a,b,c, or the route a schema whose fields are enumerations"


@dataclass(frozen=True)
class Closed:
    """The closed sets of a route's answers."""

    heads: tuple[Head, ...]

    def places_of(self, answer: Json) -> tuple[int, ...] | None:
        """The place of an answer in each set; None for one that is outside of them."""
        if self.heads[0].field is None:
            place = self._folded.get(fold(_label(answer)))
            return None if place is None else (place,)
        told = _object(answer)
        if told is None or set(told) - {head.field for head in self.heads}:
            return None
        found = [_place(head.values, told.get(str(head.field), ABSENT)) for head in self.heads]
        return None if None in found else tuple(place for place in found if place is not None)

    def only_seen(self, places: Iterable[Sequence[int]]) -> Closed:
        """The same sets without the values that nobody ever answered."""
        seen = [set(each) for each in zip(*places, strict=True)]
        return Closed(
            tuple(
                Head(head.field, tuple(value for place, value in enumerate(head.values) if place in own))
                for head, own in zip(self.heads, seen, strict=True)
            )
        )

    @cached_property
    def _folded(self) -> dict[str, int]:
        return {fold(_label(value)): place for place, value in enumerate(self.heads[0].values)}


def closed_sets(request: Request, allowed: Sequence[str], answers: Sequence[Json]) -> Closed:
    """The sets that a request names, or an accept rule allows, or else that the answers make up. Raises UsageError."""
    labels = given_labels(request) or tuple(allowed)
    if labels:
        return Closed((Head(None, tuple(labels)),))
    if request.schema is not None:
        return Closed(_fields(json.loads(request.schema)))
    return Closed((Head(None, _labels_of(answers)),))


def _fields(schema: Json) -> tuple[Head, ...]:
    fields = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(schema, dict) or not isinstance(fields, dict) or not fields:
        raise UsageError("the route's schema is neither an enumeration nor an object of fields", _HINT)
    required = schema.get("required")
    return tuple(
        Head(name, (*_values(name, each), *(() if isinstance(required, list) and name in required else (ABSENT,))))
        for name, each in fields.items()
    )


def _values(name: str, field: Json) -> tuple[Json, ...]:
    told: Mapping[str, Json] = field if isinstance(field, dict) else {}
    values = told.get("enum")
    if "const" in told:
        return (told["const"],)
    if isinstance(values, list) and values and not any(isinstance(value, list | dict) for value in values):
        return tuple(values)
    if told.get("type") == "boolean":
        return (True, False)
    raise UsageError(f"the field {name!r} of the route's schema is no closed set", _HINT)


def _labels_of(answers: Sequence[Json]) -> tuple[str, ...]:
    """The labels that these answers are, each in its commonest spelling, sorted."""
    spelled: dict[str, dict[str, int]] = {}
    for answer in answers:
        if isinstance(answer, dict):
            raise UsageError("the answers are objects, and the route has no schema that says what of", _HINT)
        label = _label(answer)
        ways = spelled.setdefault(fold(label), {})
        ways[label] = ways.get(label, 0) + 1
    once = sum(sum(ways.values()) == 1 for ways in spelled.values())
    if len(spelled) > _MOST_VALUES or once > (1 - _LEAST_REPEATED) * len(answers):
        what = f"the answers come from no closed set: {len(spelled):,} different ones in {len(answers):,}"
        raise UsageError(what, _HINT)
    return tuple(sorted(min(ways, key=lambda way: (-ways[way], way)) for ways in spelled.values()))


def _label(answer: Json) -> str:
    """A label, of which models make a JSON text where a schema asks for it."""
    if not isinstance(answer, str):
        return json.dumps(answer, ensure_ascii=False)
    return answer.strip()


def _object(answer: Json) -> dict[str, Json] | None:
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except (ValueError, RecursionError):
            return None
    return answer if isinstance(answer, dict) else None


def _place(values: Sequence[Json], value: Json) -> int | None:
    return next((at for at, each in enumerate(values) if each == value and type(each) is type(value)), None)

"""Which way does a policy choose for a prompt, and what does it promise? Read from one file, decided without numpy.

A policy knows a few ways (models, and cascades with their accept rules), what each costs on average, and how likely
each answers a prompt well. It takes the way of the highest value, chance less price times cost, if that exceeds the
value of its fallback by the threshold; when it does not know, it takes the fallback. Price and threshold are what
`synapse tune` chose and tested; a policy without a predictor always takes one way.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, get_args

from synapse_cli.core.errors import InputError
from synapse_cli.core.prompt import Json
from synapse_cli.core.way import PolicyMark, Way
from synapse_cli.learned import file, predictor
from synapse_cli.learned.file import Learned
from synapse_cli.learned.predictor import Predictor
from synapse_cli.learned.promise import Data, Histogram, Measured, Promise, Target, dollars


class Choice(NamedTuple):
    """The way taken for one prompt, and why."""

    way: Way
    number: int
    """Its place among the policy's ways."""
    score: float | None
    """The chance of a good answer that is expected of it; None where the policy always takes it."""
    why: str
    against: tuple[tuple[Way, str], ...]
    """Every other way, and why not."""
    scores: tuple[float, ...] = ()
    """The expected chance of each way; empty where nothing was predicted."""
    abstained: bool = False
    """Whether the fallback was taken because the policy did not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Ways from cheap to dear, and how to choose among them."""

    ways: tuple[Way, ...]
    baseline: str
    """The model that losses and savings are measured against."""
    fallback: int
    """The way that is taken in doubt."""
    always: int | None
    """The way that is always taken; None where the predictor chooses."""
    costs: tuple[float, ...]
    """Mean dollars a request of each way, all calls of a cascade; for comparing, never a bill."""
    scores: tuple[float, ...]
    """Mean score of each way."""
    predictor: Predictor | None
    threshold: float
    """By how much a way's value must exceed the fallback's."""
    price: float
    """Points of chance that the cost of the dearest way is worth."""
    doubt_limit: float
    promise: Promise
    data: Data
    measured: Measured
    summary: Mapping[str, Histogram] = field(default_factory=dict)
    """`doubt`, `score` (expected of the way taken), `length` (of the prompt, in characters)."""
    sha256: str = ""

    @property
    def encoder(self) -> str | None:
        """Identity of the encoder whose vectors `choose` wants; None where the words are enough."""
        return None if self.predictor is None or self.always is not None else self.predictor.encoder

    @property
    def certified(self) -> bool:
        """Whether what it promises was proved."""
        return self.promise.certified

    def mark(self, way: Way, *, explored: bool = False) -> PolicyMark:
        """What decisions and records say of it."""
        return PolicyMark(
            sha256=self.sha256,
            way=way.name,
            certified=self.certified,
            promise=self.promise.line,
            explored=explored,
        )

    def choose(self, prompt: str, vector: Sequence[float] | None = None) -> Choice:
        """The way for this prompt. Without the vector that it wants, the fallback."""
        if self.always is not None or self.predictor is None:
            return self._fixed(self.fallback if self.always is None else self.always, "the policy always takes it")
        if self.predictor.encoder is not None and vector is None:
            return self._fixed(self.fallback, "the prompt has no embedding, which the policy wants", abstained=True)
        look = self.predictor.look(prompt, vector)
        if look.doubt > self.doubt_limit:
            return self._fixed(self.fallback, "the prompt is unlike those that the policy knows", abstained=True)
        return self._valued(look.chances)

    def values(self, chances: Sequence[float]) -> list[float]:
        """What each way is worth: its chance, less what its cost is worth."""
        dearest = max(self.costs) or 1.0
        return [chance - self.price * cost / dearest for chance, cost in zip(chances, self.costs, strict=True)]

    def _valued(self, chances: tuple[float, ...]) -> Choice:
        values = self.values(chances)
        best = max(range(len(values)), key=lambda number: (values[number], -self.costs[number], -number))
        taken = best if values[best] - values[self.fallback] >= self.threshold else self.fallback
        return Choice(
            way=self.ways[taken],
            number=taken,
            score=chances[taken],
            why=self._told(taken, chances) + ("" if taken == best else ", as no cheaper way is surely good enough"),
            against=tuple(
                (way, self._told(number, chances) + self._lack(number, taken, values))
                for number, way in enumerate(self.ways)
                if number != taken
            ),
            scores=chances,
        )

    def _lack(self, number: int, taken: int, values: Sequence[float]) -> str:
        if values[number] > values[taken]:
            return f", worth {values[number] - values[taken]:.3f} more, which is less than {self.threshold:.3f}"
        return f", worth {values[taken] - values[number]:.3f} less"

    def _told(self, number: int, chances: Sequence[float]) -> str:
        return f"good with a chance of {chances[number]:.2f} for about {dollars(self.costs[number])}"

    def _fixed(self, number: int, why: str, *, abstained: bool = False) -> Choice:
        return Choice(
            way=self.ways[number],
            number=number,
            score=None,
            why=why,
            against=tuple((way, why) for place, way in enumerate(self.ways) if place != number),
            abstained=abstained,
        )


def load(path: str) -> Policy:
    """Read a policy; files that its rules name are looked for beside it. Raises InputError for what is none."""
    return from_learned(file.read(path, "policy"), path)


def from_learned(found: Learned, path: str) -> Policy:
    """Make the policy of what was read; `path` is for messages and for files beside it. Raises InputError."""
    try:
        policy = _policy(found, os.path.dirname(os.path.abspath(path)))
        _refuse_nonsense(policy)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        what = f"the policy {os.path.basename(path)} cannot be used: it holds nothing that this version knows"
        raise InputError(what, "make it anew with synapse tune -o FILE") from error
    return policy


def save(path: str, policy: Policy) -> str:
    """Write a policy whole or not at all; return its proof. Raises OSError."""
    return file.write(path, to_learned(policy))


def to_learned(policy: Policy) -> Learned:
    """The policy as it is kept."""
    about: dict[str, Json] = {
        "ways": [
            {"tiers": list(way.tiers), "accept": [json.loads(rule) for rule in way.accept]} for way in policy.ways
        ],
        "baseline": policy.baseline,
        "fallback": policy.fallback,
        "always": policy.always,
        "costs": list(policy.costs),
        "scores": list(policy.scores),
        "threshold": policy.threshold,
        "price": policy.price,
        "doubt_limit": policy.doubt_limit,
        "promise": _fields(policy.promise),
        "data": _fields(policy.data),
        "measured": _fields(policy.measured),
        "summary": {name: _fields(each) for name, each in policy.summary.items()},
        "predictor": None if policy.predictor is None else policy.predictor.about(),
    }
    tensors = {} if policy.predictor is None else policy.predictor.tensors("predictor.")
    return Learned(kind="policy", about=about, tensors=tensors)


def _policy(found: Learned, folder: str) -> Policy:
    about = found.about
    told = about["predictor"]
    return Policy(
        ways=tuple(_way(each, folder) for each in _list(about["ways"])),
        baseline=str(about["baseline"]),
        fallback=_whole(about["fallback"]),
        always=None if about["always"] is None else _whole(about["always"]),
        costs=_numbers(about["costs"]),
        scores=_numbers(about["scores"]),
        predictor=None if told is None else predictor.from_file(_table(told), found.tensors, "predictor."),
        threshold=_number(about["threshold"]),
        price=_number(about["price"]),
        doubt_limit=_number(about["doubt_limit"]),
        promise=_promise(_table(about["promise"])),
        data=_data(_table(about["data"])),
        measured=_measured(_table(about["measured"])),
        summary={name: _histogram(_table(each)) for name, each in _table(about["summary"]).items()},
        sha256=found.sha256,
    )


def _refuse_nonsense(policy: Policy) -> None:
    many = len(policy.ways)
    if not many or not many == len(policy.costs) == len(policy.scores) == len(policy.measured.shares):
        raise ValueError("as many costs and scores as ways")
    if not 0 <= policy.fallback < many or not (policy.always is None or 0 <= policy.always < many):
        raise ValueError("a way that is not there")
    if policy.predictor is None and policy.always is None:
        raise ValueError("nothing to choose by")
    if policy.predictor is not None and policy.predictor.ways != many:
        raise ValueError("a predictor of other ways")


def _way_told(way: Way) -> Json:
    return {"tiers": list(way.tiers), "accept": [json.loads(rule) for rule in way.accept]}


def _way(told: Json, folder: str) -> Way:
    table = _table(told)
    tiers = tuple(str(tier) for tier in _list(table["tiers"]))
    if not tiers:
        raise ValueError("a way without tiers")
    return Way(tiers, tuple(_rule(_table(rule), folder) for rule in _list(table["accept"])))


def _rule(rule: dict[str, Json], folder: str) -> str:
    """A rule as a canonical text; a file beside the policy is named by its whole path."""
    named = rule.get("file")
    if isinstance(named, str) and not os.path.isabs(named):
        rule = rule | {"file": os.path.join(folder, named)}
    return canonical(rule)


def canonical(rule: Mapping[str, Json]) -> str:
    """An accept rule as a text of which equal rules have equal ones."""
    return json.dumps(rule, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _promise(told: dict[str, Json]) -> Promise:
    target = told["target"]
    if target not in get_args(Target):
        raise ValueError("another target")
    return Promise(
        target=target,  # type: ignore[arg-type]  # one of them, as was just asked
        limit=_number(told["limit"]),
        confidence=_number(told["confidence"]),
        certified=told["certified"] is True,
        bound=None if told["bound"] is None else _number(told["bound"]),
        method=str(told["method"]),
        baseline=str(told["baseline"]),
    )


def _data(told: dict[str, Json]) -> Data:
    return Data(
        sha256=str(told["sha256"]),
        rows=_whole(told["rows"]),
        fitted=_whole(told["fitted"]),
        tested=_whole(told["tested"]),
        made=str(told["made"]),
        version=str(told["version"]),
    )


def _measured(told: dict[str, Json]) -> Measured:
    return Measured(
        score=_number(told["score"]),
        cost=_number(told["cost"]),
        baseline_score=_number(told["baseline_score"]),
        baseline_cost=_number(told["baseline_cost"]),
        shares=_numbers(told["shares"]),
    )


def _histogram(told: dict[str, Json]) -> Histogram:
    return Histogram(_numbers(told["edges"]), _numbers(told["shares"]))


def _fields(value: Promise | Data | Measured | Histogram) -> dict[str, Json]:
    return {name: list(each) if isinstance(each, tuple) else each for name, each in value._asdict().items()}


def _table(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError("a table was expected")
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError("a list was expected")
    return value


def _numbers(value: Json) -> tuple[float, ...]:
    return tuple(_number(each) for each in _list(value))


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a number was expected")
    return float(value)


def _whole(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("a whole number was expected")
    return value

"""A backend around a backend: asked once, and never for what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from synapse_cli.cache.cached import Cached
from synapse_cli.cache.key import request_key
from synapse_cli.cache.memory import Memory
from synapse_cli.core.completion import FREE, Completion, Count, Facts, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import CacheMiss, ClosedPipe, CutStream, SynapseError
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message, Request

HELLO = Request(messages=(Message("user", "hello"),))
OTHER = Request(messages=(Message("user", "bye"),))
ANSWER = Completion(
    text="an answer", finish="stop", usage=Usage(5, 2), cost=Decimal("0.01"), confidence=0.9, latency_s=3.0
)


class Model:
    """Answers by counting; fails where it is told to."""

    def __init__(self, *answers: Completion | SynapseError) -> None:
        self.answers = list(answers)
        self.made = 0
        self.asked = 0

    def make(self) -> Model:
        self.made += 1
        return self

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, SynapseError):
            raise answer
        if emit is not None:
            for word in answer.text.partition(" "):
                emit(word)
        return answer

    def facts(self) -> Facts:
        return Facts(is_local=True, provider="test", price=FREE)

    def count(self, messages: Sequence[Message]) -> Count:
        return Count(len(messages), estimated=False)


def _cached(model: Model, store: Memory, **settings: object) -> Cached:
    return Cached(model.make, lambda request: request_key("m", request, {}), store, **settings)  # type: ignore[arg-type]


def test_a_hit_touches_no_backend() -> None:
    store, first, second = Memory(), Model(ANSWER), Model()
    fresh = _cached(first, store).complete(HELLO, Control())

    kept = _cached(second, store).complete(HELLO, Control())

    assert (first.asked, second.made) == (1, 0)
    assert (kept.text, kept.cost, kept.usage, kept.confidence) == ("an answer", Decimal("0.01"), Usage(5, 2), 0.9)
    assert (fresh.cached, kept.cached) == (False, True)
    assert fresh.cache_key == kept.cache_key == request_key("m", HELLO, {})
    assert (kept.latency_s, kept.first_latency_s) == (0.0, None)


def test_another_request_is_asked() -> None:
    store, model = Memory(), Model(ANSWER, replace(ANSWER, text="bye"))
    cached = _cached(model, store)

    texts = [cached.complete(request, Control()).text for request in (HELLO, OTHER, HELLO, OTHER)]

    assert texts == ["an answer", "bye", "an answer", "bye"]
    assert model.asked == 2


def test_refresh_asks_and_keeps_the_new_answer() -> None:
    store, model = Memory(), Model(ANSWER, replace(ANSWER, text="newer"))
    _cached(model, store).complete(HELLO, Control())

    assert _cached(model, store, mode="refresh").complete(HELLO, Control()).text == "newer"
    assert _cached(model, store).complete(HELLO, Control()).text == "newer"
    assert model.asked == 2


def test_only_from_the_cache_is_a_miss_and_not_a_call() -> None:
    store, model = Memory(), Model(ANSWER)

    with pytest.raises(CacheMiss):
        _cached(model, store, mode="only").complete(HELLO, Control())
    assert model.made == 0

    _cached(model, store).complete(HELLO, Control())
    assert _cached(Model(), store, mode="only").complete(HELLO, Control()).cached


def test_an_error_is_never_kept() -> None:
    store, model = Memory(), Model(CutStream("cut"), ANSWER)
    cached = _cached(model, store)

    with pytest.raises(CutStream):
        cached.complete(HELLO, Control())
    assert list(store.entries()) == []

    assert not cached.complete(HELLO, Control()).cached


def test_an_answer_that_a_budget_shortened_is_not_kept() -> None:
    store, model = Memory(), Model(replace(ANSWER, keepable=False), ANSWER)
    cached = _cached(model, store)

    assert cached.complete(HELLO, Control()).cache_key is None
    assert not cached.complete(HELLO, Control()).cached
    assert model.asked == 2


def test_pieces_are_handed_out_fresh_and_whole_from_the_cache() -> None:
    store, model = Memory(), Model(ANSWER)
    cached = _cached(model, store)
    pieces: list[str] = []
    kept_pieces: list[str] = []

    cached.complete(HELLO, Control(), pieces.append)
    cached.complete(HELLO, Control(), kept_pieces.append)

    assert (pieces, kept_pieces) == (["an", " ", "answer"], ["an answer"])


def test_a_reader_that_went_away_ends_a_hit_as_it_ends_a_call() -> None:
    store = Memory()
    _cached(Model(ANSWER), store).complete(HELLO, Control())

    def gone(piece: str) -> None:
        raise ClosedPipe(piece)

    with pytest.raises(ClosedPipe):
        _cached(Model(), store).complete(HELLO, Control(), gone)


def test_an_old_answer_is_asked_again() -> None:
    at = [1000.0]
    store, model = Memory(lambda: at[0]), Model(ANSWER, replace(ANSWER, text="newer"))
    cached = _cached(model, store, ttl_s=60)
    cached.complete(HELLO, Control())

    at[0] += 60

    assert cached.complete(HELLO, Control()).text == "newer"


def test_a_model_file_that_cannot_be_read_is_left_to_its_backend() -> None:
    store, model = Memory(), Model(ANSWER)

    def key_of(request: Request) -> str:
        raise FileNotFoundError(request)

    answer = Cached(model.make, key_of, store).complete(HELLO, Control())

    assert answer.cache_key is None
    assert list(store.entries()) == []


def test_facts_are_told_without_the_backend_where_somebody_knows_them() -> None:
    model = Model()
    told = Facts(is_local=False, provider="told", price=None)

    assert _cached(model, Memory(), facts=lambda: told).facts() == told
    assert model.made == 0
    assert _cached(model, Memory()).facts().provider == "test"
    assert _cached(model, Memory()).count(HELLO.messages) == Count(1, estimated=False)

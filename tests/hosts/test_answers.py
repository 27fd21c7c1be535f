"""A model in a host is the model: the same answers, pieces, counts and errors, from a process that stays warm."""

from __future__ import annotations

import time

import pytest

from synapse_cli.backends.llamacpp import LlamaCpp
from synapse_cli.core.control import Control
from synapse_cli.core.errors import ClosedPipe, Interrupted, ModelMissing, RateLimited, TimedOut
from synapse_cli.core.prompt import Message
from synapse_cli.profile.model import Model
from tests.hosts.home import NANO, Home, asks, says

MOOD = asks("Is this positive or negative? I love it.", choices=("positive", "negative"))


def test_a_hosted_model_answers_as_it_does_here(home: Home) -> None:
    here = LlamaCpp(NANO).complete(MOOD, Control())

    hosted = home.hosted(NANO).complete(MOOD, Control())

    assert (hosted.text, hosted.finish, hosted.usage, hosted.cost) == (here.text, here.finish, here.usage, here.cost)
    assert hosted.confidence == pytest.approx(here.confidence, abs=1e-5)
    assert home.warnings == []


def test_the_second_request_finds_the_same_host(home: Home) -> None:
    model = home.hosted(NANO)
    model.complete(MOOD, Control())
    first = home.pid()

    model.complete(MOOD, Control())

    status = home.status()
    assert status is not None
    assert (status["pid"], status["served"]) == (first, 2)


def test_pieces_come_one_by_one_and_make_the_text(home: Home) -> None:
    pieces: list[str] = []

    said = home.hosted(says("one", "two", "thr\N{LATIN SMALL LETTER E WITH ACUTE}e")).complete(
        asks(), Control(), pieces.append
    )

    assert pieces == ["one", " two", " thr\N{LATIN SMALL LETTER E WITH ACUTE}e"]
    assert said.text == "".join(pieces)


def test_tokens_are_counted_by_the_host(home: Home) -> None:
    messages = [Message("user", "one two three")]

    assert home.hosted(NANO).count(messages) == LlamaCpp(NANO).count(messages)


def test_an_error_comes_back_as_itself(home: Home) -> None:
    missing = Model(name="gone", backend="llama.cpp", source=f"file:{home.root}/gone.gguf")

    with pytest.raises(ModelMissing, match=r"gone\.gguf"):
        home.hosted(missing).complete(asks(), Control())
    with pytest.raises(RateLimited):
        home.hosted(says("", error="rate_limited")).complete(asks(), Control())


def test_a_call_that_was_stopped_before_it_began_starts_no_host(home: Home) -> None:
    control = Control()
    control.stop()

    with pytest.raises(Interrupted):
        home.hosted(NANO).complete(asks(), control)

    assert home.processes() == []


def test_the_deadline_ends_a_call_also_where_the_host_does_the_work(home: Home) -> None:
    slow = home.hosted(says("at", "last", latency_s=600.0))

    with pytest.raises(TimedOut):
        slow.complete(asks(), Control(time.monotonic() + 1.0))

    home.until(lambda: (home.status() or {}).get("active") == [])


def test_a_reader_that_goes_away_ends_the_call_with_its_own_error(home: Home) -> None:
    def leave(piece: str) -> None:
        raise ClosedPipe(piece)

    with pytest.raises(ClosedPipe):
        home.hosted(says("one", "two")).complete(asks(), Control(), leave)

    assert home.hosted(says("three")).complete(asks(), Control()).text == "three"


def test_settings_of_a_model_are_its_own(home: Home) -> None:
    assert home.hosted(says("one")).complete(asks(), Control()).text == "one"
    assert home.hosted(says("two")).complete(asks(), Control()).text == "two"

"""Limits and keys where it counts: through LiteLLM, through hosts, and in whole runs against loopback providers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from synapse_cli.cascade.lanes import LaneStanding, lanes
from synapse_cli.cascade.pace_file import PaceFile
from synapse_cli.core.control import Control
from synapse_cli.core.errors import KeyMissing, RateLimited
from synapse_cli.core.events import Event, Waiting
from synapse_cli.core.ports import Backend
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.quota import Allowance
from synapse_cli.core.run import Run
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.encoding import open_encoder
from synapse_cli.flows.session import Session
from synapse_cli.flows.step import step
from synapse_cli.profile.load import load
from synapse_cli.profile.model import Limits, Model, Profile
from tests.hosted.site import Site, open_site
from tests.servers.base import Reply, Seen

HEADERS: dict[str, tuple[tuple[str, str], ...]] = {
    "openai": (
        ("x-ratelimit-limit-requests", "500"),
        ("x-ratelimit-remaining-requests", "499"),
        ("x-ratelimit-reset-requests", "120ms"),
    ),
    "anthropic": (
        ("anthropic-ratelimit-requests-limit", "500"),
        ("anthropic-ratelimit-requests-remaining", "499"),
    ),
    "gemini": (),
}
QUESTION = Request(messages=(Message("user", "q"),))


@pytest.fixture(scope="module", params=sorted(HEADERS))
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with open_site(request.param) as opened:
        yield opened


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_provider_says_of_its_limits_comes_with_its_answer(site: Site, *, stream: bool) -> None:
    completion = site.ask(Reply(headers=HEADERS[site.name]), stream=stream)

    told = [(each.unit, each.limit, each.remaining, each.window_s) for each in completion.quota]
    assert told == ([("requests", 500, 499, 60.0)] if HEADERS[site.name] else [])


def test_a_refusal_brings_limits_and_delay(site: Site) -> None:
    error = site.fail(Reply(status=429, retry_after="7", headers=HEADERS[site.name]))

    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 7.0
    assert [each.limit for each in error.quota] == ([500] if HEADERS[site.name] else [])


class Place:
    """A home of its own, a profile, and runs in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.heard: list[Event] = []
        self.warm: dict[str, Backend] = {}

    def profile(self, text: str) -> Profile:
        """A profile of this text."""
        path = self.folder / "profile.toml"
        path.write_text("schema = 1\n[cache]\nenabled = false\n" + text, encoding="utf-8")
        return load(str(path), cwd=str(self.folder), env=os.environ, witness=Witness())

    def run(self, profile: Profile, prompt: str = "hello") -> Run:
        """One run, as a process of its own would make it, but for LiteLLM which is loaded."""
        session = Session(profile, Ask(prompt=prompt, hosts=False), Witness(), warm=self.warm)
        return step(session, self.heard.append)

    @property
    def lanes(self) -> list[LaneStanding]:
        """What all processes know of the keys."""
        pace = PaceFile(self.state, warn=lambda _: None)
        try:
            return lanes(pace)
        finally:
            pace.close()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in ("config", "cache", "state"):
        monkeypatch.setenv(f"SYNAPSE_{name.upper()}_DIR", str(tmp_path / name))
    for name in ("GOOD", "BAD", "WORSE"):
        monkeypatch.setenv(name, f"sk-{name.lower()}")
    return Place(tmp_path)


@pytest.fixture(scope="module")
def openai() -> Iterator[Site]:
    with open_site("openai") as opened:
        yield opened


KEYS = """
[models.m]
backend = "litellm"
model = "openai/gpt-4o-mini"
base_url = "{url}/v1"
keys = [{keys}]
spread = "ordered"
[routes.default]
use = "m"
"""


def _keys(site: Site, *names: str) -> str:
    return KEYS.format(url=site.server.url, keys=", ".join(f'"env:{name}"' for name in names))


def _only_good(seen: Seen) -> Reply:
    return Reply(text="hello") if seen.key == "sk-good" else Reply(status=401, message="bad key {key}")


def test_a_rejected_key_is_said_and_the_next_one_answers_within_the_call(place: Place, openai: Site) -> None:
    openai.server.will(Reply())
    openai.server.choose = _only_good
    profile = place.profile(_keys(openai, "BAD", "GOOD"))

    first, second = place.run(profile), place.run(profile)

    assert first.outcome.accepted
    assert second.outcome.accepted
    assert [seen.key for seen in openai.server.seen] == ["sk-bad", "sk-good", "sk-good"]
    assert len(first.outcome.attempts) == 1
    (warning,) = first.warnings
    assert warning.startswith("env:BAD was rejected and is set aside: ")
    assert "sk-bad" not in warning
    assert second.warnings == ()


def test_where_all_keys_are_bad_the_run_is_refused(place: Place, openai: Site) -> None:
    openai.server.will(Reply())
    openai.server.choose = _only_good
    profile = place.profile(_keys(openai, "BAD", "WORSE"))

    run = place.run(profile)

    assert run.outcome.error is not None
    assert run.outcome.error.exit_code == 77
    assert "env:BAD" in run.outcome.error.message
    assert "env:WORSE" in run.outcome.error.message
    assert len(openai.server.seen) == 2


def test_one_bad_key_alone_is_asked_with_each_time(place: Place, openai: Site) -> None:
    """There is nothing else to ask with, and it may have been mended."""
    openai.server.will(Reply())
    openai.server.choose = _only_good
    profile = place.profile(_keys(openai, "BAD"))

    runs = [place.run(profile) for _ in range(2)]

    assert [run.outcome.error.exit_code for run in runs if run.outcome.error] == [77, 77]
    assert [run.warnings for run in runs] == [(), ()]


DEPLOYED = """
[models.m]
backend = "litellm"
model = "openai/gpt-4o-mini"
base_url = "{one}/v1"
keys = ["env:GOOD"]
[[models.m.deployments]]
base_url = "{other}/v1"
model = "openai/gpt-4o-mini-2024"
weight = 3
[routes.default]
use = "m"
"""


def test_calls_are_divided_among_places_by_weight(place: Place, openai: Site) -> None:
    with open_site("openai") as other:
        for each in (openai, other):
            each.server.will(Reply())
        profile = place.profile(DEPLOYED.format(one=openai.server.url, other=other.server.url))

        for _ in range(8):
            assert place.run(profile).outcome.accepted

        assert len(openai.server.seen) == 2
        assert {seen.body["model"] for seen in other.server.seen} == {"gpt-4o-mini-2024"}
        assert {seen.key for seen in other.server.seen} == {"sk-good"}


def test_a_place_that_says_429_is_followed_by_the_other_within_the_call(place: Place, openai: Site) -> None:
    with open_site("openai") as other:
        openai.server.will(Reply(status=429, retry_after="9"))
        other.server.will(Reply(text="from the other"))
        text = DEPLOYED.format(one=openai.server.url, other=other.server.url)
        profile = place.profile(text.replace("weight = 3", "weight = 0.1"))

        first, second = place.run(profile), place.run(profile)

        assert (len(openai.server.seen), len(other.server.seen)) == (1, 2), "then all hold, as it asked"
        assert first.outcome.best is not None
        assert second.outcome.best is not None
        assert first.outcome.best.text == second.outcome.best.text == "from the other"


def test_a_limit_of_the_profile_is_held_and_a_long_wait_is_75(place: Place, openai: Site) -> None:
    openai.server.will(Reply(headers=HEADERS["openai"], tokens=(11, 7)))
    text = KEYS.replace("spread =", "limits = {{ rpm = 2, max_wait = '5s' }}\nspread =")
    profile = place.profile(text.format(url=openai.server.url, keys='"env:GOOD"'))

    runs = [place.run(profile) for _ in range(3)]

    assert [run.outcome.accepted for run in runs] == [True, True, False]
    assert runs[2].outcome.error is not None
    assert runs[2].outcome.error.exit_code == 75
    assert "2 requests a minute are used" in runs[2].outcome.error.message
    assert len(openai.server.seen) == 2
    (lane,) = place.lanes
    assert (lane.key, lane.requests, lane.tokens) == ("env:GOOD", 2, 36)
    assert [told.limit for told in lane.told] == [500]


def test_a_wait_is_told_to_whoever_watches(place: Place, openai: Site) -> None:
    openai.server.will(Reply(status=429, retry_after="1"), Reply(text="hello"))
    profile = place.profile(_keys(openai, "GOOD"))

    run = place.run(profile)

    assert run.outcome.accepted
    assert [event.tier for event in place.heard if isinstance(event, Waiting)] != []


def test_texts_are_turned_into_vectors_under_the_same_limits(place: Place, openai: Site) -> None:
    openai.server.will(Reply(headers=HEADERS["openai"]))
    openai.server.choose = lambda seen: _only_good(seen) if seen.key != "sk-good" else Reply(headers=HEADERS["openai"])
    profile = place.profile(_keys(openai, "BAD", "GOOD"))
    warned: list[str] = []
    model = Model(
        name="e",
        backend="litellm",
        model="openai/text-embedding-3-small",
        base_url=f"{openai.server.url}/v1",
        keys=("env:BAD", "env:GOOD"),
        spread="ordered",
        limits=Limits(rpm=5),
    )

    vectors = open_encoder(model, profile, warn=warned.append, hosts=False).encode(["a", "b"], Control())

    assert len(vectors) == 2
    assert vectors.quota == (Allowance("requests", 500, 499, 0.12, 60.0),)
    assert vectors.cost is None or vectors.cost < Decimal(1)
    assert [line[:36] for line in warned] == ["env:BAD was rejected and is set aside"[:36]]
    assert sorted((lane.key, lane.requests) for lane in place.lanes) == [("env:BAD", 1), ("env:GOOD", 1)]


def test_a_model_has_a_key_where_any_of_its_places_has_one(place: Place, openai: Site) -> None:
    """What `explain`, `doctor` and `models list` ask; a place of its own without a key is left out."""
    text = DEPLOYED.replace('base_url = "{one}/v1"\nkeys = ["env:GOOD"]', 'base_url = "https://nowhere.invalid/v1"')
    with_one = place.profile(text.replace("weight = 3", 'keys = ["env:UNSET", "env:GOOD"]').format(other="https://a.b"))
    with_none = place.profile(text.replace("weight = 3", 'keys = ["env:UNSET"]').format(other="https://a.b"))

    Session(with_one, Ask(prompt=""), Witness()).check_keys(with_one.models["m"])
    with pytest.raises(KeyMissing, match="UNSET"):
        Session(with_none, Ask(prompt=""), Witness()).check_keys(with_none.models["m"])


def test_a_command_that_holds_a_key_is_named_without_its_arguments(place: Place, openai: Site) -> None:
    openai.server.will(Reply())
    openai.server.choose = _only_good
    profile = place.profile(_keys(openai, "X").replace('"env:X"', '"cmd:echo sk-canary-9Fq", "cmd:echo sk-good"'))

    run = place.run(profile)

    assert run.outcome.accepted
    (warning,) = run.warnings
    assert warning.startswith("cmd:echo#")
    assert "canary" not in warning
    kept = b"".join(path.read_bytes() for path in place.state.rglob("*") if path.is_file())
    assert b"cmd:echo#" in kept
    assert b"canary" not in kept

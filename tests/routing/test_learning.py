"""How learning is told, and ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from synapse_cli.core.errors import Interrupted
from synapse_cli.core.events import Event, Learning
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.session import Session
from synapse_cli.profile.model import Profile, Route
from synapse_cli.profile.settings import RoutingSettings
from synapse_cli.report.event import event_json
from synapse_cli.report.summary import narrate
from tests.routing import drawn


def test_a_script_hears_each_step_and_a_person_hears_once_what_is_learned() -> None:
    steps = [Learning("learning the routes", done, 3) for done in range(4)]

    assert [event_json(step)["done"] for step in steps] == [0, 1, 2, 3]
    assert [narrate(step) for step in steps] == ["learning the routes: 3", None, None, None]


def test_a_run_stops_learning_where_it_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNAPSE_CACHE_DIR", str(tmp_path))
    routes = {name: Route(name=name, examples=tuple(drawn.texts(name, 8))) for name in ("a", "b")}
    profile = Profile(
        name="p",
        path="",
        hash="",
        models={},
        routes={**routes, "default": Route(name="default")},
        cascades={},
        templates={},
        routing=RoutingSettings(order=("lexical",)),
    )
    session = Session(profile, Ask(prompt="hello", log=False), Witness())
    heard: list[Event] = []

    def stop_early(event: Event) -> None:
        heard.append(event)
        session.control.stop()

    session.calls.listen = stop_early

    with pytest.raises(Interrupted):
        session.choose()

    assert len(heard) == 1
    assert not (tmp_path / "routers").exists()

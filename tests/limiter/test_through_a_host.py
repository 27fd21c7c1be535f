"""What a provider says reaches the shared file also where a host asked it, and the next process keeps to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from synapse_cli.cascade.lanes import lanes
from synapse_cli.cascade.pace_file import PaceFile
from tests.e2e.machine import Machine
from tests.hosted.site import Site, open_site
from tests.hosts.conftest import machine_with_hosts, short_folder
from tests.limiter.test_hosted import HEADERS, KEYS
from tests.servers.base import Reply


@pytest.fixture
def site() -> Iterator[Site]:
    with open_site("openai") as opened:
        yield opened


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with short_folder() as runtime, machine_with_hosts(tmp_path / "machine", runtime) as made:
        made.env["GOOD"] = "sk-good"
        yield made


def test_limits_and_refusals_cross_the_host(machine: Machine, site: Site) -> None:
    machine.use("schema = 1\n" + KEYS.format(url=site.server.url, keys='"env:GOOD"'))
    site.server.will(Reply(headers=HEADERS["openai"]), Reply(status=429, retry_after="3600"))

    answered = machine.synapse("run", "one")
    refused = machine.synapse("run", "two")
    held = machine.synapse("run", "three")

    assert (answered.code, refused.code, held.code) == (0, 75, 75)
    assert len(site.server.seen) == 2, "the third one was not even sent"
    assert "the provider asked to wait" in held.err
    pace = PaceFile(machine.state, warn=lambda _: None)
    (lane,) = lanes(pace)
    pace.close()
    assert [(told.limit, told.remaining) for told in lane.told] == [(500, 499)]
    assert 3000 < lane.held_s <= 3600

"""Hosted models live in a host of their own: LiteLLM is loaded once, keys go with each call and stay nowhere."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.machine import SYNAPSE, Machine
from tests.hosted.site import CANARY, Site, open_site
from tests.hosts.home import Home
from tests.servers.base import Reply

PROFILE = """schema = 1
[models.mini]
backend = "litellm"
model = "openai/gpt-4o-mini"
base_url = "{url}/v1"
keys = ["env:MY_KEY"]
price = {{ input = 1.0, output = 2.0 }}
[routes.default]
use = "mini"
"""
ASK = ("run", "--no-cache", "What is the capital of Peru?")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with open_site("openai") as opened:
        yield opened


@pytest.fixture
def hosted(shared: Machine, site: Site) -> Machine:
    """The host is the one of the tests before, unless one of them ended it."""
    shared.use(PROFILE.format(url=site.server.url))
    shared.env["MY_KEY"] = CANARY
    site.server.seen.clear()
    return shared


def test_calls_share_one_host_and_their_keys_are_nowhere_on_disk(hosted: Machine, site: Site) -> None:
    site.server.will(Reply(text="Lima"), Reply(text="Lima, still"), Reply(status=401, message="bad key {key}"))

    first = hosted.synapse(*ASK, "--json")
    second = hosted.synapse(*ASK, "--stream", env={"MY_KEY": CANARY + "-other"})
    refused = hosted.synapse(*ASK)

    assert (first.json["answer"], first.json["cost_usd"], second.out) == ("Lima", "0.000025", b"Lima, still\n")
    assert refused.code == 77
    assert [seen.key for seen in site.server.seen] == [CANARY, CANARY + "-other", CANARY]
    home = Home.of(hosted)
    status = home.status("litellm")
    assert status is not None
    assert [call["outcome"] for call in status["past"]][-3:] == ["answered", "answered", "KeyRejected"]
    assert len(home.processes()) == 2
    for pid in home.processes():
        for what in ("cmdline", "environ"):
            assert CANARY.encode() not in Path(f"/proc/{pid}/{what}").read_bytes()
    assert _files_with(CANARY.encode(), hosted.root, Path(home.place("litellm").folder)) == []
    limits = Path(f"/proc/{home.pid('litellm')}/limits").read_text(encoding="utf-8")
    assert re.search(r"Max core file size\s+0\s+0", limits)


def _files_with(what: bytes, *folders: Path) -> list[Path]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if what in path.read_bytes()]


def test_another_proxy_is_another_host(hosted: Machine, site: Site) -> None:
    site.server.will(Reply(text="Lima"))

    done = hosted.synapse(*ASK, env={"HTTPS_PROXY": "http://127.0.0.1:10"})

    assert done.out == b"Lima\n"
    names = [row["name"] for row in hosted.synapse("hosts", "list", "--json").json]
    assert len(names) == len(set(names)) == 2
    assert all(name.startswith("litellm-") for name in names)


def test_a_key_that_is_missing_is_said_without_a_host(machine: Machine, site: Site) -> None:
    machine.use(PROFILE.format(url=site.server.url))

    done = machine.synapse(*ASK)

    assert done.code == 77
    assert "MY_KEY" in done.err
    assert Home.of(machine).processes() == []


def test_ctrl_c_ends_a_hosted_call_and_the_host_lives_on(hosted: Machine, site: Site) -> None:
    site.server.will(Reply(fault="hang"), Reply(text="Lima"))
    home = Home.of(hosted)
    process = subprocess.Popen([SYNAPSE, *ASK], env=hosted.env, cwd=hosted.work, stdin=subprocess.DEVNULL)
    home.until(lambda: site.server.seen, "it was never asked")

    process.send_signal(2)

    assert process.wait(60) == 130
    home.until(lambda: (home.status("litellm") or {}).get("active") == [], "it waits for nobody")
    assert hosted.synapse(*ASK).out == b"Lima\n"


def test_a_host_that_dies_lets_the_cascade_climb(hosted: Machine, site: Site) -> None:
    hosted.use(
        PROFILE.format(url=site.server.url)
        + '[models.last]\nbackend = "scripted"\nreplies = [{ text = "from the tier above" }]\n'
        + '[cascades.both]\ntiers = ["mini", "last"]\n[routes.climbing]\nuse = "both"\n'
    )
    site.server.will(Reply(text="a b c d e f", pause_s=30.0))
    home = Home.of(hosted)
    process = subprocess.Popen(
        [SYNAPSE, *ASK, "-r", "climbing", "--json", "--stream"],
        env=hosted.env,
        cwd=hosted.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    home.until(lambda: site.server.seen, "it was never asked")

    os.kill(home.pid("litellm"), 11)

    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"from the tier above" in out
    assert b"the host of hosted models died (signal 11) while" in out


def test_a_host_that_somebody_kills_costs_a_line_and_no_answer(hosted: Machine, site: Site) -> None:
    site.server.will(Reply(text="never heard", delay_s=60.0), Reply(text="Lima"))
    home = Home.of(hosted)
    process = subprocess.Popen(
        [SYNAPSE, *ASK],
        env=hosted.env,
        cwd=hosted.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    home.until(lambda: site.server.seen, "it was never asked")

    os.kill(home.pid("litellm"), 9)

    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, "Lima\n"), err
    assert (
        err == "synapse: warning: the host of hosted models was killed (signal 9): mini runs in this process instead\n"
    )

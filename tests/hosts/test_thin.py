"""The caller stays thin: whatever takes time to load is loaded in the host, and only there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.machine import Machine
from tests.hosted.site import CANARY, Site, open_site
from tests.hosts.home import Home
from tests.servers.base import Reply

HEAVY = {
    "typer",
    "click",
    "rich",
    "pydantic",
    "numpy",
    "litellm",
    "llama_cpp",
    "tiktoken",
    "openai",
    "multiprocessing",
    "pathlib",
}
_COUNT = """
import json, os, sys
sys.argv = ["synapse", *json.loads(os.environ["ARGV"])]
import synapse_cli.__main__ as program
def leave(code):
    with open(os.environ["MODULES"], "w") as out:
        out.write(json.dumps([code, sorted(sys.modules)]))
    os._exit(code)
program._leave = leave
program.main()
"""
MINI = """schema = 1
[models.mini]
backend = "litellm"
model = "openai/gpt-4o-mini"
base_url = "{url}/v1"
keys = ["env:MY_KEY"]
[routes.default]
use = "mini"
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with open_site("openai") as opened:
        yield opened


def _modules(machine: Machine, *arguments: str) -> set[str]:
    """What a command line had imported at its end."""
    out = machine.root / "modules.json"
    env = {"MODULES": str(out), "ARGV": json.dumps(arguments)}
    machine.process(["python", "-c", _COUNT], env=env)
    code, modules = json.loads(out.read_text(encoding="utf-8"))
    assert code == 0
    return set(modules)


def _own_backends(modules: set[str]) -> set[str]:
    return {
        name
        for name in modules
        if name.startswith("synapse_cli.backends.") and not name.startswith("synapse_cli.backends.host")
    }


def test_a_warm_local_run_loads_neither_typer_nor_an_engine(machine: Machine) -> None:
    ask = ("run", "-m", "nano", "--no-cache", "--choices", "positive,negative", "Which mood? I love it.")
    machine.synapse(*ask)

    modules = _modules(machine, *ask)

    assert not {name.partition(".")[0] for name in modules} & HEAVY
    assert _own_backends(modules) == set()
    assert len(modules) <= 224
    assert (Home.of(machine).status() or {})["served"] == 2


def test_a_warm_hosted_run_loads_no_provider(machine: Machine, site: Site) -> None:
    machine.use(MINI.format(url=site.server.url))
    machine.env["MY_KEY"] = CANARY
    site.server.will(Reply(text="Lima"), Reply(text="Lima"))
    machine.synapse("run", "--no-cache", "Capital of Peru?")

    modules = _modules(machine, "run", "--no-cache", "Capital of Peru?")

    assert not {name.partition(".")[0] for name in modules} & HEAVY
    assert _own_backends(modules) == set()


def test_tokens_of_a_hosted_model_are_counted_without_starting_a_host(machine: Machine, site: Site) -> None:
    machine.use(MINI.format(url=site.server.url))
    machine.env["MY_KEY"] = CANARY

    done = machine.synapse("explain", "Capital of Peru?", "--json")

    assert done.json["tiers"][0]["tier"] == "mini"
    assert Home.of(machine).processes() == []


def test_a_relative_folder_of_ours_means_the_same_in_a_host(machine: Machine) -> None:
    machine.env.update(SYNAPSE_STATE_DIR="my-state", SYNAPSE_CACHE_DIR="my-cache")
    folder = machine.work / "deep"
    folder.mkdir()

    done = machine.synapse("run", "-m", "nano", "--choices", "yes,no", "Is it?", cwd=folder)

    assert done.code == 0
    environments = [Path(f"/proc/{pid}/environ").read_bytes() for pid in Home.of(machine).processes()]
    assert all(f"SYNAPSE_STATE_DIR={folder}/my-state\0".encode() in found for found in environments)

"""What the memo answers is told too, at the memo's price."""

from __future__ import annotations

import json
import sys

from tests.e2e.machine import Machine
from tests.telemetry.collector import Collector, attributes
from tests.telemetry.profiles import CASCADE, PROMPT, to
from tests.telemetry.senders import until, until_sent
from tests.telemetry.test_file import read


def _remember(machine: Machine) -> None:
    """Ask until the memo keeps it: the first run compiles the profile, which the second sees."""
    for _ in range(2):
        machine.synapse("run", PROMPT)


def _modules_of_a_hit(machine: Machine) -> set[str]:
    """What a process that prints the memo has loaded at its end."""
    code = (
        "import json, os, sys\n"
        f"sys.argv = ['synapse', 'run', {PROMPT!r}]\n"
        "import synapse_cli.__main__ as program\n"
        "program._leave = lambda code: print(json.dumps(sorted(sys.modules)))\n"
        "program.main()\n"
    )
    said = machine.process([sys.executable, "-c", code]).out.splitlines()
    assert said[0] == b"a good answer"
    assert machine.runs[-1] == (0, "memo")
    return set(json.loads(said[1]))


def _runs(machine: Machine) -> list[str]:
    return [run for (run,) in machine.ledger("SELECT id FROM runs ORDER BY rowid")]


def test_a_memo_hit_is_told_under_the_ledger_s_own_id(machine: Machine) -> None:
    path = machine.work / "runs.jsonl"
    machine.use(to(file=str(path)))
    _remember(machine)
    path.unlink()

    done = machine.synapse("run", PROMPT)

    *before, last = _runs(machine)
    (root,) = read(path).spans
    told = attributes(root)
    assert (done.out, done.err) == (b"a good answer\n", "")
    assert machine.runs[-1] == (0, "memo")
    assert told["synapse.run.id"] == last
    assert told["synapse.memo.of"] in before
    assert (told["synapse.cached"], told["synapse.cost_usd"], told["synapse.tier"]) == (True, 0.0, "big")
    assert {name: len(points) for name, points in read(path).points.items()} == {
        "synapse.runs": 1,
        "gen_ai.workflow.duration": 1,
        "synapse.cost": 1,
        "synapse.saved": 1,
    }


def test_a_memo_hit_is_sent_too(machine: Machine, collector: Collector) -> None:
    machine.use(to(endpoint=collector.url))

    _remember(machine)
    machine.synapse("run", PROMPT)
    until(lambda: len(collector.roots) == 3, "all runs")

    assert machine.runs[-1] == (0, "memo")


def test_headers_are_kept_in_no_memo(machine: Machine, collector: Collector) -> None:
    machine.use(to(endpoint=collector.url) + 'headers = { authorization = "Bearer telemetry-0123456789" }\n')

    _remember(machine)
    machine.synapse("run", PROMPT)
    until_sent(machine.state)

    assert len(collector.roots) == 3
    assert "memo" not in {source for _, source in machine.runs}
    profiles = {machine.config, machine.cache / "profiles"}  # where it stands, and its compiled form
    written = [path for path in machine.home.rglob("*") if path.is_file() and not profiles & set(path.parents)]
    assert [path for path in written if b"telemetry-0123456789" in path.read_bytes()] == []


def test_a_hit_that_nobody_wants_to_hear_of_loads_nothing_of_it(machine: Machine) -> None:
    machine.use(CASCADE)
    _remember(machine)

    assert [name for name in _modules_of_a_hit(machine) if "telemetry" in name] == []


def test_a_hit_that_is_told_loads_nothing_dear(machine: Machine) -> None:
    path = machine.work / "runs.jsonl"
    machine.use(to(file=str(path)))
    _remember(machine)
    path.unlink()

    modules = _modules_of_a_hit(machine)

    assert len(read(path).roots) == 1
    assert {"typing", "dataclasses", "decimal", "synapse_cli.core.run", "synapse_cli.profile.model"} & modules == set()

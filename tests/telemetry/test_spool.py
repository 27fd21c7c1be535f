"""What waits to be sent is bounded, sent by one process at a time, and lost by none that dies."""

from __future__ import annotations

import os
import signal
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from synapse_cli.core.exclusive import is_held
from synapse_cli.core.ids import new_run_id
from synapse_cli.profile.settings import TelemetrySettings
from synapse_cli.telemetry import spool as spools
from synapse_cli.telemetry import start
from synapse_cli.telemetry.sender import send
from synapse_cli.telemetry.settings import Target, target
from tests.e2e.machine import Machine
from tests.telemetry.collector import BlackHole, Collector
from tests.telemetry.profiles import PROMPT, to
from tests.telemetry.senders import end_senders, until, until_sending, until_sent

AT = 1_800_000_000.0


@pytest.fixture
def way() -> Target:
    found = target(TelemetrySettings(endpoint="http://127.0.0.1:9"), {})
    assert found is not None
    return found


def _id(number: int) -> str:
    return new_run_id(AT + number, number.to_bytes(7, "big"))


def test_files_are_private(tmp_path: Path, way: Target) -> None:
    spool = spools.spool_of(way, str(tmp_path / "state"), {})

    spools.put(spool, way, _id(0), b"{}\n")

    paths = [*(tmp_path / "state").rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {0o700}


def test_beyond_the_bound_the_oldest_runs_go_and_are_counted(tmp_path: Path, way: Target) -> None:
    spool = spools.spool_of(way, str(tmp_path), {})

    for number in range(spools.MOST_FILES + 3):
        spools.put(spool, way, _id(number), b"{}\n")

    kept = [entry.name for entry in spools.waiting(spool)]
    assert kept == [f"{_id(number)}.jsonl" for number in range(3, spools.MOST_FILES + 3)]
    assert os.path.getsize(spool.dropped) == 3


def test_so_do_the_oldest_bytes_but_never_the_run_itself(tmp_path: Path, way: Target) -> None:
    spool = spools.spool_of(way, str(tmp_path), {})

    for number in range(3):
        spools.put(spool, way, _id(number), b"x" * (spools.MOST_BYTES // 2))
    spools.put(spool, way, _id(3), b"x" * (spools.MOST_BYTES + 1))

    assert [entry.name for entry in spools.waiting(spool)] == [f"{_id(3)}.jsonl"]


def test_a_spool_that_nothing_waits_in_is_sent_without_loading_the_sdk(tmp_path: Path) -> None:
    assert send(spools.Spool(str(tmp_path))) is None
    assert spools.failure(spools.Spool(str(tmp_path))) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"since": 1}', '{"since": "x", "last": 1, "why": "", "is_told": true}']
)
def test_a_broken_note_of_a_failure_is_none(tmp_path: Path, text: str) -> None:
    spool = spools.Spool(str(tmp_path))
    Path(spool.trouble).write_text(text)

    assert spools.failure(spool) is None


def test_eight_runs_at_once_arrive_once_each(machine: Machine, collector: Collector) -> None:
    machine.use(to(endpoint=collector.url))

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda number: machine.synapse("run", f"{PROMPT} {number}"), range(8)))
    until_sent(machine.state)

    assert {each.code for each in done} == {0}
    assert len(collector.roots) == len({span.trace_id for span in collector.roots}) == 8
    assert sum(point.as_int for point in collector.points["synapse.runs"]) == 8


def test_a_sender_that_is_killed_loses_nothing(machine: Machine) -> None:
    with BlackHole() as hole:
        machine.use(to(endpoint=hole.url))
        machine.synapse("run", PROMPT)
        until_sending(machine.state)
        end_senders(machine.state, signal.SIGKILL)

    with Collector(hole.port) as collector:
        machine.synapse("run", f"{PROMPT} again")
        until_sent(machine.state)

    assert len(collector.roots) == 2


def test_a_sender_holds_no_pipe_of_whoever_started_it(machine: Machine) -> None:
    with BlackHole() as hole:
        machine.use(to(endpoint=hole.url))

        machine.shell(f"synapse run '{PROMPT}' 3>&1 >/dev/null | cat")

        assert is_held(str(until_sending(machine.state)))  # it is there, and `cat` has ended


def test_a_sender_knows_no_key_of_a_provider(machine: Machine) -> None:
    with BlackHole() as hole:
        machine.use(to(endpoint=hole.url))
        env = {"OPENAI_API_KEY": "sk-openai-0123456789", "HF_TOKEN": "hf-0123456789", "OTEL_SERVICE_NAME": "mine"}
        machine.synapse("run", PROMPT, env=env)

        pid = until_sending(machine.state).read_text()
        around = Path(f"/proc/{pid}/environ").read_bytes()
        end_senders(machine.state)

    assert b"0123456789" not in around
    assert b"OTEL_SERVICE_NAME=mine" in around


def test_a_process_of_many_runs_gathers_no_zombies(tmp_path: Path, way: Target) -> None:
    spool = spools.spool_of(way, str(tmp_path), {})
    spools.put(spool, way, _id(0), b"")

    for _ in range(3):
        start.start(spool, way, os.environ)
        until(lambda: not is_held(spool.lock), "the end of the sender")
    until(lambda: start._reap() is None and not start._started, "the end of all senders")  # type: ignore[func-returns-value]


def test_an_unwritable_state_folder_costs_a_warning_and_no_answer(machine: Machine, collector: Collector) -> None:
    machine.use(to(endpoint=collector.url))
    machine.state.mkdir(parents=True)
    (machine.state / "telemetry").write_text("not a folder")

    done = machine.synapse("run", PROMPT)

    assert (done.code, done.out) == (0, b"a good answer\n")
    assert [line for line in done.lines if "telemetry cannot be handed to its sender" in line] == done.lines
    assert len(done.lines) == 1

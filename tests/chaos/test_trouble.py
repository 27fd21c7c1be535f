"""Whatever is wrong with the machine, the answer arrives on stdout, and what could not be kept is said in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.trouble import (
    ALONE,
    ANSWER,
    DAMAGES,
    NEEDS_ROOT,
    PAID,
    SILENT,
    TELEMETRY,
    Bent,
    Trouble,
    damage,
    databases,
    locked_ledger,
    run,
)
from tests.e2e.machine import SYNAPSE, Machine

PATIENCE_S = 20.0
"""What hangs on a lock or a collector takes longer than this; a run does not, on the busiest machine."""
NOBODY = 65534


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that has been in use."""
    made = Machine(tmp_path)
    made.use(PAID)
    run(made, Bent(), "run", "before the trouble")
    return made


def answers(machine: Machine, bent: Bent, *, times: int = 3) -> list[list[str]]:
    """Ask a few times; every answer arrives. What each run said."""
    said = []
    for number in range(times):
        ended = run(machine, bent, "run", f"prompt {number}")
        assert (ended.code, ended.out) == (0, ANSWER), ended
        assert ended.wall_s < PATIENCE_S, ended
        assert all(line.startswith("synapse: warning: ") for line in ended.lines), ended
        said.append(ended.lines)
    return said


def skip_unless_possible(trouble: Trouble) -> None:
    if trouble in NEEDS_ROOT and os.getuid() != 0:
        pytest.skip("only root can make this")


@pytest.mark.parametrize("name", ALONE)
def test_what_cannot_be_kept_costs_one_line_and_no_answer(machine: Machine, name: str) -> None:
    skip_unless_possible(ALONE[name])

    with ALONE[name](machine) as bent:
        said = answers(machine, bent)

    assert [len(lines) for lines in said] == [1, 1, 1], said


@pytest.mark.parametrize("name", [name for name in ALONE if name != "files for folders"])
def test_all_is_well_again_when_the_trouble_is_over(machine: Machine, name: str) -> None:
    skip_unless_possible(ALONE[name])
    with ALONE[name](machine) as bent:
        answers(machine, bent, times=1)

    assert answers(machine, Bent(), times=2) == [[], []]
    assert machine.ledger("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("name", SILENT)
def test_what_is_not_missed_is_not_spoken_of(machine: Machine, name: str) -> None:
    with SILENT[name](machine) as bent:
        assert answers(machine, bent, times=2) == [[], []]


@pytest.mark.parametrize("name", TELEMETRY)
def test_telemetry_that_goes_nowhere_keeps_nobody_waiting(machine: Machine, name: str) -> None:
    with TELEMETRY[name](machine) as bent:
        said = answers(machine, bent, times=3)

    assert all(len(lines) <= 1 for lines in said), said


@pytest.mark.parametrize("how", DAMAGES if os.environ.get("SYNAPSE_FULL") else ["header", "truncated", "folder"])
def test_a_damaged_file_costs_at_most_one_line_and_is_mended_or_left_alone(machine: Machine, how: str) -> None:
    files = databases(machine)
    assert len(files) >= 3

    for path in files:
        damage(path, how)
        said = answers(machine, Bent(), times=2)
        assert all(len(lines) <= 1 for lines in said), (path, said)
        shutil.rmtree(machine.cache)
        shutil.rmtree(machine.state)
        assert answers(machine, Bent(), times=1) == [[]]


@pytest.mark.parametrize("how", ["header", "middle", "truncated", "text", "empty"])
def test_of_all_files_damaged_at_once_one_line_tells_and_once_that_the_ledger_was_moved(
    machine: Machine, how: str
) -> None:
    for path in databases(machine):
        damage(path, how)

    first, *later = answers(machine, Bent(), times=3)

    assert all(len(lines) <= 1 for lines in later), later
    assert len([line for line in first if "damaged" not in line]) <= 1, first
    assert len(first) <= 2, first


def test_a_ledger_that_another_program_holds_locked_is_waited_for_once(machine: Machine) -> None:
    with locked_ledger(machine) as bent:
        said = answers(machine, bent, times=1)

    assert len(said[0]) == 1, said
    assert answers(machine, Bent(), times=1) == [[]]


@pytest.fixture
def open_machine() -> Iterator[Machine]:
    """A machine whose folders another user may look into."""
    with tempfile.TemporaryDirectory(prefix="synapse-open-") as folder:
        Path(folder).chmod(0o755)
        made = Machine(Path(folder))
        made.use(PAID)
        run(made, Bent(), "run", "before the trouble")
        for path in made.home.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield made


def become_nobody() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_in_this_home_gets_an_answer_and_one_line(open_machine: Machine) -> None:
    try:
        subprocess.run([SYNAPSE, "--version"], preexec_fn=become_nobody, cwd="/", check=True, capture_output=True)
    except PermissionError:
        pytest.skip("this Python lives where no other user may look")
    before = sorted(open_machine.home.rglob("*"))

    said = answers(open_machine, Bent(before=become_nobody))

    assert [len(lines) for lines in said] == [1, 1, 1], said
    assert sorted(open_machine.home.rglob("*")) == before

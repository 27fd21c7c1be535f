"""Who wrote a line down is there, or surely gone: also where a pid is used again, or nobody asked how it ended."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from synapse_cli.core.processes import holder, is_gone


def test_this_process_is_there_and_one_of_its_pid_that_started_at_another_time_is_gone() -> None:
    machine, pid, born = holder().rsplit(" ", 2)

    assert not is_gone(holder())
    assert is_gone(f"{machine} {pid} {int(born) + 1}")
    assert is_gone("nobody")


def test_a_process_of_another_machine_is_not_known_to_be_gone() -> None:
    assert not is_gone("elsewhere 1 1")


@pytest.mark.skipif(sys.platform != "linux", reason="told by /proc")
def test_a_process_that_ended_holds_nothing_though_its_parent_has_not_asked_how() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "from synapse_cli.core.processes import holder; print(holder(), flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    said = child.stdout.readline().strip()
    assert not is_gone(said)

    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert is_gone(said)
    child.communicate()
    assert is_gone(said)

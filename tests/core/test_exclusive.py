"""One at a time: a lock file that the system lets go of when its holder dies."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from synapse_cli.core.exclusive import exclusive, take

_HOLD = """
import sys, time
from synapse_cli.core.exclusive import exclusive
with exclusive(sys.argv[1]):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def _holder(path: Path, seconds: float) -> subprocess.Popen[str]:
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path), str(seconds)], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_waits_for_the_first_and_is_told_once(tmp_path: Path) -> None:
    path, told = tmp_path / "a" / "lock", []
    with _holder(path, 0.4) as first, exclusive(str(path), lambda: told.append("waiting")):
        ended = first.poll() is not None or first.wait(timeout=60) == 0

    assert (told, ended) == (["waiting"], True)


def test_a_holder_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with _holder(path, 300) as holder, path.open("r+b") as file:
        was_free = take(file.fileno())
        holder.send_signal(signal.SIGKILL)
        holder.wait(timeout=60)

        assert (was_free, take(file.fileno())) == (False, True)


def test_the_lock_is_private_and_in_a_folder_that_is_made(tmp_path: Path) -> None:
    path = tmp_path / "b" / "c" / "lock"

    with exclusive(str(path)):
        modes = [each.stat().st_mode & 0o777 for each in (path, path.parent)]

    assert modes == [0o600, 0o700]

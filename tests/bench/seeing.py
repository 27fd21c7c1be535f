"""What do `stats`, `trace` and `watch` cost over a large ledger, and a watch over which nothing happens?

    python -m tests.bench.ledger million 1000000 FOLDER      make a large ledger
    python -m tests.bench.seeing FOLDER [ROUNDS]             look into it

Figures are CPU seconds, the median of the rounds, and how often `python -c pass` could have run meanwhile.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.machine import SYNAPSE, Machine
from tests.seeing.screen import seated

LOOKS: tuple[tuple[str, ...], ...] = (
    ("stats", "--since", "all"),
    ("stats", "--since", "all", "--by", "day", "--json"),
    ("stats", "--since", "30d", "--by", "route", "--json"),
    ("stats", "--since", "all", "--model", "mini"),
    ("trace",),
    ("trace", "--text"),
    ("watch", "--once", "--since", "1h"),
)
IDLE_S = 20.0


def main(folder: str, rounds: int = 5) -> None:
    """Print a line for each look, and one for a watch that sees nothing new."""
    with tempfile.TemporaryDirectory() as root:
        machine = Machine(Path(root))
        machine.env["SYNAPSE_STATE_DIR"] = os.path.abspath(folder)
        floor = _cpu_s([sys.executable, "-c", "pass"], machine, rounds)
        _say(f"{floor * 1000:8.0f} ms           python -c pass")
        for look in LOOKS:
            spent = _cpu_s([SYNAPSE, *look], machine, rounds)
            _say(f"{spent * 1000:8.0f} ms  {spent / floor:5.1f} x  synapse {' '.join(look)}")
        _say(f"{_idle(machine):8.2%}            of a core: synapse watch, idle")


def _cpu_s(command: list[str], machine: Machine, rounds: int) -> float:
    return statistics.median(_once(command, machine) for _ in range(rounds))


def _once(command: list[str], machine: Machine) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, env=machine.env, cwd=machine.work, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr.decode())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _idle(machine: Machine) -> float:
    """The share of a core that a watch takes over which nothing happens."""
    with seated(machine, "watch") as seat:
        seat.until(lambda: bool(seat.frames))
        before, until = seat.cpu_s, time.monotonic() + IDLE_S
        seat.until(lambda: time.monotonic() > until)
        spent = seat.cpu_s - before
        seat.press("q")
        seat.wait()
    return spent / IDLE_S


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], *(int(argument) for argument in sys.argv[2:]))

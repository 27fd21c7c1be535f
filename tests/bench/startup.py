"""What a command line costs, as multiples of `python -c pass` (user + system CPU of the whole process).

    python -m tests.bench.startup [RUNS]

Medians of interleaved runs, with the interpreter of this environment. The ceilings are those the project promises.
"""

from __future__ import annotations

import os
import pty
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROFILE = """schema = 1
[models.echo]
backend = "scripted"
replies = [{ match = ".", text = "an answer" }]
[routes.default]
use = "echo"
"""
SYNAPSE = str(Path(sys.executable).with_name("synapse"))
CASES: dict[str, tuple[list[str], bool, float | None]] = {
    "python -c pass": ([sys.executable, "-c", "pass"], False, None),
    "synapse --version": ([SYNAPSE, "--version"], False, 2),
    "synapse run, answered before (memo)": ([SYNAPSE, "run", "hello"], False, 4),
    "synapse run --json, cached": ([SYNAPSE, "run", "--json", "hello"], False, 12),
    "synapse --help in a pipe": ([SYNAPSE, "--help"], False, 10),
    "synapse --help at a terminal": ([SYNAPSE, "--help"], True, 16),
    "synapse run --no-cache, scripted": ([SYNAPSE, "run", "--no-cache", "hello"], False, None),
}
"""Name → command, whether it runs at a terminal, ceiling."""


def main(runs: int) -> int:
    """Print the table; return 1 where a ceiling is missed."""
    with tempfile.TemporaryDirectory() as folder:
        environment = _environment(Path(folder))
        for command, at_terminal, _ in CASES.values():
            _cpu_s(command, environment, at_terminal=at_terminal)
            _cpu_s(command, environment, at_terminal=at_terminal)
        spent: dict[str, list[float]] = {name: [] for name in CASES}
        for _ in range(runs):
            for name, (command, at_terminal, _) in CASES.items():
                spent[name].append(_cpu_s(command, environment, at_terminal=at_terminal))
    medians = {name: statistics.median(values) for name, values in spent.items()}
    floor = medians["python -c pass"]
    missed = 0
    for name, median in medians.items():
        ceiling = CASES[name][2]
        over = ceiling is not None and median / floor > ceiling
        missed += over
        told = "" if ceiling is None else f"at most {ceiling:g}{'  MISSED' if over else ''}"
        print(f"{name:<38} {median * 1000:7.1f} ms  {median / floor:5.2f} x pass  {told}")  # noqa: T201
    return 1 if missed else 0


def _environment(folder: Path) -> dict[str, str]:
    (folder / "profile.toml").write_text(PROFILE, encoding="utf-8")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "SYNAPSE_HOSTS": "off",
        "SYNAPSE_PROFILE": str(folder / "profile.toml"),
        "TERM": "xterm",
    }


def _cpu_s(command: list[str], environment: dict[str, str], *, at_terminal: bool) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if at_terminal:
        _at_terminal(command, environment)
    else:
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _at_terminal(command: list[str], environment: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        while os.read(ours, 65536):
            pass
    except OSError:
        pass  # Linux ends a terminal whose other side is closed with EIO
    os.close(ours)
    process.wait()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30))

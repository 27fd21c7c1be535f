"""What it costs a run to be told to others, beside the same run untold: CPU as multiples of `python -c pass`, and time.

    python -m tests.bench.telemetry [RUNS]

The collector is the worst there is: it takes connections and never answers. The least of interleaved runs, which is
what a busy machine leaves of a median.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.startup import PROFILE, SYNAPSE
from tests.telemetry.collector import BlackHole
from tests.telemetry.senders import end_senders

MOST_ADDED_MS = 50.0
MOST_ADDED_CPU = 1.0
"""In `python -c pass`, which is 10 ms on a quiet machine."""
RUN = [SYNAPSE, "run", "--no-cache", "hello"]
MEMO = [SYNAPSE, "run", "hello"]
FLOOR = "python -c pass"
PAIRS = (
    ("a run, untold", "a run, told to a file"),
    ("a run, untold", "a run, told to a collector that never answers"),
    ("a memo hit, untold", "a memo hit, told to a file"),
)


def main(runs: int) -> int:
    """Print the table; return 1 where a run pays more than was promised."""
    spent: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder, BlackHole() as hole:
        cases = _cases(Path(folder), hole.url)
        for number in range(runs + 3):
            for name, (command, environment) in cases.items():
                took = _took(command, environment)
                if number >= 3:  # before that nothing is compiled, kept, or remembered
                    spent.setdefault(name, []).append(took)
        for state in Path(folder).glob("*/.local/state/synapse"):
            end_senders(state)
    return _report(spent)


def _cases(folder: Path, url: str) -> dict[str, tuple[list[str], dict[str, str]]]:
    untold = _environment(folder / "untold", "")
    filed = _environment(folder / "filed", f'[telemetry]\nfile = "{folder}/runs.jsonl"\n')
    sent = _environment(folder / "sent", f'[telemetry]\nendpoint = "{url}"\n')
    return {
        FLOOR: ([sys.executable, "-c", "pass"], untold),
        "a run, untold": (RUN, untold),
        "a run, told to a file": (RUN, filed),
        "a run, told to a collector that never answers": (RUN, sent),
        "a memo hit, untold": (MEMO, untold),
        "a memo hit, told to a file": (MEMO, filed),
    }


def _environment(home: Path, telemetry: str) -> dict[str, str]:
    home.mkdir()
    profile = home / "profile.toml"
    profile.write_text(PROFILE + telemetry, encoding="utf-8")
    named = {"HOME": str(home), "SYNAPSE_PROFILE": str(profile)}
    return {"PATH": os.environ["PATH"], "SYNAPSE_HOSTS": "off", "NO_PROXY": "*", **named}


def _took(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """CPU and time of one process, without the sender that it may leave behind."""
    began = time.perf_counter()
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment, **streams)  # type: ignore[call-overload]  # all the same kind
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    assert status == 0, f"{command} ended with {status}"
    return used.ru_utime + used.ru_stime, time.perf_counter() - began


def _report(spent: dict[str, list[tuple[float, float]]]) -> int:
    cpu = {name: min(each for each, _ in took) for name, took in spent.items()}
    wall = {name: min(each for _, each in took) for name, took in spent.items()}
    for name in spent:
        print(f"{name:<48} {cpu[name] / cpu[FLOOR]:5.2f} x pass  {wall[name] * 1000:7.1f} ms")  # noqa: T201
    missed = 0
    for untold, told in PAIRS:
        added, added_ms = (cpu[told] - cpu[untold]) / cpu[FLOOR], (wall[told] - wall[untold]) * 1000
        over = added > MOST_ADDED_CPU or added_ms > MOST_ADDED_MS
        missed += over
        print(f"{told}: {added:+.2f} x pass, {added_ms:+.1f} ms{'  MISSED' if over else ''}")  # noqa: T201
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))

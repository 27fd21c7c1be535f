"""Many runs by many processes through providers that fail: does every one end rightly, and is every one written down?

python -m tests.chaos.storm [RUNS] [--processes 8] [--faults all=0.3] [--seed 7]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.place import KEYS, MORE_KEYS, ROOT, TIERS, environment, far, profile


@dataclass(frozen=True)
class Storm:
    """What a storm came to."""

    runs: list[dict[str, Any]]
    """What each run said of itself."""
    reached: dict[str, dict[str, Any]]
    """What reached each provider."""
    recorded: dict[str, Any]
    """What the ledger holds."""
    noise: str = ""
    """What the workers said on stderr."""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    warnings: Counter[str] = field(default_factory=Counter)

    @property
    def wrong(self) -> list[dict[str, Any]]:
        """Runs that ended as they must not."""
        return [run for run in self.runs if run["wrong"]]

    @property
    def codes(self) -> dict[int, int]:
        """How many runs ended with each code."""
        return dict(sorted(Counter(run["code"] for run in self.runs).items()))

    @property
    def sent(self) -> dict[str, int]:
        """Calls that the runs say they made, by tier."""
        return dict(Counter(tier for run in self.runs for tier in run["asked"]))

    @property
    def late(self) -> int:
        """Calls that ran out of time: each may have ended before its provider even saw it."""
        return sum(run["failures"].count("timeout") for run in self.runs)


def storm(root: Path, runs: int, *, processes: int = 8, faults: str = "all=0.3", seed: int = 7, nice: int = 0) -> Storm:
    """Let processes make runs through three providers, and gather what everybody says of it."""
    began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with ExitStack() as stack:
        fars = {
            name: stack.enter_context(far(dialect, faults, seed=seed + place))
            for place, (name, dialect, _) in enumerate(TIERS)
        }
        path = root / "storm.toml"
        path.write_text(profile([one.url for one in fars.values()], keys=(*KEYS, *MORE_KEYS)), encoding="utf-8")
        told, noise = _work(root, path, runs, processes, nice)
        reached = {name: one.told() for name, one in fars.items()}
    if not told:
        raise SystemExit(f"no run was made: {noise[-2000:]}")
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Storm(
        runs=told,
        reached=reached,
        recorded=_recorded(root / "state" / "ledger.sqlite3"),
        noise=noise,
        wall_s=time.monotonic() - began,
        cpu_s=now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime,
        warnings=Counter(warning for run in told for warning in run["warnings"]),
    )


def _work(root: Path, path: Path, runs: int, processes: int, nice: int) -> tuple[list[dict[str, Any]], str]:
    work = [sys.executable, "-m", "tests.chaos.worker", str(path), str(root), str(runs), str(processes)]
    worked = subprocess.run(
        ["nice", "-n", str(nice), *work], capture_output=True, text=True, cwd=root, env=environment(root), check=False
    )
    files = sorted(root.glob("worker-*.jsonl"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [json.loads(line) for line in lines], worked.stdout + worked.stderr


def _recorded(path: Path) -> dict[str, Any]:
    """What the ledger says of runs and of the calls that were made for them."""
    book = sqlite3.connect(path)
    try:
        rows, codes, tokens = book.execute(
            "SELECT count(*), count(exit_code), coalesce(sum(input), 0) + coalesce(sum(output), 0) FROM runs"
        ).fetchone()
        sent = book.execute("SELECT tier, count(*) FROM attempts WHERE outcome != 'skipped' GROUP BY tier").fetchall()
        return {
            "rows": rows,
            "ended": codes,
            "tokens": tokens,
            "ids": {name for (name,) in book.execute("SELECT id FROM runs")},
            "sent": dict(sent),
            "calls": dict(book.execute("SELECT model, count(*) FROM calls GROUP BY model")),
            "open": book.execute("SELECT count(*) FROM calls WHERE outcome IS NULL").fetchone()[0],
            "integrity": book.execute("PRAGMA integrity_check").fetchone()[0],
        }
    finally:
        book.close()


def faults_of(found: Storm) -> list[str]:
    """Everything that is not as it must be, in sentences."""
    said = [f"run {run['number']} ({run['way']}): {run['wrong']}" for run in found.wrong[:20]]
    made, recorded = found.runs, found.recorded
    if recorded["ids"] != {run["id"] for run in made}:
        said.append(f"{len(made)} runs were made, and {recorded['rows']} are in the ledger")
    if recorded["ended"] != len(made):
        said.append(f"{len(made) - recorded['ended']} runs have no ending in the ledger")
    tokens = sum(run["input"] + run["output"] for run in made)
    if recorded["tokens"] != tokens:
        said.append(f"the runs used {tokens} tokens, and the ledger has {recorded['tokens']}")
    if recorded["sent"] != found.sent:
        said.append(f"the runs made calls {found.sent}, and the ledger has {recorded['sent']}")
    for tier, reached in found.reached.items():
        said += _miscounted(tier, found.sent.get(tier, 0), recorded["calls"].get(tier, 0), reached, found.late)
    if recorded["open"]:
        said.append(f"{recorded['open']} calls have no ending in the ledger")
    if recorded["integrity"] != "ok":
        said.append(f"the ledger is damaged: {recorded['integrity']}")
    if found.noise:
        said.append(f"the workers said: {found.noise[-2000:]}")
    return said


def _miscounted(tier: str, attempts: int, calls: int, reached: dict[str, Any], late: int) -> list[str]:
    """Where what was recorded of a tier is not what reached its provider.

    An attempt that one key's 429 ended is made again with another key: two calls. A call that ran out of time may have
    done so before the provider saw it.
    """
    said = []
    if not 0 <= calls - attempts <= reached["done"].get("429", 0):
        said.append(f"{attempts} attempts at {tier}, and {calls} calls in the ledger")
    if not 0 <= calls - reached["requests"] <= late:
        said.append(f"{calls} calls to {tier} in the ledger, and {reached['requests']} reached it ({late} were late)")
    return said


def table(found: Storm) -> str:
    """What happened, for people."""
    count = len(found.runs)
    answered = found.codes.get(0, 0)
    lines = [
        f"{count} runs in {found.wall_s:.0f} s, {found.cpu_s / max(1, count) * 1000:.1f} ms of CPU a run",
        f"answered {answered} ({answered / max(1, count):.1%}); exit codes {found.codes}; wrong {len(found.wrong)}",
        f"failures {dict(Counter(kind for run in found.runs for kind in run['failures']).most_common())}",
        f"ledger: {found.recorded['rows']} rows, {found.recorded['ended']} ended, {found.recorded['integrity']}",
    ]
    for tier, said in found.reached.items():
        lines.append(
            f"{tier:>7}: {said['requests']} requests of {found.sent.get(tier, 0)} calls, at most "
            f"{said['most_in_flight']} at once; {said['done']}"
        )
    lines += [f"warning, {times} times: {text}" for text, times in found.warnings.most_common(5)]
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    """Run a storm, and say what is not as it must be; 1 where anything is."""
    parser = argparse.ArgumentParser(description="many runs through three providers that fail")
    parser.add_argument("runs", type=int, nargs="?", default=10_000)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--faults", default="all=0.3")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="synapse-chaos-") as root:
        found = storm(
            Path(root), options.runs, processes=options.processes, faults=options.faults, seed=options.seed, nice=10
        )
    faults = faults_of(found)
    sys.stdout.write("\n".join([table(found), *(f"WRONG: {fault}" for fault in faults)]) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))

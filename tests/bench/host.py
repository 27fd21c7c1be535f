"""What a warm run costs its caller when a host does the work, as multiples of `python -c pass`.

    python -m tests.bench.host [RUNS]

User and system CPU of the whole calling process, medians of interleaved runs; nothing comes from the cache. The
hosts are warm; the provider is a server on loopback. The ceilings are those the project promises.
"""

from __future__ import annotations

import itertools
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.hosted.site import open_site

SYNAPSE = str(Path(sys.executable).with_name("synapse"))
PROFILE = """schema = 1
[models.nano]
backend = "llama.cpp"
source = "builtin:nano"
[models.mini]
backend = "litellm"
model = "openai/gpt-4o-mini"
base_url = "{url}/v1"
[cascades.both]
tiers = ["nano", "mini"]
accept = [{{ kind = "confidence", min = 0.3 }}]
[routes.default]
use = "both"
"""
NANO = [
    SYNAPSE,
    "run",
    "-m",
    "nano",
    "--choices",
    "positive,negative",
    "Is this review positive or negative? I love it.",
]
HOSTED = [SYNAPSE, "run", "-m", "mini", "What is the capital of Peru?"]
CASES: dict[str, tuple[list[str], float | None]] = {
    "python -c pass": ([sys.executable, "-c", "pass"], None),
    "nano, --no-cache": ([*NANO, "--no-cache"], 12),
    "nano, a new prompt, cache on": ([*NANO], 12),
    "the profile's cascade, --no-cache": ([SYNAPSE, "run", "--no-cache", *NANO[4:]], 12),
    "hosted, --no-cache": ([*HOSTED, "--no-cache"], 12),
    "hosted, streamed, --no-cache": ([*HOSTED, "--no-cache", "--stream"], 12),
    "hosted, a new prompt, cache on": ([*HOSTED], 12),
}
"""Name → command and ceiling."""
_IN_PROCESS = {
    "nano, in process": [*NANO, "--no-cache", "--no-host"],
    "hosted, in process": [*HOSTED, "--no-cache", "--no-host"],
}
_numbers = itertools.count()


def main(runs: int) -> int:
    """Print the table; return 1 where a ceiling is missed."""
    with tempfile.TemporaryDirectory(prefix="syn-") as folder, open_site("openai") as site:
        environment = _environment(Path(folder), site.server.url)
        try:
            for command, _ in CASES.values():
                _cpu_s(command, environment)
            spent: dict[str, list[float]] = {name: [] for name in [*CASES, *_IN_PROCESS]}
            for number in range(runs):
                for name, (command, _) in CASES.items():
                    spent[name].append(_cpu_s(_anew(name, command), environment))
                for name, command in _IN_PROCESS.items() if number < 3 else ():
                    spent[name].append(_cpu_s(command, environment))
        finally:
            subprocess.run([SYNAPSE, "hosts", "stop", "--now"], env=environment, stdout=subprocess.DEVNULL, check=True)
    return _told({name: statistics.median(values) for name, values in spent.items()})


def _told(medians: dict[str, float]) -> int:
    floor, missed = medians["python -c pass"], 0
    for name, median in medians.items():
        ceiling = CASES[name][1] if name in CASES else None
        over = ceiling is not None and median / floor > ceiling
        missed += over
        told = "" if ceiling is None else f"at most {ceiling:g}{'  MISSED' if over else ''}"
        print(f"{name:<38} {median * 1000:7.1f} ms  {median / floor:6.2f} x pass  {told}")  # noqa: T201
    return 1 if missed else 0


def _environment(folder: Path, url: str) -> dict[str, str]:
    (folder / "profile.toml").write_text(PROFILE.format(url=url), encoding="utf-8")
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "SYNAPSE_PROFILE": str(folder / "profile.toml")}


def _anew(name: str, command: list[str]) -> list[str]:
    """A prompt that nothing was kept of, where the cache is on."""
    return [*command[:-1], f"{command[-1]} {next(_numbers)}"] if name.endswith("cache on") else command


def _cpu_s(command: list[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))

"""The figures of the README, measured here and now: what start-up costs, and how good the nano model is.

python -m tests.bench [RUNS]
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.bench import startup

ROOT = Path(__file__).resolve().parents[2]
HELD_OUT = ROOT / "tests" / "nano" / "held_out.jsonl"


def main(runs: int) -> int:
    """Print both tables; return 1 where a promise is not kept."""
    _heading("Start-up, as multiples of `python -c pass`")
    missed = startup.main(runs)
    _heading(f"The nano model on {HELD_OUT.name}, at the shipped threshold")
    threshold = str(shipped_threshold())
    evaluated = subprocess.run(
        [sys.executable, "-m", "synapse_cli.lab.nano.evaluate", str(HELD_OUT), "--threshold", threshold], check=False
    )
    return missed or evaluated.returncode


def shipped_threshold() -> float:
    """The confidence that the built-in profile asks of nano."""
    profile = tomllib.loads((ROOT / "profiles" / "default.toml").read_text(encoding="utf-8"))
    accept = profile["cascades"]["thrifty"]["accept"]
    return next(float(rule["min"]) for rule in accept if rule["kind"] == "confidence")


def _heading(text: str) -> None:
    sys.stdout.write(f"\n{text}\n{'-' * len(text)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30))

"""Does the ledger hold what was done, whenever a run is killed?

    python -m tests.bench.ledger_kill [KILLS] [SEED]

Real runs of a cascade of two tiers are killed (SIGKILL) at random instants. The tiers write each call down themselves
when it reaches them, so that what the ledger says can be compared with what was really sent.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.machine import SYNAPSE, Machine

_TIER = """
[models.{name}]
backend = "scripted"
record = "~/calls.jsonl"
price = {{ input = 1.0, output = 2.0 }}
replies = [{{ match = "", text = "{text}", latency_s = 0.03, tokens = {{ input = 100, output = 10 }} }}]
"""
PROFILE = (
    "schema = 1\n"
    + _TIER.format(name="low", text="a guess")
    + _TIER.format(name="high", text="an answer")
    + """
[cascades.c]
tiers = ["low", "high"]
accept = [{ kind = "regex", pattern = "answer" }]
[routes.default]
use = "c"
"""
)
ANSWER = b"an answer\n"
TWO_CALLS_S = 0.12
"""Somewhat more than from the first call of a run to its end."""


@dataclass
class Struck:
    """What was found. All but the first line of figures must be empty or zero."""

    kills: int = 0
    before: int = 0
    """Killed before anything was sent."""
    between: int = 0
    """Killed with a call out, or between two."""
    after: int = 0
    """Killed when everything was written, or not in time."""
    in_doubt: int = 0
    integrity: str = ""
    wrong: list[str] = field(default_factory=list)

    def told(self) -> str:
        """The figures in words."""
        return (
            f"{self.kills} kills: {self.before} before a call, {self.between} on the way, {self.after} at the end; "
            f"{self.in_doubt} calls in doubt; integrity_check {self.integrity}; {len(self.wrong)} contradictions"
        )


def strike(machine: Machine, kills: int, seed: int) -> Struck:
    """Kill so many runs, and compare what the ledger says with what was sent."""
    machine.use(PROFILE)
    machine.synapse("run", "warm up")
    whole_s = min(_timed(machine, f"warm up {number}") for number in range(3))
    chance, found = random.Random(seed), Struck(kills=kills)
    printed = {}
    for number in range(kills):
        prompt = f"prompt {number}"
        process = subprocess.Popen(
            [SYNAPSE, "run", prompt],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            cwd=machine.work,
            env=machine.env,
        )
        if number % 4:  # mostly from the first call on: before it there is little to lose
            _until_sent(machine, process)
            time.sleep(chance.uniform(0.0, TWO_CALLS_S))
        else:
            time.sleep(chance.uniform(0.0, whole_s))
        process.kill()
        printed[prompt] = process.communicate(timeout=60)[0]
    found.integrity = machine.ledger("PRAGMA integrity_check")[0][0]
    sent: dict[str, list[str]] = {prompt: [] for prompt in printed}
    for call in machine.calls:
        sent.setdefault(call["messages"][-1]["content"], []).append(call["model"])
    rows = {row["prompt"]: row for row in _whole_runs(machine)}
    for prompt, answer in printed.items():
        _compare(prompt, answer, sent[prompt], rows.get(prompt), found)
    return found


def _compare(prompt: str, answer: bytes, sent: list[str], row: dict[str, object] | None, found: Struck) -> None:
    if row is None:
        found.before += 1
        if sent or answer:
            found.wrong.append(f"{prompt}: {sent} were asked, and no run is recorded")
        return
    calls = [(call["model"], call["outcome"], call["cost_usd"]) for call in row["calls"]]  # type: ignore[attr-defined]
    open_calls = [call for call in calls if call[1] == "in doubt"]
    found.in_doubt += len(open_calls)
    found.after += row["status"] == "accepted"
    found.between += row["status"] == "in doubt"
    asked = [call[0] for call in calls]
    if asked[: len(sent)] != sent or len(asked) > len(sent) + 1:
        found.wrong.append(f"{prompt}: {sent} were asked, and the ledger says {asked}")
    if len(open_calls) > 1 or any(call[1] != "answered" or call[2] != "0.00012" for call in calls[: len(sent) - 1]):
        found.wrong.append(f"{prompt}: a finished call was lost: {calls}")
    if answer and (answer != ANSWER or row["status"] != "accepted" or open_calls):
        found.wrong.append(f"{prompt}: {answer!r} was printed, and the ledger says {row['status']}, {calls}")
    if row["status"] not in {"accepted", "in doubt"}:
        found.wrong.append(f"{prompt}: ended as {row['status']}")


def _whole_runs(machine: Machine) -> list[dict[str, object]]:
    done = machine.synapse("log", "export", "--jsonl", "--texts")
    return [json.loads(line) for line in done.out.splitlines()]


def _until_sent(machine: Machine, process: subprocess.Popen[bytes]) -> None:
    """Wait until the run has sent something."""
    before = machine.calls_file.stat().st_size
    while process.poll() is None and machine.calls_file.stat().st_size == before:
        time.sleep(0.001)


def _timed(machine: Machine, prompt: str) -> float:
    began = time.monotonic()
    machine.synapse("run", prompt)
    return time.monotonic() - began


def main(arguments: list[str]) -> int:
    """Print the figures; 1 where something was lost."""
    kills = int(arguments[0]) if arguments else 200
    seed = int(arguments[1]) if len(arguments) > 1 else 1
    with tempfile.TemporaryDirectory() as folder:
        found = strike(Machine(Path(folder)), kills, seed)
    sys.stdout.write(found.told() + "\n" + "".join(f"  {line}\n" for line in found.wrong))
    return 0 if found.integrity == "ok" and not found.wrong else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

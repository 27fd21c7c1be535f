"""What do limiter, breaker, budget and ledger together add to a warm call?

    python -m tests.bench.resilience_overhead [CALLS]

CPU of whole runs of a scripted model that takes no time, with everything on, less the CPU of the same runs with nothing
on, taking turns; at most 2 ms a call. Each part alone beside it, and the same for the real command, whose added imports
count too. `python -c pass` stands beside it: it takes 10 ms on the machine the bound is meant for, and twice that where
others are at work.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from synapse_cli.core.ports import Backend
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.session import Session
from synapse_cli.flows.step import step
from synapse_cli.profile.load import load
from synapse_cli.profile.model import Profile
from tests.chaos.trouble import Bent, run
from tests.e2e.machine import Machine

MOST_CPU_S = 0.002
ROUNDS = 9
MODEL = "[models.m]\nbackend = 'scripted'\nreplies = [{ text = 'an answer', tokens = { input = 10, output = 5 } }]\n"
ROUTE = "[routes.default]\nuse = 'm'\n[cache]\nenabled = false\n"
PRICE = "price = { input = 1.0, output = 2.0 }\n"
LIMITS = "limits = { rpm = 1000000, tpm = 1000000000, parallel = 64 }\n"
OFF = "[breaker]\nenabled = false\n"
BUDGET = "[budget]\nper_day = '1000 USD'\nper_month = '10000 USD'\n"
NOTHING = (MODEL + ROUTE, False)
EVERYTHING = (MODEL + PRICE + LIMITS + ROUTE + BUDGET, True)
WAYS: Mapping[str, tuple[str, bool]] = {
    "nothing": NOTHING,
    "ledger": (MODEL + ROUTE, True),
    "breaker": (MODEL + PRICE + ROUTE, False),
    "limiter": (MODEL + PRICE + LIMITS + ROUTE + OFF, False),
    "budget": (MODEL + PRICE + ROUTE + OFF + BUDGET, False),
    "everything": EVERYTHING,
}
"""Profile, and whether runs are recorded. `breaker` holds what any priced call pays."""


def added_s(calls: int, folder: Path) -> dict[str, float]:
    """CPU seconds a call beyond those of a run with nothing on, by what is on: medians of rounds that take turns."""
    made = {name: (_profile(folder, name, text), logs) for name, (text, logs) in WAYS.items()}
    warm: dict[str, dict[str, Backend]] = {name: {} for name in made}
    taken: dict[str, list[float]] = {name: [] for name in made}
    for turn in range(ROUNDS + 1):
        for name, (profile, logs) in made.items():
            before = time.process_time()
            for number in range(calls):
                _once(profile, f"prompt {number} of {turn}", warm[name], logs=logs)
            taken[name].append((time.process_time() - before) / calls)
    least = statistics.median(taken["nothing"][1:])  # the first round loads modules and makes files
    return {name: statistics.median(times[1:]) - least for name, times in taken.items()}


def commands_s(folder: Path) -> tuple[float, float]:
    """CPU seconds of one `synapse run` with nothing on, and with everything on: medians of runs that take turns."""
    machines = []
    for name, (text, logs) in (("nothing", NOTHING), ("everything", EVERYTHING)):
        machine = Machine(folder / name)
        machine.use(f"schema = 1\n{text}")
        machines.append((machine, () if logs else ("--no-log",)))
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(2 * ROUNDS + 1):
        for place, (machine, more) in enumerate(machines):
            taken[place].append(run(machine, Bent(), "run", *more, f"prompt {number}").cpu_s)
    return statistics.median(taken[0][1:]), statistics.median(taken[1][1:])


def _pass_s() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _profile(folder: Path, name: str, text: str) -> Profile:
    path = folder / f"{name}.toml"
    path.write_text(f"schema = 1\n{text}", encoding="utf-8")
    return load(str(path), cwd=str(folder), env=os.environ, witness=Witness(), use_compiled=False)


def _once(profile: Profile, prompt: str, warm: dict[str, Backend], *, logs: bool) -> None:
    ask = Ask(prompt=prompt, words=prompt, cache="off", log=logs, hosts=False)
    made = step(Session(profile, ask, Witness(), warm=warm), lambda _: None)
    assert made.answer == "an answer", made.outcome.error
    assert not made.warnings, made.warnings


def main(calls: int) -> int:
    """Print the figures; return 1 where the bound is missed."""
    with tempfile.TemporaryDirectory(prefix="synapse-overhead-") as folder:
        os.environ |= {f"SYNAPSE_{kind}_DIR": os.path.join(folder, kind) for kind in ("CONFIG", "CACHE", "STATE")}
        added = added_s(calls, Path(folder))
        for kind in ("CONFIG", "CACHE", "STATE"):
            del os.environ[f"SYNAPSE_{kind}_DIR"]
        bare_s, whole_s = commands_s(Path(folder))
    least_s = statistics.median(_pass_s() for _ in range(ROUNDS))
    for name, cost_s in added.items():
        sys.stdout.write(f"{name:<12} {cost_s * 1e3:6.2f} ms of CPU a call added\n")
    sys.stdout.write(f"everything: {added['everything'] * 1e3:.2f} ms a call, at most {MOST_CPU_S * 1e3:.0f}\n")
    sys.stdout.write(f"that is {added['everything'] / least_s:.3f} of `python -c pass` ({least_s * 1e3:.1f} ms)\n")
    sys.stdout.write(f"`synapse run`: {bare_s * 1e3:.0f} ms with nothing, {whole_s * 1e3:.0f} ms with everything\n")
    return 1 if added["everything"] > MOST_CPU_S else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))

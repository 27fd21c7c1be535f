"""Make many runs in several processes, and write down what each came to: a JSON line a run, a file a process.

    python -m tests.chaos.worker PROFILE FOLDER RUNS PROCESSES

Runs take turns at being buffered, checked, and streamed, as `synapse run` does all three. The processes share nothing
but LiteLLM's code, which is loaded before they part: to load it takes longer than a hundred runs do.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from synapse_cli.backends.litellm_package import package
from synapse_cli.core.outcome import Answered, Skipped
from synapse_cli.core.ports import Backend
from synapse_cli.core.run import Run
from synapse_cli.core.witness import Witness
from synapse_cli.flows.ask import Ask
from synapse_cli.flows.session import Session
from synapse_cli.flows.step import step
from synapse_cli.profile.load import load
from synapse_cli.profile.model import Profile
from tests.chaos.place import TIERS
from tests.chaos.provider import proof, tokens_of

WAYS = ("plain", "checked", "streamed")
MODELS = {name: model.partition("/")[2] for name, _, model in TIERS}


def main(path: str, folder: str, runs: int, processes: int) -> int:
    """Make all runs, each process its share; return how many processes failed."""
    package()
    bounds = [runs * place // processes for place in range(processes + 1)]
    children = []
    for place in range(processes):
        child = os.fork()
        if child == 0:
            os._exit(_share(path, f"{folder}/worker-{place}.jsonl", range(bounds[place], bounds[place + 1])))
        children.append(child)
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


def _share(path: str, to: str, numbers: range) -> int:
    try:
        profile = load(path, cwd=os.getcwd(), env=os.environ, witness=Witness())
        warm: dict[str, Backend] = {}
        with open(to, "w", encoding="utf-8") as out:
            for number in numbers:
                out.write(json.dumps(one(profile, number, warm)) + "\n")
                out.flush()
    except BaseException:  # noqa: BLE001  # whatever ends a worker is what the storm looks for
        traceback.print_exc()
        return 1
    return 0


def one(profile: Profile, number: int, warm: dict[str, Backend]) -> dict[str, Any]:
    """Make one run."""
    way = WAYS[number % len(WAYS)]
    prompt = f"prompt {number} of the storm"
    shown: list[str] = []
    ask = Ask(prompt=prompt, words=prompt, route="checked" if way == "checked" else None, hosts=False)
    session = Session(profile, ask, Witness(), warm=warm)
    run = step(session, lambda _: None, shown.append if way == "streamed" else None)
    return {"number": number, "way": way, "code": int(run.exit_code), "wrong": _wrong(run, way, shown), **_told(run)}


def _wrong(run: Run, way: str, shown: list[str]) -> str:
    """What is wrong with how a run ended; empty where nothing is."""
    best = run.outcome.best
    kinds = {attempt.error.kind for attempt in run.outcome.attempts if not isinstance(attempt, Answered)}
    retryable = any(attempt.error.retryable for attempt in run.outcome.attempts if not isinstance(attempt, Answered))
    if run.exit_code == 0:
        if best is None:
            return "success without an answer"
        if best.text != proof(MODELS[best.model], run.prompt):
            return f"a wrong answer: {best.text!r}"
        if (best.completion.usage.input, best.completion.usage.output) != tokens_of(run.prompt):
            return f"other tokens than were billed: {best.completion.usage}"
        return "" if way != "streamed" or "".join(shown) == best.text else f"streamed otherwise: {shown}"
    if best is not None:
        return f"exit {int(run.exit_code)} although {best.tier} answered: {best.text!r}"
    if not kinds:
        return f"exit {int(run.exit_code)} without a reason"
    right = 75 if retryable else 69
    return "" if run.exit_code == right else f"exit {int(run.exit_code)}, not {right}, after {sorted(kinds)}"


def _told(run: Run) -> dict[str, Any]:
    """What the run says of itself: to be compared with the ledger and with what the providers counted."""
    attempts = run.outcome.attempts
    sent = [attempt for attempt in attempts if not isinstance(attempt, Skipped)]
    return {
        "id": run.run_id,
        "sent": len(sent),
        "asked": [attempt.tier for attempt in sent],
        "failures": [attempt.error.kind for attempt in attempts if not isinstance(attempt, Answered)],
        "input": run.usage.input,
        "output": run.usage.output,
        "latency_s": run.latency_s,
        "warnings": list(run.warnings),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))

"""What does a crowd cost a provider that says 429, and what does the queue cost the machine?

    python -m tests.bench.crowd [PROCESSES]

A hundred processes ask a loopback provider at once, through the limiter, over plain HTTP: none may send before the time
that was told is over, and at most 1.2 requests may be made for each answer. Then eight real `synapse run` commands at a
time through a warm host.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from synapse_cli.profile.model import Limits
from tests.e2e.machine import Machine
from tests.limiter.crowd import PATIENT, Outcome, Provider429, crowd
from tests.servers import openai
from tests.servers.base import Reply, Seen, serving

MOST_PER_SUCCESS = 1.2
AT_A_TIME = 8
RUNS = 40


def main(processes: int) -> int:
    """Print a row a case; return 1 where a promise is not kept."""
    _say(f"{'case':<44} answers requests  429 per answer early CPU ms each     s")
    missed = [_case(name, provider, limits, processes) for name, (provider, limits) in _cases(processes).items()]
    missed.append(_commands())
    return int(any(missed))


def _cases(processes: int) -> dict[str, tuple[Provider429, Limits]]:
    first = iter(range(processes // 5))
    return {
        "ten a second, the rest refused": (Provider429(lambda _, before: before < 10), PATIENT),
        "everything refused for two seconds": (Provider429(lambda since, _: since >= 2), PATIENT),
        "both": (Provider429(lambda since, before: since >= 2 and before < 10), PATIENT),
        "four at once, the rest refused": (_four_at_once(), PATIENT),
        "healthy, 0.3 s an answer": (Provider429(lambda *_: True, latency_s=0.3), PATIENT),
        "parallel = 4, 0.1 s an answer": (
            Provider429(lambda *_: True, latency_s=0.1),
            Limits(parallel=4, max_wait_s=300),
        ),
        "a fifth of the first ones refused": (Provider429(lambda *_: next(first, None) is None), PATIENT),
    }


def _four_at_once() -> Provider429:
    provider = Provider429(lambda *_: provider.at_once < 4, latency_s=0.2)
    return provider


def _case(name: str, provider: Provider429, limits: Limits, processes: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        outcome = crowd(Path(folder), provider, processes=processes, limits=limits)
    _tell(name, outcome, processes)
    return outcome.answered < processes or outcome.early > 0 or outcome.per_success > MOST_PER_SUCCESS


def _tell(name: str, outcome: Outcome, processes: int) -> None:
    cpu_ms = outcome.cpu_s / processes * 1000
    _say(
        f"{name:<44} {outcome.answered:>7} {outcome.requests:>8} {outcome.refused:>4} {outcome.per_success:>10.2f}"
        f" {outcome.early:>5} {cpu_ms:>11.1f} {outcome.wall_s:>5.1f}"
    )


PROFILE = """schema = 1
[models.m]
backend = "litellm"
model = "openai/gpt-5-mini"
base_url = "{url}/v1"
limits = {{ max_wait = "60s" }}
[retry]
max_attempts = 4
[cache]
enabled = false
[routes.default]
use = "m"
"""


def _commands() -> bool:
    """Real commands, eight at a time, through a warm host, to a provider that answers five a second."""
    provider = Provider429(lambda _, before: before < 5)
    with tempfile.TemporaryDirectory() as folder, serving(openai.SPEAKER) as server:
        machine = Machine(Path(folder))
        machine.env.pop("SYNAPSE_HOSTS")
        machine.use(PROFILE.format(url=server.url))
        try:
            machine.synapse("run", "to warm the host")
            server.choose = _by(provider)
            with ThreadPoolExecutor(AT_A_TIME) as pool:
                done = list(pool.map(lambda number: machine.synapse("run", f"prompt {number}"), range(RUNS)))
        finally:
            machine.synapse("hosts", "stop")
    answered = sum(each.code == 0 for each in done)
    for each in done:
        if each.code != 0:
            _say(f"  {each.code}: {each.err.splitlines()[:1]}")
    requests, refused = len(provider.seen), provider.count(429)
    _say(
        f"{'8 real commands at a time, five a second':<44} {answered:>7} {requests:>8} {refused:>4}"
        f" {requests / max(1, answered):>10.2f}"
    )
    return answered < RUNS or requests > MOST_PER_SUCCESS * answered


def _by(provider: Provider429) -> Callable[[Seen], Reply]:
    def choose(_: Seen) -> Reply:
        status = provider.status()
        return Reply(text="an answer") if status == 200 else Reply(status=429, retry_after="1")

    return choose


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))

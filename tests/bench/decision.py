"""What does it cost to decide which way a prompt takes?

    python -m tests.bench.decision [RUNS]

CPU of a decision in a process that goes on, by words alone and with an embedding of a short prompt, which is made in
this process so that its CPU is counted; then what a policy adds to a whole cold `synapse run`, as multiples of
`python -c pass` measured in between. Medians. Without MiniLM the second figure is left out, and it is said.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from synapse_cli.learned import policy
from synapse_cli.learned.policy import Policy
from tests.bench.startup import SYNAPSE, _cpu_s
from tests.flows.policies import FIXED

ROWS = 1500
"""Labelled prompts: as many as the issue's tables are learned from."""
WORDS = 4000
PROMPT = "Which planet of the solar system has the most moons, and how many of them have names of their own?"
PROFILE = """schema = 1
[models.small]
backend = "scripted"
replies = [{ match = "", text = "an answer" }]
[models.middle]
backend = "scripted"
replies = [{ match = "", text = "an answer" }]
[models.large]
backend = "scripted"
replies = [{ match = "", text = "an answer" }]
[routes.default]
use = "small"
"""
LEXICAL_MS, EMBEDDED_MS, COLD = 3.0, 15.0, 1.0
"""What is promised: milliseconds, milliseconds, multiples of `python -c pass`."""


def main(runs: int) -> int:
    """Print the table; return 1 where a figure is over what is promised."""
    rows = _prompts()
    missed = _warm("a decision by words", _lexical(rows), None, LEXICAL_MS)
    encode = _encoder()
    if encode is None:
        print("a decision with an embedding             left out: MiniLM is not on this machine")  # noqa: T201
    else:
        missed |= _warm("a decision with an embedding", _full(rows, encode), encode, EMBEDDED_MS)
    return missed | _cold(_lexical(rows), runs)


def _prompts() -> list[str]:
    """Texts of a made-up language whose words are as frequent as those of real ones (Zipf)."""
    chance = random.Random(3)  # not a secret
    letters = "etaoinshrdlucm"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(WORDS)]
    weights = [1 / (rank + 1) for rank in range(WORDS)]
    return [" ".join(chance.choices(words, weights, k=chance.randint(8, 60))) + "?" for _ in range(ROWS)]


def _scores(rows: Sequence[str]) -> list[tuple[float, float, float]]:
    """Longer prompts are harder for the smaller ways."""
    return [(float(len(row) < 150), float(len(row) < 300), 1.0) for row in rows]


def _lexical(rows: Sequence[str]) -> Policy:
    from synapse_cli.lab.predict.fit import fit

    return replace(FIXED, always=None, predictor=fit(rows, _scores(rows)).predictor)


def _full(rows: Sequence[str], encode: Callable[[str], Sequence[float]]) -> Policy:
    """With random vectors, since speed does not depend on what they say."""
    import numpy as np

    from synapse_cli.lab.predict.fit import fit

    vectors = np.random.default_rng(3).standard_normal((len(rows), len(encode("size"))))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    fitted = fit(rows, _scores(rows), vectors=vectors, encoder="builtin:minilm")
    return replace(FIXED, always=None, predictor=fitted.predictor)


def _encoder() -> Callable[[str], Sequence[float]] | None:
    """One text's vector by MiniLM, in this process so that its CPU is counted; None where it is not here."""
    from synapse_cli.backends import minilm
    from synapse_cli.backends.llamacpp_encoder import LlamaEncoder
    from synapse_cli.core.control import Control
    from synapse_cli.flows.encoding import MINILM

    if not minilm.is_here(os.environ):
        return None
    minilm.ready(os.environ)
    encoder = LlamaEncoder(MINILM)
    return lambda text: encoder.encode((text,), Control()).row(0)


def _warm(name: str, made: Policy, encode: Callable[[str], Sequence[float]] | None, most: float) -> int:
    figures = []
    for number in range(60):
        prompt = f"{PROMPT} ({number})"
        before = time.process_time()
        made.choose(prompt, None if encode is None else encode(prompt))
        figures.append((time.process_time() - before) * 1000)
    return _say(name, median(figures), "ms CPU", most)


def _cold(made: Policy, runs: int) -> int:
    """Whole runs, interleaved: without a policy, with one by words, and Python itself."""
    with tempfile.TemporaryDirectory() as folder:
        places = {name: _place(Path(folder) / name, made if name == "with" else None) for name in ("without", "with")}
        spent: dict[str, list[float]] = {"pass": [], "without": [], "with": []}
        for number in range(runs + 1):
            for name, environment in places.items():
                command = [SYNAPSE, "run", "--no-cache", f"{PROMPT} ({number})"]
                spent[name].append(_cpu_s(command, environment, at_terminal=False))
            spent["pass"].append(_cpu_s([sys.executable, "-c", "pass"], places["with"], at_terminal=False))
        floor = median(spent["pass"][1:])
        figures = {name: median(spent[name][1:]) / floor for name in places}
        _say("a cold run without a policy", figures["without"], "x pass", None)
        _say("a cold run with one by words", figures["with"], "x pass", None)
        return _say("what it adds", figures["with"] - figures["without"], "x pass", COLD)


def _place(folder: Path, made: Policy | None) -> dict[str, str]:
    folder.mkdir()
    more = ""
    if made is not None:
        policy.save(str(folder / "a.policy"), made)
        more = f'policy = "{folder / "a.policy"}"\n'
    (folder / "profile.toml").write_text(PROFILE + more, encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "SYNAPSE_HOSTS": "off",
        "SYNAPSE_PROFILE": str(folder / "profile.toml"),
    }
    command = [SYNAPSE, "run", "--no-cache", "first"]
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return environment


def _say(name: str, figure: float, unit: str, most: float | None) -> int:
    over = most is not None and figure > most
    told = "" if most is None else f"at most {most:g}{'  MISSED' if over else ''}"
    print(f"{name:<38} {figure:7.2f} {unit:<7} {told}")  # noqa: T201
    return int(over)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))

"""How well is the route found by examples, and what does it cost?

    SYNAPSE_DATA=… python -m tests.bench.intents [quality|cost] [DRAWS]

Quality: CLINC150 (150 intents and what is out of scope), 10 examples an intent in DRAWS draws of the training part, and
all of it; tested on the part that is marked for that. Its rows out of scope teach nothing and calibrate nothing. Cost:
CPU of a decision in a process that goes on, and what examples add to a whole cold `synapse run`, as multiples of
`python -c pass` measured in between. Vectors are kept in the cache folder; the first run encodes for minutes.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median

from synapse_cli.core.vectors import Vectors
from synapse_cli.lab.route_eval.figures import Figures, figures
from synapse_cli.lab.route_eval.measure import measure, of_examples
from synapse_cli.lab.route_eval.rows import OUT, Labelled
from synapse_cli.profile.model import Profile
from tests.bench.startup import SYNAPSE, _cpu_s

FEW, WHOLE, STRANGE = 0.915, 0.96, 0.82
"""What is promised: accuracy with 10 examples an intent, with all, and out-of-scope recall at 5 % rejected."""
LEXICAL_MS, EMBEDDED_MS, COLD = 3.0, 15.0, 1.0
REJECT = 0.05


def main(what: str, draws: int) -> int:
    """Print the figures; return 1 where one is short of what is promised."""
    folder = os.environ.get("SYNAPSE_DATA")
    path = Path(folder or "") / "intents_clinc150.jsonl.gz"
    if folder is None or not path.is_file():
        print("quality is left out: set SYNAPSE_DATA to the folder of intents_clinc150.jsonl.gz")  # noqa: T201
        return _cost([]) if what != "quality" else 0
    parts = _parts(path)
    missed = _quality(parts, draws) if what != "cost" else 0
    return missed | (_cost(parts["train"]) if what != "quality" else 0)


def _parts(path: Path) -> dict[str, list[Labelled]]:
    """Rows by their part; those out of scope all belong to the test."""
    found: dict[str, list[Labelled]] = {"train": [], "test": [], "val": []}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            told = json.loads(line)
            part = "test" if told["intent"] == OUT else told["split"]
            found[part].append(Labelled(told["text"], told["intent"], number))
    return found


def _quality(parts: dict[str, list[Labelled]], draws: int) -> int:
    from synapse_cli.flows.encoding import MINILM
    from synapse_cli.lab.vectors import vectors

    blank = Profile(name="bench", path="", hash="", models={}, routes={}, cascades={}, templates={})
    texts = list(dict.fromkeys(row.text for row in (*parts["train"], *parts["test"])))
    rows = vectors(texts, MINILM, blank)
    places = {text: place for place, text in enumerate(texts)}

    def encode(asked: Sequence[str]) -> Vectors:
        own = rows[[places.get(text, 0) for text in asked]]
        return Vectors(dimension=own.shape[1], packed=own.astype("<f4").tobytes())

    def run(name: str, examples: Sequence[Labelled]) -> Figures:
        profile = of_examples(examples, blank, REJECT)
        found = figures(
            measure(
                profile,
                parts["test"],
                encode=encode,
                encoder="minilm",
                hosts=False,
                tell=lambda _: None,
                listen=lambda _: None,
            )
        )
        _table(name, found)
        return found

    few = [run(f"10 examples an intent, draw {draw + 1}", _drawn(parts["train"], 10, draw)) for draw in range(draws)]
    missed = _say("accuracy, 10 an intent, mean", mean(each.accuracy or 0 for each in few), "", at_least=FEW)
    missed |= _say("out-of-scope recall, 10 an intent", mean(each.recall_at or 0 for each in few), "", at_least=STRANGE)
    whole = run("all examples", parts["train"])
    missed |= _say("accuracy, all", whole.accuracy or 0, "", at_least=WHOLE)
    return missed | _say("out-of-scope recall, all", whole.recall_at or 0, "", at_least=STRANGE)


def _drawn(rows: Sequence[Labelled], each: int, draw: int) -> list[Labelled]:
    found: dict[str, list[Labelled]] = {}
    for row in rows:
        found.setdefault(row.route, []).append(row)
    dice = random.Random(draw)  # not a secret
    return [row for name in sorted(found) for row in dice.sample(found[name], each)]


def _table(name: str, found: Figures) -> None:
    print(f"\n{name}")  # noqa: T201
    print(f"  {'':<24} accuracy  out-of-scope recall at {REJECT:.0%}")  # noqa: T201
    ours = ("this router", found.accuracy, found.recall_at)
    for label, accuracy, recall in (ours, *((each.name, each.accuracy, each.recall) for each in found.beside)):
        print(f"  {label:<24} {accuracy or 0:8.4f}  {'-' if recall is None else f'{recall:.3f}'}")  # noqa: T201
    print(f"  by its own threshold: {found.rejected or 0:.3f} rejected, recall {found.recall or 0:.3f}")  # noqa: T201
    deciding = ", ".join(f"{each.by} {each.rows / found.rows:.0%}" for each in found.deciding)
    print(f"  decided by {deciding}; calibration error {found.ece or 0:.3f}")  # noqa: T201


def _cost(examples: Sequence[Labelled]) -> int:
    """CPU of deciding among 150 intents (drawn words where the table is not here), and of whole runs among 8."""
    rows = _drawn(examples, 10, 0) if examples else _made_up()
    missed = _warm(rows)
    return missed | _cold(rows[:80])


def _made_up() -> list[Labelled]:
    dice = random.Random(3)  # not a secret
    words = ["".join(dice.choices("etaoinshrdlu", k=dice.randint(2, 9))) for _ in range(3000)]
    return [Labelled(" ".join(dice.sample(words, 9)), f"intent{number % 150}") for number in range(1500)]


def _warm(rows: Sequence[Labelled]) -> int:
    import numpy as np

    from synapse_cli.learned import file
    from synapse_cli.routing.compile import learn
    from synapse_cli.routing.examples import gathered
    from synapse_cli.routing.router import from_learned

    encode = _encoder()
    wide = 384
    examples = gathered((row.text, row.route) for row in rows)
    vectors = np.random.default_rng(3).standard_normal((len(examples), wide))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)  # speed does not depend on what they say
    learned = learn(examples, reject=REJECT, vectors=vectors, encoder="bench")
    router = from_learned(file.from_bytes(file.to_bytes(learned), "router", "router"))
    prompts = [f"could you {row.text} for me" for row in rows[:300:5]]
    missed = _say("a decision by words", _cpu_ms(router.read, prompts), "ms CPU", at_most=LEXICAL_MS)
    if encode is None:
        print("a decision with an embedding is left out: MiniLM is not on this machine")  # noqa: T201
        return missed

    def both(prompt: str) -> object:
        router.read(prompt)
        return router.understand(prompt, encode(prompt))

    return missed | _say("a decision with an embedding", _cpu_ms(both, prompts), "ms CPU", at_most=EMBEDDED_MS)


def _encoder() -> Callable[[str], Sequence[float]] | None:
    """One text's vector by MiniLM, in this process so that its CPU is counted; None where it is not here."""
    from synapse_cli.backends import minilm
    from synapse_cli.backends.llamacpp_encoder import LlamaEncoder
    from synapse_cli.core.control import Control
    from synapse_cli.flows.encoding import MINILM

    if not minilm.is_here(os.environ):
        return None
    encoder = LlamaEncoder(MINILM)
    return lambda text: encoder.encode((text,), Control()).row(0)


def _cpu_ms(use: Callable[[str], object], prompts: Sequence[str]) -> float:
    spent = []
    for prompt in prompts:
        before = time.process_time()
        use(prompt)
        spent.append((time.process_time() - before) * 1000)
    return median(spent)


def _cold(rows: Sequence[Labelled]) -> int:
    """Whole runs in turn: without examples, with those of 8 routes, and Python itself."""
    with tempfile.TemporaryDirectory() as folder:
        places = {name: _place(Path(folder) / name, rows if name == "with" else []) for name in ("without", "with")}
        spent: dict[str, list[float]] = {"pass": [], "without": [], "with": []}
        for number in range(16):
            for name, environment in places.items():
                command = [SYNAPSE, "run", "--no-cache", f"{rows[number % len(rows)].text} ({number})"]
                spent[name].append(_cpu_s(command, environment, at_terminal=False))
            spent["pass"].append(_cpu_s([sys.executable, "-c", "pass"], places["with"], at_terminal=False))
        floor = median(spent["pass"][1:])
        added = [here - there for here, there in zip(spent["with"][1:], spent["without"][1:], strict=True)]
        _say("a cold run without examples", median(spent["without"][1:]) / floor, "x pass")
        _say("a cold run that decides by words", median(spent["with"][1:]) / floor, "x pass")
        return _say("what that adds", median(added) / floor, "x pass", at_most=COLD)


def _place(folder: Path, rows: Sequence[Labelled]) -> dict[str, str]:
    folder.mkdir()
    names = sorted({row.route for row in rows})
    routes = [
        f"[routes.{json.dumps(name)}]\nuse = 'echo'\n"
        f"examples = {json.dumps([row.text for row in rows if row.route == name])}\n"
        for name in names
    ]
    profile = (
        "schema = 1\n[routing]\norder = ['rules', 'lexical']\n[models.echo]\nbackend = 'scripted'\n"
        f"replies = [{{ match = '', text = 'an answer' }}]\n{''.join(routes)}[routes.default]\nuse = 'echo'\n"
    )
    (folder / "profile.toml").write_text(profile, encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "SYNAPSE_HOSTS": "off",
        "SYNAPSE_PROFILE": str(folder / "profile.toml"),
    }
    first = [SYNAPSE, "run", "--no-cache", "first"]
    subprocess.run(first, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return environment


def _say(name: str, figure: float, unit: str, *, at_least: float | None = None, at_most: float | None = None) -> int:
    missed = (at_least is not None and figure < at_least) or (at_most is not None and figure > at_most)
    bound = f"at least {at_least:g}" if at_least is not None else f"at most {at_most:g}" if at_most is not None else ""
    print(f"{name:<36} {figure:8.4f} {unit:<7} {bound}{'  MISSED' if missed else ''}", flush=True)  # noqa: T201
    return int(missed)


if __name__ == "__main__":
    chosen = [each for each in sys.argv[1:] if not each.isdigit()]
    counts = [int(each) for each in sys.argv[1:] if each.isdigit()]
    sys.exit(main(chosen[0] if chosen else "both", counts[0] if counts else 3))

"""What the semantic cache may promise, and what looking takes: Quora's pairs, paraphrases, 100,000 kept prompts.

    SYNAPSE_DATA=FOLDER python -m tests.bench.similar [SEEDS]

Halves are drawn by seed: one calibrates, the other measures. `cosine alone` is the bare cosine under the same proof.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from synapse_cli.cache import semantic_index as index
from synapse_cli.lab.similarity import certify, measure
from synapse_cli.lab.similarity.calibrate import bare_cosines, calibrate, scored
from synapse_cli.lab.similarity.certify import Aim
from synapse_cli.lab.similarity.pairs import Pair, read
from synapse_cli.lab.vectors import vectors
from synapse_cli.learned.encoder import identity
from synapse_cli.learned.similarity import Similarity

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Table = Mapping[str, npt.NDArray[np.float32]]

STATED = (0.1, 0.2)
_KEPT = 100_000


def main(seeds: int) -> None:
    """Print the tables."""
    data = os.environ.get("SYNAPSE_DATA")
    if data is None:
        _say("SYNAPSE_DATA is unset: it names the folder with the public tables")
        return
    from synapse_cli.flows.encoding import MINILM

    given = read([str(Path(data) / "duplicates_quora.jsonl.gz")])
    said = _paraphrases(Path(data) / "paraphrases.jsonl.gz")
    table = _table([*given, *said])
    last: Similarity | None = None
    for stated in STATED:
        last = _halves(given, table, identity(MINILM), Aim(stated, 0.95), seeds) or last
    _recall(said, table, last)
    _looking(table)


def _halves(given: list[Pair], table: Table, encoder: str, aim: Aim, seeds: int) -> Similarity | None:
    """Calibrate on one half, measure on the other, and so on."""
    ours, alone, judges, held, similarity = [], [], [], 0, None
    aucs = []
    for seed in range(seeds):
        order = given[:]
        random.Random(seed).shuffle(order)
        half = len(order) // 2
        calibrating, held_out = (sorted(part, key=lambda pair: pair.key) for part in (order[:half], order[half:]))
        found = calibrate(calibrating, table, encoder, aim)
        bare = bare_cosines(held_out, table)
        if found.similarity is not None:
            similarity = found.similarity
            said = scored(held_out, table, similarity)
            aucs.append(measure.auc(said) or 0.0)
            ours.append(certify.counted(said, similarity.threshold))
            judges.append(found.judge)
        else:
            ours.append((0, 0))
        alone.append((0, 0) if found.alone.threshold is None else certify.counted(bare, found.alone.threshold))
        held += ours[-1][1] <= aim.max_wrong * ours[-1][0]
    many = len(given) - len(given) // 2
    certified = sum(hits > 0 for hits, _ in ours)
    _say(f"\nQuora's pairs, at most {aim.max_wrong:.0%} of hits wrong, 95 % confidence, {seeds} halves")
    _say(f"certified in                         {certified} of {seeds} halves ({_words(judges)})")
    _say(f"wrong hits within it on the others   {held} of {seeds}")
    for name, counts in (("ours", ours), ("cosine alone, same proof", alone)):
        hits, wrong = (sum(each[at] for each in counts) for at in (0, 1))
        rate = f"{wrong / hits:.1%}" if hits else "-"
        _say(f"hits, {name:<30} {hits / (many * seeds):.2%} of pairs, {rate} of them wrong")
    return similarity


def _words(judges: list[str]) -> str:
    return ", ".join(f"{judges.count(name)} by the {name}" for name in sorted(set(judges))) or "by none"


def _paraphrases(path: Path) -> list[Pair]:
    """Statements and their paraphrases: all ask, or say, the same."""
    import gzip
    import json

    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [Pair(row["a"], row["b"], same=True) for row in rows]


def _recall(said: list[Pair], table: Table, similarity: Similarity | None) -> None:
    """How many paraphrases would be hits; each names a product, and rules hold names to the letter."""
    plain = Similarity(encoder="", threshold=0.9)
    at = {"rules and cosine from 0.9": measure.at(scored(said, table, plain), 0.9)}
    at["cosine alone from 0.9"] = measure.at(bare_cosines(said, table), 0.9)
    if similarity is not None:
        name = f"as certified for Quora at {STATED[-1]:.0%}"
        at[name] = measure.at(scored(said, table, similarity), similarity.threshold)
    _say(f"\n{len(said)} paraphrases of statements: recall")
    for name, point in at.items():
        _say(f"{name:<36} {point.recall:.1%}")


def _looking(table: Table) -> None:
    """CPU time of one look-up among so many, and of the first one in a process, beside an encoding's own."""
    import numpy as np

    known = np.array(list(table.values()))
    chance = np.random.default_rng(1)
    kept = known[chance.integers(0, len(known), _KEPT)]
    kept = kept + chance.normal(size=kept.shape).astype(np.float32) * 0.01
    rows = [(number, index.pack([float(each) for each in row])) for number, row in enumerate(kept)]
    asked = [[float(each) for each in row] for row in known[:200]]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/scope.vectors"
        index.write_flat(path, rows)
        flat = index.Flat.open(path)
        assert flat is not None
        flat.nearest(asked[0], 5)
        warm = _median_ms([lambda query=query: flat.nearest(query, 5) for query in asked])  # type: ignore[misc]  # mypy infers no default
        opened = _median_ms([lambda: index.Flat.open(path)] * 20)
        exact = kept / np.linalg.norm(kept, axis=1, keepdims=True)
        found = sum(
            flat.nearest(query, 1)[0][0] > float((exact @ np.array(query, dtype=np.float32)).max()) - 0.005
            for query in asked[:100]
        )
    _say(f"\na look-up among {_KEPT:,} kept prompts")
    _say(f"CPU, median of {len(asked)}                    {warm:.2f} ms")
    _say(f"opening the file                     {opened:.2f} ms")
    _say(f"the nearest is found                 {found} of 100")


def _median_ms(calls: list[Callable[[], object]]) -> float:
    spent = []
    for call in calls:
        start = time.process_time()
        call()
        spent.append(time.process_time() - start)
    return 1000 * statistics.median(spent)


def _table(pairs: list[Pair]) -> Table:
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness
    from synapse_cli.flows.encoding import MINILM

    texts = list(dict.fromkeys(text for pair in pairs for text in (pair.first, pair.second)))
    return dict(zip(texts, vectors(texts, MINILM, find_profile(None, Witness())), strict=True))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)

"""What does a student answer, how well, and for how much CPU? CLINC150's labels taken as a dear model's answers.

    SYNAPSE_DATA=FOLDER python -m tests.bench.distill [DRAWS]      the row of the table, others beside it
    SYNAPSE_DATA=FOLDER python -m tests.bench.distill broken [N]   how often a promise is broken on texts nobody saw

Learned and certified from 2,000 training texts, drawn by seed; measured on the whole test split.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synapse_cli.core.witness import Witness
from synapse_cli.lab.distill import fit
from synapse_cli.lab.distill.certify import Promise, alone, certify
from synapse_cli.lab.distill.closed import closed_sets
from synapse_cli.lab.distill.fit import Heard
from synapse_cli.lab.distill.lessons import Said, lessons
from synapse_cli.lab.distill.teach import Taught, Wanted, teach
from synapse_cli.lab.vectors import vectors
from synapse_cli.learned.student import Student, load, to_learned
from synapse_cli.profile.load import load as load_profile
from synapse_cli.profile.model import Profile

if TYPE_CHECKING:
    import numpy.typing as npt

SEEN, AGREEMENT, CONFIDENCE = 2_000, 0.98, 0.95
PROFILE = """schema = 1
[models.dear]
backend = "scripted"
replies = [{ match = "", text = "balance" }]
[routes.default]
use = "dear"
"""
Row = dict[str, Any]


def main(draws: int) -> None:
    """Print the row for each draw, and the mean."""
    rows, profile = _rows(), _profile()
    test = [row for row in rows if row["split"] == "test" and row["intent"] != "oos"]
    outside = [row for row in rows if row["split"].startswith("oos") or row["intent"] == "oos"]
    found = []
    for seed in range(draws):
        taught = _taught(_draw(rows, seed), profile)
        promise = taught.promise
        _say(f"draw {seed}: {SEEN:,} texts seen, certified {_told(promise)}; words alone {_told(taught.by_words)};")
        _say(f"        MiniLM alone {_told(_vectors_alone(_draw(rows, seed), profile))}")
        if taught.student is None:
            continue
        student = _written(taught.student)
        answered, agreed, by_words = _asked(student, test, profile)
        strays, _, _ = _asked(student, outside, profile)
        found.append((answered / len(test), agreed / answered))
        _say(
            f"        on {len(test):,} texts that nobody saw: answers {answered / len(test):.1%}, agrees on"
            f" {agreed / answered:.2%}, words alone decide {by_words / len(test):.1%}; of {len(outside)} texts of no"
            f" intent it answers {strays / len(outside):.1%}"
        )
        _say(f"        CPU of an answer: {_cpu(student, test, profile)}")
    if found:
        shares, right = zip(*found, strict=True)
        _say(f"mean of {len(found)}: answers {statistics.mean(shares):.1%}, agrees on {statistics.mean(right):.2%}")


def broken(resamples: int) -> None:
    """Words alone, thirty intents, 450 texts: how often the agreement on all others is below what was promised."""
    rows = [row for row in _rows() if row["intent"] != "oos" and row["split"] in {"train", "val", "test"}]
    chance = random.Random(7)
    intents = sorted({row["intent"] for row in rows})
    made = missed = 0
    shares = []
    for _ in range(resamples):
        chosen = set(chance.sample(intents, 30))
        pool = [row for row in rows if row["intent"] in chosen]
        chance.shuffle(pool)
        taught = _learn(pool[:450], 0.95)
        if taught is None:
            continue
        promise, student = taught
        looks = [(student.by_its_words(row["text"]), row["intent"]) for row in pool[450:]]
        given = [(reply.text, intent) for reply, intent in looks if reply is not None and reply.is_certain]
        made += 1
        shares.append(promise.coverage)
        missed += sum(text == intent for text, intent in given) < 0.95 * len(given)
    _say(f"{made} of {resamples} draws certified 95 % agreement, answering {statistics.mean(shares):.0%} in the mean;")
    _say(f"broken on the other texts: {missed} ({missed / made:.1%}; 5 % are allowed)")


def _learn(rows: Sequence[Row], agreement: float) -> tuple[Promise, Student] | None:
    with tempfile.TemporaryDirectory() as folder:
        taught = teach(_wanted(folder, rows, agreement, is_lexical=True), _profile())
    return None if taught.promise is None or taught.student is None else (taught.promise, taught.student)


def _taught(rows: Sequence[Row], profile: Profile) -> Taught:
    with tempfile.TemporaryDirectory() as folder:
        return teach(_wanted(folder, rows, AGREEMENT, is_lexical=False), profile)


def _wanted(folder: str, rows: Sequence[Row], agreement: float, *, is_lexical: bool) -> Wanted:
    labels = Path(folder) / "labels.jsonl"
    labels.write_text("".join(json.dumps({"text": row["text"], "label": row["intent"]}) + "\n" for row in rows))
    return Wanted(
        route="default", ledger="", labels=str(labels), agreement=agreement, is_lexical=is_lexical, hosts=False
    )


def _vectors_alone(rows: Sequence[Row], profile: Profile) -> Promise | None:
    """The same certificate for a logistic regression on MiniLM's vectors and nothing else."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    said = [Said(row["text"], row["intent"]) for row in rows]
    closed = closed_sets(_request(profile), (), [each.answer for each in said])
    from collections import Counter

    learned = lessons(said, closed, Counter())
    inputs, truth = _vectors(learned.texts, profile), np.array(learned.places)[:, 0]
    folds = fit.folds_of(learned.texts)
    places, chances = np.zeros_like(truth), np.zeros(len(truth))
    for fold in range(int(folds.max()) + 1):
        held = folds == fold
        model = LogisticRegression(C=300.0, max_iter=300).fit(inputs[~held], truth[~held])
        said_so = model.predict_proba(inputs[held])
        places[held], chances[held] = model.classes_[said_so.argmax(axis=1)], said_so.max(axis=1)
    heard = Heard(places[:, None], chances, places == truth, np.ones(len(truth)))
    return certify(alone(heard, AGREEMENT), AGREEMENT, CONFIDENCE)


def _asked(student: Student, rows: Sequence[Row], profile: Profile) -> tuple[int, int, int]:
    """How many are answered, how many of these agree, and how many words alone decide."""
    inputs = _vectors([row["text"] for row in rows], profile)
    answered = agreed = by_words = 0
    for row, vector in zip(rows, inputs, strict=True):
        reply = student.by_its_words(row["text"]) or student.with_its_meaning(row["text"], vector.tolist())
        if reply.is_certain:
            answered += 1
            agreed += reply.text == row["intent"]
            by_words += reply.read == "words"
    return answered, agreed, by_words


def _cpu(student: Student, rows: Sequence[Row], profile: Profile) -> str:
    texts = [row["text"] for row in rows[:300]]
    inputs = _vectors(texts, profile).tolist()
    started = time.process_time()
    for text in texts:
        student.by_its_words(text)
    words_s = time.process_time() - started
    started = time.process_time()
    for text, vector in zip(texts, inputs, strict=True):
        student.with_its_meaning(text, vector)
    both_s = time.process_time() - started
    return f"{1000 * words_s / len(texts):.1f} ms by words, {1000 * both_s / len(texts):.1f} ms more beside the encoder"


def _written(student: Student) -> Student:
    """Through its file, as a run reads it."""
    from synapse_cli.learned.file import write

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "intents.student")
        write(path, to_learned(student))
        _say(f"        {os.path.getsize(path):,} bytes")
        return load(path)


def _vectors(texts: Sequence[str], profile: Profile) -> npt.NDArray[Any]:
    from synapse_cli.flows.encoding import MINILM

    return vectors(texts, MINILM, profile, hosts=False)


def _request(profile: Profile) -> Any:
    from synapse_cli.lab.distill.ask import asked

    return asked(profile, profile.routes["default"], "", ()).request


def _draw(rows: Sequence[Row], seed: int) -> list[Row]:
    training = [row for row in rows if row["split"] == "train"]
    return random.Random(seed).sample(training, SEEN)


def _told(promise: Promise | None) -> str:
    return "nothing" if promise is None else f"{promise.coverage:.1%} at {promise.bound:.2%}"


def _profile() -> Profile:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "profile.toml"
        path.write_text(PROFILE)
        return load_profile(str(path), cwd=folder, env=os.environ, witness=Witness())


def _rows() -> list[Row]:
    folder = os.environ.get("SYNAPSE_DATA")
    if not folder:
        sys.exit("set SYNAPSE_DATA to the folder that holds intents_clinc150.jsonl.gz")
    with gzip.open(os.path.join(folder, "intents_clinc150.jsonl.gz"), "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    what, *rest = [*sys.argv[1:], "1"] if len(sys.argv) < 3 else sys.argv[1:]
    if what == "broken":
        broken(int(rest[0]) if len(sys.argv) > 2 else 100)
    else:
        main(int(what))

"""Measure a GGUF on items written by hand: right answers, doubt, and the threshold that keeps 90 %.

    python -m synapse_cli.lab.nano.evaluate FILE.jsonl [--model GGUF]

Prompts go through the backend that ships, so that what is measured is what runs: a closed label set
is decoded as one, and confidence is less what the model puts on its token for "unsure".
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synapse_cli.core.prompt import Json
from synapse_cli.lab.nano.compare import is_right

SHIPPED = Path(__file__).parents[2] / "backends" / "nano" / "nano.gguf"
DEV = Path(__file__).with_name("dev.jsonl")
TARGET = 0.90
ABSTENTION = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
LONGEST_ANSWER = 200


@dataclass(frozen=True)
class Answer:
    """What the model said to one item, how sure it was, and whether that was right (an open question never is)."""

    id: str
    task: str
    said: str
    expected: str
    confidence: float
    right: bool
    open: bool


class Reader:
    """The shipped backend over one model file, asked one prompt after another."""

    def __init__(self, path: Path, *, calibrated: bool | None = None) -> None:
        from synapse_cli.backends.llamacpp import LlamaCpp
        from synapse_cli.profile.model import Model

        self.backend = LlamaCpp(Model(name="nano", backend="llama.cpp", source=f"file:{path.resolve()}"))
        self.params: dict[str, Json] = {"temperature": 0, "max_tokens": LONGEST_ANSWER}
        if calibrated is not None:
            self.params["contextual_calibration"] = calibrated
        self.tokens = 0

    def answer(self, prompt: str, choices: Sequence[str] | None) -> tuple[str, float]:
        """The answer to a prompt and the confidence in it."""
        from synapse_cli.core.control import Control
        from synapse_cli.core.prompt import Message, Request

        asked = Request(
            messages=(Message("user", prompt),),
            params=self.params,
            choices=tuple(choices or ()),
        )
        found = self.backend.complete(asked, Control())
        self.tokens += (found.usage.input or 0) + (found.usage.output or 0)
        return found.text, found.confidence or 0.0


def measure(reader: Reader, lines: Iterable[str]) -> list[Answer]:
    """Ask every item of a JSONL file."""
    answers = []
    for line in lines:
        item = json.loads(line)
        said, confidence = reader.answer(item["prompt"], item.get("choices"))
        is_open = item["kind"] == "open"
        expected = item.get("answer", "")
        right = not is_open and is_right(item.get("task", ""), said, expected)
        answers.append(Answer(item["id"], item.get("task", "open"), said, str(expected), confidence, right, is_open))
    return answers


def auroc(answers: Sequence[Answer]) -> float:
    """How often a right answer has more confidence than a wrong one."""
    good = np.array([a.confidence for a in answers if a.right])
    bad = np.array([a.confidence for a in answers if not a.right])
    if not len(good) or not len(bad):
        return float("nan")
    return float(((good[:, None] > bad).sum() + 0.5 * (good[:, None] == bad).sum()) / (len(good) * len(bad)))


def threshold(answers: Sequence[Answer], target: float = TARGET) -> float:
    """The lowest confidence at which `target` of the accepted items (and no open question) are right."""
    ranked = sorted((a for a in answers if not a.open), key=lambda a: -a.confidence)
    best, right = 1.0, 0
    for count, a in enumerate(ranked, 1):
        right += a.right
        if right >= target * count:
            best = a.confidence
    return best


def report(answers: Sequence[Answer], at: float | None = None) -> str:
    """All figures as text; `at` is the threshold to judge, else the one found here."""
    items, opens = [a for a in answers if not a.open], [a for a in answers if a.open]
    tasks: dict[str, list[Answer]] = defaultdict(list)
    for a in items:
        tasks[a.task].append(a)
    lines = [f"{task:12} {sum(a.right for a in group):3} of {len(group):3}" for task, group in sorted(tasks.items())]
    lines.append(f"{'all':12} {sum(a.right for a in items):3} of {len(items):3}")
    lines.append(f"AUROC of confidence: items {auroc(items):.3f}, items and open questions {auroc(answers):.3f}")
    ranked = sorted(items, key=lambda a: -a.confidence)
    for rate in ABSTENTION:
        kept = ranked[: round(len(ranked) * (1 - rate))]
        if kept:
            share, lowest = sum(a.right for a in kept) / len(kept), kept[-1].confidence
            lines.append(f"abstaining on {rate:.0%}: {share:.3f} right, confidence from {lowest:.3f}")
    found = threshold(answers)
    lines.append(f"lowest confidence with {TARGET:.0%} right: {found:.3f}")
    judged = found if at is None else at
    accepted = [a for a in items if a.confidence >= judged]
    share = sum(a.right for a in accepted) / max(1, len(accepted))
    lines.append(f"at {judged:.3f}: {len(accepted)} of {len(items)} items accepted, {share:.3f} of them right")
    lines.append(
        f"at {judged:.3f}: {sum(a.confidence >= judged for a in opens)} of {len(opens)} open questions accepted"
    )
    return "\n".join(lines)


def main() -> None:
    """Print the report for one file of items."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--threshold", type=float, help="judge this threshold (default: the one found on FILE)")
    parser.add_argument("--show", action="store_true", help="print every answer")
    parser.add_argument("--calibrate", action="store_true", help="subtract each label's score without the text")
    options = parser.parse_args()
    reader = Reader(options.model, calibrated=True if options.calibrate else None)
    show(reader, options.file, options.threshold, each=options.show)


def show(reader: Reader, file: Path, at: float | None, *, each: bool = False) -> None:
    """Measure and print, with `each` answer or only the figures."""
    started = time.perf_counter()
    answers = measure(reader, file.read_text(encoding="utf-8").splitlines())
    elapsed = time.perf_counter() - started
    if each:
        for a in answers:
            print(f"{'+' if a.right else '-'} {a.confidence:.3f} {a.id} {a.said!r} ({a.expected})")
    print(report(answers, at))
    print(f"{reader.tokens / elapsed:.0f} tokens/s")


if __name__ == "__main__":
    main()

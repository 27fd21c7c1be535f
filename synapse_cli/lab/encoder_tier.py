"""Measure the encoder's tier on items written by hand: alone, and before nano.

    python -m synapse_cli.lab.encoder_tier FILE.jsonl [--threshold 0.97]

An item that the tier does not take (no labels, yes or no) is one it abstains from.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from synapse_cli.backends.encoder import EncoderTier
from synapse_cli.backends.encoders import open_encoder
from synapse_cli.core.control import Control
from synapse_cli.core.errors import Unsuited
from synapse_cli.core.prompt import Message, Request
from synapse_cli.lab.nano.compare import is_right
from synapse_cli.lab.nano.evaluate import DEV, SHIPPED, Reader
from synapse_cli.profile.draft import nano_threshold
from synapse_cli.profile.model import Model

MINILM = Model(name="minilm", backend="encoder", source="builtin:minilm")


@dataclass(frozen=True)
class Heard:
    """What one tier said to one item: right or not, how sure, and whether it was asked at all."""

    task: str
    asked: bool
    confidence: float
    right: bool
    open: bool


def items(lines: Iterable[str]) -> list[dict[str, object]]:
    """The items of a JSONL file."""
    return [json.loads(line) for line in lines]


def by_encoder(found: Sequence[dict[str, object]], tier: EncoderTier) -> list[Heard]:
    """What the encoder's tier says to each item."""
    heard = []
    for item in found:
        choices = item.get("choices")
        request = Request(
            messages=(Message("user", str(item["prompt"])),),
            choices=tuple(map(str, choices)) if isinstance(choices, list) else (),
        )
        try:
            said = tier.complete(request, Control())
        except Unsuited:
            heard.append(_heard(item, "", 0.0, asked=False))
        else:
            heard.append(_heard(item, said.text, said.confidence or 0.0, asked=True))
    return heard


def by_nano(found: Sequence[dict[str, object]]) -> list[Heard]:
    """What nano says to each item."""
    reader = Reader(SHIPPED)
    heard = []
    for item in found:
        choices = item.get("choices")
        said, confidence = reader.answer(str(item["prompt"]), choices if isinstance(choices, list) else None)
        heard.append(_heard(item, said, confidence, asked=True))
    return heard


def report(name: str, heard: Sequence[Heard], at: float) -> str:
    """Right items of those asked, and what would be accepted at the threshold."""
    asked = [each for each in heard if each.asked and not each.open]
    accepted = [each for each in heard if each.confidence >= at]
    right = sum(each.right for each in accepted)
    opens = sum(each.open for each in accepted)
    items_of = sum(not each.open for each in heard)
    return (
        f"{name}: asked {len(asked)} of {items_of} items, {sum(each.right for each in asked)} right; at {at:g} accepts "
        f"{len(accepted) - opens} items, {right} right ({right / max(1, len(accepted)):.3f} of all accepted), "
        f"{opens} open questions"
    )


def cascade(first: Sequence[Heard], then: Sequence[Heard], at: float) -> list[Heard]:
    """The first tier's answer where it passes, else the second's."""
    return [one if one.confidence >= at else two for one, two in zip(first, then, strict=True)]


def main() -> None:
    """Print the figures of one file of items."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("file", type=Path, nargs="?", default=DEV)
    parser.add_argument("--threshold", type=float, default=nano_threshold(), help="default: the shipped profile's")
    options = parser.parse_args()
    found = items(options.file.read_text(encoding="utf-8").splitlines())
    tier = EncoderTier(MINILM)
    open_encoder(MINILM).encode(["warm"], Control())
    started = time.process_time()
    first = by_encoder(found, tier)
    spent = time.process_time() - started
    second = by_nano(found)
    for name, heard in (("encoder", first), ("nano", second), ("both", cascade(first, second, options.threshold))):
        sys.stdout.write(report(name, heard, options.threshold) + "\n")
    asked = sum(each.asked for each in first)
    sys.stdout.write(f"{1000 * spent / max(1, asked):.1f} ms of CPU an item that the encoder was asked\n")


def _heard(item: dict[str, object], said: str, confidence: float, *, asked: bool) -> Heard:
    is_open = item["kind"] == "open"
    task = str(item.get("task", "open"))
    right = asked and not is_open and is_right(task, said, item.get("answer", ""))
    return Heard(task, asked, confidence, right, is_open)


if __name__ == "__main__":
    main()

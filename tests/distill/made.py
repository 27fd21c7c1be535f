"""Tickets that are made here: three closed labels, words that tell them, and some that do not."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

WORDS = {
    "billing": ("invoice", "charge", "refund", "payment", "card", "receipt"),
    "shipping": ("parcel", "delivery", "courier", "tracking", "package", "address"),
    "bug": ("crash", "error", "freezes", "broken", "stacktrace", "blank screen"),
}
LABELS = tuple(WORDS)
_BEFORE = ("my", "the", "please check the", "help with the", "there is something about the", "a question on the")
_AFTER = ("today", "again", "since monday", "for my account", "in the app", "urgently", "thanks", "order number")
Row = tuple[str, str]

PROFILE = """schema = 1
[models.dear]
backend = "scripted"
record = "~/calls.jsonl"
price = { input = 1.0, output = 2.0 }
replies = [{ match = "", text = "bug" }]
[models.fast]
backend = "student"
source = "file:tickets.student"
[cascades.sorting]
tiers = ["fast", "dear"]
accept = [{ kind = "choices", values = ["billing", "shipping", "bug"] }]
[routes.tickets]
use = "sorting"
system = "Answer with one of: billing, shipping, bug."
[routes.default]
use = "dear"
"""
ENOUGH = 200


def tickets(count: int, *, seed: int = 1, slips: float = 0.0) -> list[Row]:
    """Texts and their labels; a share of the labels is wrong."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        label = chance.choice(LABELS)
        words = (chance.choice(_BEFORE), chance.choice(WORDS[label]), chance.choice(_AFTER), chance.choice(_AFTER))
        told = chance.choice(LABELS) if chance.random() < slips else label
        rows.append((f"{' '.join(words)} {number}", told))
    return rows


def write(path: Path, rows: Sequence[Row]) -> Path:
    """A labelled file."""
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    return path

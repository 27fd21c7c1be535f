"""Read the hand-written text bank: labelled texts, spans, questions, requests and open questions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

BANK = Path(__file__).with_name("bank")
# What a text of each file is called by the person who asks about it.
NOUNS: dict[str, tuple[str, ...]] = {
    "reviews": ("review", "comment", "opinion", "customer review", "text", "feedback"),
    "tickets": ("ticket", "message", "support ticket", "customer message", "request", "issue", "text"),
    "mails": ("mail", "email", "message", "e-mail", "letter"),
    "logs": ("log line", "log message", "log entry", "line", "log", "event"),
    "languages": ("sentence", "text", "message"),
    "extraction": ("text", "record", "note", "document"),
    "topics": ("text", "headline", "sentence", "snippet", "message", "utterance"),
    "yesno": ("text", "message", "passage"),
}


@dataclass(frozen=True)
class Text:
    """One natural text with whatever was written down about it."""

    kind: str
    text: str
    labels: dict[str, str]
    fields: dict[str, str]
    yes: tuple[str, ...]
    no: tuple[str, ...]

    @property
    def nouns(self) -> tuple[str, ...]:
        """Names for a text of this kind."""
        return NOUNS.get(self.kind, ("text",))


@dataclass
class Bank:
    """All lines of the bank, indexed as the generators want them."""

    texts: list[Text] = field(default_factory=list)
    synonyms: dict[str, list[str]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    opens: list[str] = field(default_factory=list)

    def aspects(self) -> dict[tuple[str, str], list[str]]:
        """The labels seen for each kind of text and aspect, in order of appearance."""
        found: dict[tuple[str, str], dict[str, None]] = {}
        for text in self.texts:
            for aspect, label in text.labels.items():
                found.setdefault((text.kind, aspect), {})[label] = None
        return {key: list(labels) for key, labels in found.items()}


def read(folder: Path = BANK) -> Bank:
    """Read every complete line; one that does not parse is left out."""
    bank = Bank()
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(record, dict):
                _add(bank, path.stem, record)
    return bank


def split(bank: Bank, share: float) -> tuple[Bank, Bank]:
    """A bank to learn from, and one held back to measure the model's own errors on.

    A line's side depends on its words alone, so that adding lines moves none across.
    """
    kept, held = Bank(synonyms=bank.synonyms), Bank(synonyms=bank.synonyms)
    for text in bank.texts:
        (held if _held(text.text, share) else kept).texts.append(text)
    for request in bank.requests:
        (held if _held(request[0], share) else kept).requests.append(request)
    for prompt in bank.opens:
        (held if _held(prompt, share) else kept).opens.append(prompt)
    return kept, held


def _held(text: str, share: float) -> bool:
    return hashlib.sha256(text.encode()).digest()[0] < 256 * share


def _add(bank: Bank, kind: str, record: dict[str, object]) -> None:
    if "open" in record:
        bank.opens.append(str(record["open"]))
    elif "request" in record:
        bank.requests.append((str(record["request"]), str(record["task"])))
    elif "aspect" in record:
        for label, names in _mapping(record.get("labels")).items():
            known = bank.synonyms.setdefault(label, [])
            known.extend(str(n) for n in names if n not in known) if isinstance(names, list) else None
    elif "text" in record:
        labels = {str(k): str(v) for k, v in _mapping(record.get("labels")).items()}
        fields = {str(k): str(v) for k, v in _mapping(record.get("fields")).items()}
        bank.texts.append(
            Text(kind, str(record["text"]), labels, fields, _strings(record.get("yes")), _strings(record.get("no")))
        )


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, list) else ()

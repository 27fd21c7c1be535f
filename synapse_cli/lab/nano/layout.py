"""Lay out a prompt as people type it: where the text stands, how labels are listed and spelled."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

FILES = (
    "notes.txt",
    "ticket.txt",
    "mail.eml",
    "review.txt",
    "app.log",
    "input.txt",
    "message.md",
    "data.csv",
    "stdin",
    "order.txt",
    "record.yaml",
    "text.txt",
    "log.txt",
    "comment.txt",
    "feedback.md",
    "report.txt",
)
TEXT_HEADS = ("Text", "Input", "Message", "Content", "Here it is", "Document", "The text", "Body")


def place(rng: Random, instruction: str, text: str, noun: str = "Text") -> str:
    """Join instruction and text in one of the ways that a shell command line gives."""
    kind = rng.random()
    if kind < 0.42:
        return f"{instruction}\n\n{text}"
    if kind < 0.60:
        return f"{instruction}\n\nFile: {rng.choice(FILES)}\n```\n{text}\n```"
    if kind < 0.74 and "\n" not in text:
        left, right = rng.choice((('"', '"'), ("'", "'"), ("“", "”"), ("<", ">"), ('"', '"')))
        end = "" if instruction.endswith((".", "?", ":", ")", "]")) else rng.choice((":", ".", ""))
        return f"{instruction}{end} {left}{text}{right}"
    if kind < 0.84:
        head = rng.choice((*TEXT_HEADS, noun.capitalize()))
        return f"{instruction}\n\n{head}:{rng.choice((' ', chr(10)))}{text}"
    if kind < 0.92:
        return f"{text}\n\n{instruction}"
    if kind < 0.96:
        return f"{instruction.rstrip('.')}: {text}"
    return f'"{text}"\n{instruction}' if "\n" not in text else f"```\n{text}\n```\n{instruction}"


def spell(rng: Random, labels: Sequence[str]) -> list[str]:
    """Labels in one spelling: as they are, capitals, or joined by underscores or hyphens."""
    style = rng.random()
    if style < 0.75:
        return list(labels)
    if style < 0.86:
        return [label[:1].upper() + label[1:] for label in labels]
    if style < 0.90:
        return [label.upper() for label in labels]
    if style < 0.93:
        return [label.title() for label in labels]
    return [label.replace(" ", "_" if style < 0.96 else "-") for label in labels]


def listing(rng: Random, labels: Sequence[str]) -> str:
    """The labels in a row, in one of the punctuations that people use."""
    style = rng.randrange(13)
    if style < 4:
        word = rng.choice(("or", "or", "and"))
        return f"{', '.join(labels[:-1])} {word} {labels[-1]}"
    if style < 7:
        return ", ".join(labels)
    if style == 7:
        return "/".join(labels)
    if style == 8:
        return " | ".join(labels)
    if style == 9:
        return "[" + ", ".join(labels) + "]"
    if style == 10:
        return "; ".join(labels)
    if style == 11:
        return ", ".join(f'"{label}"' for label in labels)
    return "(" + ", ".join(labels) + ")"


def bullets(rng: Random, labels: Sequence[str], notes: dict[str, str]) -> str:
    """The labels one a line, some with a description."""
    mark = rng.choice(("- ", "* ", "", "• "))
    return "\n".join(f"{mark}{label}" + (f": {notes[label]}" if label in notes else "") for label in labels)


def label_instruction(rng: Random, ask: str, labels: Sequence[str], notes: dict[str, str]) -> str:
    """An instruction that names the labels in one of many positions."""
    if notes or rng.random() < 0.10:
        head = rng.choice(("Labels:", "Choices:", "Options:", "Categories:", "One of:", "Choose one:"))
        return f"{ask}\n{head}\n{bullets(rng, labels, notes)}"
    row = listing(rng, labels)
    stem = ask.rstrip(".?")
    forms = (
        f"{stem}: {row}",
        f"{stem}: {row}?",
        f"{ask} {row}",
        f"{ask} Labels: {row}.",
        f"{ask}\nLabels: {row}",
        f"{ask} Choose from {row}.",
        f"{ask} Options: {row}",
        f"{ask} Answer with one of: {row}.",
        f"{stem} ({row})",
        f"{stem} as {row}",
        f"{ask} Possible values: {row}.",
        f"{ask} Is it {row}?",
        f"{ask} One of {row}.",
        f"{row}: {stem[:1].lower()}{stem[1:]}?",
        f"Choose one of {row}. {ask}",
        f"Labels: {row}\n\n{ask}",
        f"{ask} Reply with exactly one of these: {row}",
        f"{ask} Pick {row}.",
        f"Is this {row}?",
        f"{row}?",
    )
    return rng.choice(forms)

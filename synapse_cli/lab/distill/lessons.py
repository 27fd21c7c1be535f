"""What is there to learn from? Texts and the answers that they got: in the ledger, or in a labelled file.

A labelled file has one JSON object a line, gzip or plain: `{"text" | "prompt": …, "label" | "intent" | "answer": …}`.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from synapse_cli.backends.student_scope import has_instruction, text_in
from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.core.prompt import Json
from synapse_cli.lab.distill.closed import Closed
from synapse_cli.ledger.taught import Taught

TEXTS, ANSWERS = ("text", "prompt"), ("label", "intent", "answer")
_HINT = 'a row is {"text": "where is my parcel?", "label": "shipping"}'
_A_PERSON = 1000
"""What a person said of an answer counts for so many answers of models to the same text."""
_MOST_COMMON = 0.5
"""Share of the prompts that begin with the same paragraph where that is what they are asked with."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text, or a whole prompt, and the answer that it got."""

    text: str
    answer: Json
    weight: int = 1
    teacher: str = ""


@dataclass(frozen=True, slots=True)
class Lessons:
    """What is learned: each text once, in an order that does not depend on that of the rows."""

    texts: tuple[str, ...]
    places: tuple[tuple[int, ...], ...]
    """For each text the place of its answer in each closed set."""
    excluded: Mapping[str, int]
    """Why rows are left out, and how many."""
    teachers: Mapping[str, int]


def labelled(path: str) -> list[Said]:
    """The rows of a labelled file. Raises InputError, which names file, line and key."""
    rows = [_said(line, f"{path}, line {number}") for number, line in _lines(path)]
    if not rows:
        raise InputError(f"{path} holds no row", _HINT)
    return rows


def recorded(
    found: Iterable[Taught], students: Sequence[str], teachers: Sequence[str]
) -> tuple[list[Said], Counter[str]]:
    """The prompts of recorded runs with their answers, and why others are left out."""
    kept, excluded = [], Counter[str]()
    for run in found:
        why = _why_not(run, students, teachers)
        if why is not None:
            excluded[why] += 1
            continue
        answer = run.answer if run.better is None else run.better
        kept.append(Said(run.prompt or "", answer, 1 if run.good is None else _A_PERSON, run.model))
    return kept, excluded


def asked_with(prompts: Iterable[str]) -> str:
    """The paragraph that most of these prompts begin with, before texts that differ; empty where there is none."""
    distinct = set(prompts)
    heads = Counter(head for head, gap, rest in (each.partition("\n\n") for each in distinct) if gap and rest.strip())
    if not heads:
        return ""
    head, count = min(heads.items(), key=lambda each: (-each[1], each[0]))
    return head if count >= max(2, _MOST_COMMON * len(distinct)) else ""


def within(prompts: Iterable[Said], words: str) -> tuple[list[Said], Counter[str]]:
    """The texts of prompts that are asked with these words, and why others are left out."""
    head, kept, excluded = f"{words}\n\n" if words else "", [], Counter[str]()
    for each in prompts:
        text = text_in(each.text, head, "") if each.text.startswith(head) else ""
        if not text:
            excluded["asked with other words"] += 1
        elif not head and has_instruction(text):
            excluded["with an instruction of their own"] += 1
        else:
            kept.append(Said(text, each.answer, each.weight, each.teacher))
    return kept, excluded


def lessons(rows: Iterable[Said], closed: Closed, excluded: Counter[str]) -> Lessons:
    """Each text once, with the answer that most of its rows gave; sorted by text."""
    votes: dict[str, Counter[tuple[int, ...]]] = defaultdict(Counter)
    teachers, excluded = Counter[str](), Counter(excluded)
    for each in rows:
        places = closed.places_of(each.answer)
        text = each.text.strip()
        if places is None or not text:
            excluded["outside of the closed set" if text else "without a text"] += 1
            continue
        excluded["the same text again"] += text in votes
        votes[text][places] += each.weight
        teachers[each.teacher] += 1
    settled = {}
    for text, found in sorted(votes.items()):
        (first, most), *others = found.most_common()
        if others and others[0][1] == most:
            excluded["answered differently"] += 1
        else:
            settled[text] = first
    return Lessons(
        tuple(settled),
        tuple(settled.values()),
        {why: count for why, count in sorted(excluded.items()) if count},
        {name: count for name, count in sorted(teachers.items()) if name},
    )


def _why_not(run: Taught, students: Sequence[str], teachers: Sequence[str]) -> str | None:
    if run.prompt is None or run.answer is None:
        return "without texts"
    if run.model in students:
        return "of the student itself"
    if teachers and run.model not in teachers:
        return "of other models"
    if run.good is False and run.better is None:
        return "called bad"
    return None if run.system is None else "under a system prompt of their own"


def _lines(path: str) -> Iterator[tuple[int, bytes]]:
    try:
        with open(path, "rb") as file:
            is_gzip = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if is_gzip else open(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, line
    except (OSError, EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]  # gzip lets zlib's errors out
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path} cannot be read: {why}", "name a file of rows, gzip or plain") from error


def _said(line: bytes, where: str) -> Said:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: found no JSON ({error})", _HINT) from error
    if not isinstance(told, dict):
        raise InputError(f"{where}: found no object", _HINT)
    text, answer = _one_of(told, TEXTS, where), _one_of(told, ANSWERS, where)
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{where}: text: found {json.dumps(text)[:40]}, expected a text", _HINT)
    if answer is None or isinstance(answer, list):
        raise InputError(f"{where}: label: found {json.dumps(answer)[:40]}, expected a label or an object", _HINT)
    return Said(text, answer)


def _one_of(told: Mapping[str, Json], keys: Sequence[str], where: str) -> Json:
    for key in keys:
        if key in told:
            return told[key]
    raise InputError(f"{where}: found none of {', '.join(keys)}", _HINT)


def check_enough(lessons_: Lessons, least: int) -> None:
    """Raise UsageError where there is too little to learn anything from."""
    if len(lessons_.texts) < least:
        left_out = ", ".join(f"{count} {why}" for why, count in lessons_.excluded.items()) or "none"
        what = f"{len(lessons_.texts)} answers are too few to learn from (left out: {left_out})"
        raise UsageError(what, f"at least {least} texts with their answers are needed")

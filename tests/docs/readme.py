"""Read the README as what it promises: per heading the files it shows, and the commands with their output."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"


@dataclass
class Step:
    """One command, and the output written below it."""

    command: str
    expected: str
    varies: bool
    """Whether times, ids and instants differ at each run."""
    first: int
    last: int
    """Lines of the file that the output takes: `lines[first:last]`."""


@dataclass
class Section:
    """What stands under one heading."""

    title: str
    files: dict[str, str] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)
    """Comments `<!-- test: WORD -->`: `first run`, `server`, …"""
    steps: list[Step] = field(default_factory=list)


def sections(lines: Sequence[str]) -> list[Section]:
    """The sections that have something to run, in order."""
    found = [Section("first screen")]
    comment, number = "", 0
    while number < len(lines):
        line = lines[number]
        if line.startswith("#"):
            found.append(Section(line.lstrip("#").strip()))
        elif mark := re.fullmatch(r"<!-- test: (.+) -->", line):
            found[-1].marks.add(mark[1])
        elif line.startswith("```") and line != "```":
            number = _fence(found[-1], lines, number, comment)
        comment = line if line.startswith("<!--") else ""
        number += 1
    return [section for section in found if section.steps]


def normalised(text: str) -> str:
    """A text without what differs from run to run."""
    text = re.sub(r"\b[0-9a-hjkmnp-tv-z]{20}\b", "RUN-ID", text)
    text = re.sub(r"\b[0-9a-f]{64}\b", "SHA-256", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(\+00:00|Z)?", "INSTANT", text)
    return re.sub(r"\b\d+(\.\d+)? (ms|s)\b", "TIME", text)


def _fence(section: Section, lines: Sequence[str], start: int, comment: str) -> int:
    """Take in a fenced block; return the line of its end."""
    end = next(n for n in range(start + 1, len(lines)) if lines[n].startswith("```"))
    named = re.fullmatch(r"<!-- file: (\S+) -->", comment)
    if named:
        section.files[named[1]] = "\n".join(lines[start + 1 : end]) + "\n"
    elif lines[start] == "```console":
        section.steps += _steps(lines, start + 1, end, varies="varies" in comment)
    return end


def _steps(lines: Sequence[str], start: int, end: int, *, varies: bool) -> list[Step]:
    steps = []
    number = start
    while number < end:
        assert lines[number].startswith("$ "), f"README line {number + 1}: a console block begins with `$ `"
        command = [lines[number][2:]]
        number += 1
        while number < end and lines[number].startswith("> "):
            command.append(lines[number][2:])
            number += 1
        first = number
        while number < end and not lines[number].startswith("$ "):
            number += 1
        steps.append(Step("\n".join(command), "\n".join(lines[first:number]), varies, first, number))
    return steps

"""Find the last fenced block of an answer: the code without the talk around it."""

from __future__ import annotations

import re

_OPENING = re.compile(r"^([ \t]*)(`{3,}|~{3,})([^\n]*)$")


def last_block(text: str) -> str | None:
    """Return the inside of the last fenced block, or None where there is none.

    As in CommonMark a block ends at a line with at least as many of the same marks and nothing else, so a longer fence
    may hold shorter ones; a fence that nobody closes runs to the end of the text. Unlike there a fence may stand at any
    depth of indentation, because models put them into lists; the block loses the indentation of its fence.
    """
    found: list[str] | None = None
    inside: list[str] = []
    fence = indent = ""
    for line in text.replace("\r\n", "\n").split("\n"):
        if fence:
            if _closes(line, fence):
                found, fence = inside, ""
            else:
                inside.append(_outdent(line, indent))
        elif opening := _open(line):
            indent, fence = opening
            inside = []
    if fence:
        found = inside[:-1] if inside and not inside[-1] else inside
    return None if found is None else "\n".join(found)


def _open(line: str) -> tuple[str, str] | None:
    match = _OPENING.match(line)
    if match is None:
        return None
    indent, fence, info = match.groups()
    return None if fence[0] == "`" and "`" in info else (indent, fence)


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and set(bare) == {fence[0]}


def _outdent(line: str, indent: str) -> str:
    common = 0
    while common < min(len(indent), len(line)) and line[common] in " \t":
        common += 1
    return line[common:]

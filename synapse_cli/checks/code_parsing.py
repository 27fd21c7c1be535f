"""Does a piece of code parse? Each language by its own parser; nothing of it is ever run."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable
from typing import Final, Literal, NoReturn, TypeAlias

from synapse_cli.checks.doubtful import one_line
from synapse_cli.core import child
from synapse_cli.core.control import Control

Language: TypeAlias = Literal["python", "json", "jsonl", "toml", "xml", "sql", "sh", "bash"]
_SAID: Final[dict[Language, tuple[str, ...]]] = {
    "python": ("python", "py", "python3"),
    "json": ("json", "geojson"),
    "jsonl": ("jsonl", "ndjson"),
    "toml": ("toml",),
    "xml": ("xml", "svg", "xsd", "rss"),
    "sql": ("sql", "sqlite", "sqlite3"),
    "sh": ("sh", "shell"),
    "bash": ("bash",),
}
LANGUAGES: Final = {said: language for language, all_said in _SAID.items() for said in all_said}
"""What a fence or a rule may say, and what that is."""
LONGEST = 1_000_000
"""Characters; no parser here takes much longer than a second for so many."""
_SHELL_S = 10.0


class Unparsed(Exception):
    """Nobody here can tell whether the code is right."""


def fault(code: str, language: Language, control: Control) -> str | None:
    """What is wrong with the code, in one line; None where nothing is. Raises Unparsed where that cannot be told."""
    if len(code) > LONGEST:
        raise Unparsed(f"{len(code):,} characters of {language} are more than are parsed ({LONGEST:,})")
    if language in ("sh", "bash"):
        return _shell_fault(code, language, control)
    try:
        _PARSERS[language](code)
    except (RecursionError, MemoryError):
        return "it is nested too deeply"
    except SyntaxError as error:
        return one_line(f"{error.msg} (line {error.lineno})")
    except ValueError as error:
        return one_line(str(error))
    return None


def _python(code: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ast.parse(code)


def _json(code: str) -> None:
    json.loads(code, parse_constant=_refuse)


def _jsonl(code: str) -> None:
    for number, line in enumerate(code.splitlines(), 1):
        try:
            if line.strip():
                json.loads(line, parse_constant=_refuse)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _toml(code: str) -> None:
    import tomllib

    tomllib.loads(code)


def _xml(code: str) -> None:
    """By expat alone; entities of its own are refused, since they may grow without end."""
    from xml.parsers import expat

    parser = expat.ParserCreate()
    parser.EntityDeclHandler = _refuse_entity
    try:
        parser.Parse(code.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from None


def _refuse_entity(name: str, *_: object) -> NoReturn:
    raise ValueError(f"it declares the entity {name!r}, which is not followed")


_SYNTAX = re.compile(r"syntax error|incomplete input|unrecognized token|unterminated|parser stack overflow|near ")


def _sql(code: str) -> None:
    """As SQLite reads it: every statement is compiled for EXPLAIN on an empty database, so that none is ever run.

    A table or function that does not exist is no mistake of syntax, and what the authorizer refuses was read before.
    """
    import sqlite3

    database = sqlite3.connect(":memory:")
    try:
        database.set_authorizer(_allow_harmless)
        for statement in _statements(code):
            try:
                database.execute(f"EXPLAIN {statement}").close()
            except (sqlite3.Error, sqlite3.Warning) as error:
                if _SYNTAX.search(str(error)):
                    raise ValueError(f"{error}, as SQLite reads it") from None
    finally:
        database.close()


def _allow_harmless(action: int, *_: object) -> int:
    """PRAGMA, ATTACH and loading act while they are compiled; nothing else does."""
    import sqlite3

    is_acting = action in {sqlite3.SQLITE_PRAGMA, sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH}
    return sqlite3.SQLITE_DENY if is_acting else sqlite3.SQLITE_OK


def _statements(code: str) -> list[str]:
    """Split at the semicolons that end a statement, which not every semicolon does."""
    import sqlite3

    found, start = [], 0
    for match in re.finditer(";", code):
        if sqlite3.complete_statement(code[start : match.end()]):
            found.append(code[start : match.end()])
            start = match.end()
    rest = [*found, code[start:]]
    bare = [re.sub(r"--[^\n]*|/\*.*?\*/", " ", statement, flags=re.DOTALL).strip(" \t\r\n;") for statement in rest]
    return [statement for statement, kept in zip(rest, bare, strict=True) if kept]


def _shell_fault(code: str, shell: Language, control: Control) -> str | None:
    """By the shell's own `-n`, which reads and runs nothing."""
    ended = child.run((shell, "-n"), code.encode("utf-8", "replace"), timeout_s=_SHELL_S, control=control)
    if isinstance(ended, child.Unended):
        raise Unparsed(ended.reason)
    if ended.exit_code == 0:
        return None
    return one_line(ended.err.decode("utf-8", "replace")) or f"{shell} -n exited with {ended.exit_code}"


_PARSERS: Final[dict[Language, Callable[[str], None]]] = {
    "python": _python,
    "json": _json,
    "jsonl": _jsonl,
    "toml": _toml,
    "xml": _xml,
    "sql": _sql,
}

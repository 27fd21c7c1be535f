"""Read a profile's TOML, and the files it extends, into one table that remembers who said what."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from dataclasses import dataclass, field
from typing import TypeAlias

from synapse_cli.core.errors import Problem
from synapse_cli.core.witness import Witness
from synapse_cli.profile.find import shipped, shipped_folder
from synapse_cli.profile.origin import Source

KeyPath: TypeAlias = tuple[str | int, ...]
Table: TypeAlias = dict[str, object]

MAX_BYTES = 1_000_000
_MAX_FILES = 32
_MAX_DEPTH = 32
_THE_FILE = "the file"
_MANY_PARTS = re.compile(r"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){100}""")
_RACY_NS = 2_000_000_000


@dataclass
class Sources:
    """The merged table of a profile and of everything it extends, with where each key came from."""

    data: Table = field(default_factory=dict)
    origin: dict[KeyPath, str] = field(default_factory=dict)
    files: list[Source] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    root: str = ""

    def file_of(self, where: KeyPath) -> str:
        """The file that said this key, or the nearest table around it."""
        for length in range(len(where), 0, -1):
            if where[:length] in self.origin:
                return self.origin[where[:length]]
        return self.root

    def problem(self, where: KeyPath, found: str, expected: str, hint: str = "") -> None:
        """Remember one mistake at a key."""
        self.problems.append(Problem(self.file_of(where), dotted(where), found, expected, hint))


def read(path: str, witness: Witness) -> Sources:
    """Read the profile at `path`; what cannot be read or parsed is among the problems."""
    sources = Sources(root=path)
    _add(sources, path, witness, [], set())
    return sources


def read_bytes(path: str, witness: Witness) -> tuple[bytes, Source]:
    """The content of a small regular file. Raises ValueError that says what was found instead."""
    try:
        _require_regular(path)
        with open(path, "rb") as file:
            facts = os.fstat(file.fileno())
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        witness.looked_for(path)
        raise ValueError("no such file") from None
    except (OSError, ValueError) as error:
        raise ValueError(getattr(error, "strerror", None) or str(error)) from error
    if len(content) > MAX_BYTES:
        raise ValueError(f"a file of more than {MAX_BYTES // 1_000_000} MB")
    digest = hashlib.sha256(content).hexdigest()
    witness.read(path, digest)
    is_racy = time.time_ns() - facts.st_mtime_ns < _RACY_NS
    return content, Source(path, facts.st_size, facts.st_mtime_ns, facts.st_ino, digest, is_racy)


def _require_regular(path: str) -> None:
    if not stat.S_ISREG(os.stat(path).st_mode):  # asked before opening: a pipe would wait for its writer
        raise ValueError("a directory" if os.path.isdir(path) else "something that is not a regular file")


def dotted(where: KeyPath) -> str:
    """A key path as people write it: `models.small.context`, `accept[0].min`, odd keys in quotes."""
    text = ""
    for key in where:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            bare = key if re.fullmatch(r"[A-Za-z0-9_-]{1,80}", key) else '"' + repr(key[:80])[1:-1] + '"'
            text += f".{bare}" if text else bare
    return text or _THE_FILE


def _add(sources: Sources, path: str, witness: Witness, trail: list[str], seen: set[str]) -> None:
    """Merge a file over what is there: what it extends first, each file once, at its first place."""
    identity = os.path.realpath(path)
    seen.add(identity)
    table = _parse(sources, path, witness)
    trail = [*trail, identity]
    for base in _bases(sources, path, table):
        at = os.path.realpath(base)
        if at in trail:
            chain = " → ".join(os.path.basename(step) for step in [*trail[trail.index(at) :], at])
            sources.problems.append(
                Problem(path, "extends", f"a cycle: {chain}", "files that do not extend each other")
            )
        elif len(seen) >= _MAX_FILES:
            sources.problems.append(Problem(path, "extends", "too many files", f"at most {_MAX_FILES} in all"))
            return
        elif at not in seen:
            _add(sources, base, witness, trail, seen)
    _merge(sources, sources.data, table, path, ())


def _parse(sources: Sources, path: str, witness: Witness) -> Table:
    try:
        content, source = read_bytes(path, witness)
        is_ours = os.path.dirname(path) == shipped_folder()
        sources.files.append(source._replace(is_profile=not is_ours))
        return _table(content)
    except ValueError as error:
        found, _, position = str(error).partition(" (at ")
        where = position.removesuffix(")") or _THE_FILE
        sources.problems.append(Problem(path, where, found, "a profile in TOML", _hint(found)))
        return {}


def _table(content: bytes) -> Table:
    import tomllib

    if b"\0" in content:
        raise ValueError("a binary file")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise ValueError(f"bytes that are not UTF-8 (at line {line}, column {column})") from error
    if _MANY_PARTS.search(text):  # tomllib takes seconds over such a key, and minutes over a longer one
        raise ValueError("a key of a hundred parts")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"wrong TOML: {_lower(str(error)).replace('at end of document', _end(text))}") from error
    except ValueError:
        raise ValueError("a number of thousands of digits") from None
    except RecursionError:
        raise ValueError("lists or tables nested too deeply") from None
    if not table:
        raise ValueError("an empty file")
    _require_plain(table)
    return table


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _end(text: str) -> str:
    lines = text.rstrip("\n").split("\n")
    return f"at line {len(lines)}, column {len(lines[-1]) + 1}"


def _hint(found: str) -> str:
    if found == "an empty file":
        return "synapse profile init writes one"
    return "not synapse's own kind of file?" if found == "a binary file" else ""


def _require_plain(table: Table) -> None:
    """Raise ValueError for what no profile needs and what would hurt later: deep nesting, NUL characters."""
    level: list[object] = [table]
    for _ in range(_MAX_DEPTH):
        inner: list[object] = []
        for value in level:
            if isinstance(value, str) and "\0" in value:
                raise ValueError("a text with a NUL character")
            inner.extend((*value, *value.values()) if isinstance(value, dict) else ())
            inner.extend(value if isinstance(value, list) else ())
        if not inner:
            return
        level = inner
    raise ValueError("lists or tables nested too deeply")


def _bases(sources: Sources, path: str, table: Table) -> list[str]:
    named = table.pop("extends", [])
    if not isinstance(named, list) or not all(isinstance(item, str) and item for item in named):
        sources.problems.append(Problem(path, "extends", repr(named)[:80], 'a list of files such as ["base.toml"]'))
        return []
    for item in named:
        if item.startswith("builtin:") and item[8:] not in shipped():
            expected = "one of " + ", ".join(f"builtin:{name}" for name in shipped())
            sources.problems.append(Problem(path, "extends", f"{item[:80]!r}: no profile of that name", expected))
    return [_base(path, item) for item in named if not item.startswith("builtin:") or item[8:] in shipped()]


def _base(path: str, named: str) -> str:
    """A file that is extended: `builtin:NAME` is one that comes with Synapse, wherever that is installed."""
    if named.startswith("builtin:"):
        return shipped()[named.removeprefix("builtin:")]
    return os.path.abspath(os.path.join(os.path.dirname(path), os.path.expanduser(named)))


def _merge(sources: Sources, base: Table, over: Table, file: str, at: KeyPath) -> None:
    for key, value in over.items():
        where = (*at, key)
        sources.origin[where] = file
        below = base.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            _merge(sources, below, value, file, where)
        elif isinstance(value, dict):
            base[key] = {}
            _merge(sources, base[key], value, file, where)  # type: ignore[arg-type]  # the table made one line above
        else:
            base[key] = value

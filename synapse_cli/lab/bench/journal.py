"""Keep each finished call at once, so that a bench that was cut short goes on where it ended."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from synapse_cli.core.errors import InputError
from synapse_cli.lab.bench.call import Call, from_json

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What a journal holds: the plan it belongs to, and the calls that were made."""

    plan: str
    calls: tuple[Call, ...]


class Journal:
    """A file of JSON lines: the plan's fingerprint, then the calls. Opened at the first call."""

    def __init__(self, path: str, plan: str, *, keeps_text: bool = True) -> None:
        self.path = path
        self._plan = plan
        self._keeps_text = keeps_text
        self._file: int | None = None

    def append(self, call: Call) -> None:
        """Write one line with one write, so that a crash costs at most the call that was in flight."""
        kept = call if self._keeps_text else replace(call, answer=None, message=None)
        line = json.dumps(kept.as_json(), ensure_ascii=False)
        try:
            if self._file is None:
                self._file = self._open()
            os.write(self._file, f"{line}\n".encode("utf-8", "surrogatepass"))
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror}", "save to another place") from error

    def finish(self) -> None:
        """Remove it: the bench is saved, or shown, whole."""
        self.close()
        try:
            os.unlink(self.path)
        except OSError:
            pass  # a finished journal does no harm: the next one of the same plan begins anew

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        os.makedirs(os.path.dirname(self.path) or ".", mode=0o700, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(file).st_size
        if size == 0:
            os.write(file, (json.dumps({"bench": SCHEMA, "plan": self._plan}) + "\n").encode())
        elif os.pread(file, 1, size - 1) != b"\n":
            os.write(file, b"\n")  # the crash came within a line: it is skipped when it is read
        return file


def read(path: str) -> Unfinished | None:
    """What a journal holds; None where there is none. A line that a crash cut short is left out.

    Raises InputError for a file that is no journal: it is somebody's, and is not written over.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().split("\n")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", "save to another place") from error
    head = _object(lines[0])
    if not lines[0].strip():
        return None
    if head is None or head.get("bench") != SCHEMA:
        raise InputError(f"{path} is no journal of a bench", "move it away, or save to another place")
    return Unfinished(str(head.get("plan")), tuple(_calls(lines[1:])))


def _calls(lines: Sequence[str]) -> list[Call]:
    found = []
    for line in lines:
        values = _object(line)
        try:
            if values is not None:
                found.append(from_json(values))  # type: ignore[arg-type]  # json.loads made it
        except ValueError:
            continue
    return found


def _object(line: str) -> dict[str, object] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None

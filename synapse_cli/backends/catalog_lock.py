"""Which file does a source mean, exactly? The lock beside a profile: source → revision and SHA-256.

    synapse.toml  →  synapse.lock          (a project's: commit both)
    default.toml  →  default.lock          (a user's)
    a shipped profile, `-m hf:…`  →  models.lock in the configuration folder

JSON, sorted and indented, so that two pulls of the same thing write the same bytes and a change reads well in a diff.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from synapse_cli.core import places
from synapse_cli.core.errors import InputError, Problem, ProfileError
from synapse_cli.core.exclusive import exclusive
from synapse_cli.core.prompt import Json

_SCHEMA = 1
_MOST_FORMER = 5
_MAX_BYTES = 4_000_000
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model, known by its content."""

    name: str
    """Its path in the repository, or the last part of its address."""
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Pin:
    """What a source meant at one time. A model that is split has several files, in order."""

    revision: str | None
    """The commit; None for an address."""
    files: tuple[File, ...]
    licence: str | None = None

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True)
class Pinned:
    """A source's pin, and what it meant before, newest first."""

    pin: Pin
    former: tuple[Pin, ...] = ()

    def moved_to(self, pin: Pin) -> Pinned:
        """The same source at another revision; what was pinned is kept to go back to."""
        if pin.files == self.pin.files:
            return replace(self, pin=pin)
        older = (self.pin, *(each for each in self.former if each.files != pin.files))
        return Pinned(pin, older[:_MOST_FORMER])


def path_beside(profile: str, env: Mapping[str, str]) -> str:
    """The lock of what a profile's file declares; of what no profile of the user's declares, the user's own."""
    from synapse_cli.profile.find import shipped_folder

    if not profile or os.path.dirname(profile) == shipped_folder():
        return own_path(env)
    return os.path.splitext(profile)[0] + ".lock"


def own_path(env: Mapping[str, str]) -> str:
    """The lock of what was pulled without a profile."""
    return os.path.join(places.folder("config", env), "models.lock")


def read(path: str) -> dict[str, Pinned]:
    """Every pin of a lock; empty where there is none. Raises ProfileError where it is damaged."""
    try:
        with open(path, "rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise InputError(f"cannot read the lock {path}: {error.strerror}", "check its mode") from error
    try:
        table = json.loads(content)
        _require(isinstance(table["schema"], int), "no schema")
        _require(table["schema"] <= _SCHEMA, f"schema {table['schema']}, which is newer than this Synapse")
        return {source: _pinned(entry) for source, entry in table["pins"].items()}
    except _Wrong as wrong:
        raise _damaged(path, str(wrong)) from wrong
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, "something else") from error


def is_writable(path: str) -> bool:
    """Whether a lock can be made or replaced there, as far as the system tells without trying."""
    folder = os.path.dirname(path)
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return os.access(folder, os.W_OK | os.X_OK)


def change(path: str, source: str, update: Callable[[Pinned | None], Pinned | None]) -> None:
    """Replace one source's pin by what `update` makes of it; None forgets the source. Raises InputError."""
    try:
        with exclusive(_turn(path)):
            pins = read(path)
            new = update(pins.get(source))
            if new is None:
                pins.pop(source, None)
            else:
                pins[source] = new
            _write(path, pins)
    except OSError as error:
        raise InputError(f"cannot write the lock {path}: {error.strerror}", "check the folder's mode") from error


def _turn(path: str) -> str:
    """The file that is locked meanwhile: in the store, so that a project's folder is not littered."""
    return os.path.join(places.models(os.environ), "turns", hashlib.sha256(os.fsencode(path)).hexdigest()[:32])


class _Wrong(Exception):
    """What was found in place of a lock."""


def _require(holds: bool, found: str) -> None:
    if not holds:
        raise _Wrong(found)


def _damaged(path: str, found: str) -> ProfileError:
    hint = "delete it and run `synapse models pull` again, or get it back from version control"
    return ProfileError((Problem(path, "the lock", found, "a lock that `synapse models pull` wrote", hint),))


def _pinned(entry: dict[str, Json]) -> Pinned:
    former = entry.get("former", [])
    if not isinstance(former, list):
        raise _Wrong("former pins that are no list")
    return Pinned(_pin(entry), tuple(_pin(each) for each in former))


def _pin(entry: Json) -> Pin:
    if not isinstance(entry, dict):
        raise _Wrong("a pin that is no object")
    files = entry["files"]
    if not isinstance(files, list) or not files:
        raise _Wrong("a pin without files")
    revision, licence = entry.get("revision"), entry.get("licence")
    return Pin(
        revision if isinstance(revision, str) else None,
        tuple(_file(each) for each in files),
        licence if isinstance(licence, str) else None,
    )


def _file(entry: Json) -> File:
    """A file of a pin; its hash becomes part of a path, and so is checked to be one."""
    if not isinstance(entry, dict):
        raise _Wrong("a file that is no object")
    name, sha256, size = entry["name"], entry["sha256"], entry["size"]
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise _Wrong("a hash that is none")
    if not isinstance(name, str) or not isinstance(size, int):
        raise _Wrong("a file without name or size")
    _require(name.lower().endswith(".gguf") and name.isprintable(), "a file that is no .gguf")
    return File(name, sha256, size)


def _write(path: str, pins: Mapping[str, Pinned]) -> None:
    table = {"schema": _SCHEMA, "pins": {source: _told(pins[source]) for source in sorted(pins)}}
    text = json.dumps(table, indent=2, ensure_ascii=False) + "\n"
    places.make_private(os.path.dirname(path))
    scratch = f"{path}.{os.urandom(6).hex()}"
    try:
        with open(scratch, "x", encoding="utf-8") as file:
            file.write(text)
        os.replace(scratch, path)
    except OSError:
        if os.path.exists(scratch):
            os.unlink(scratch)
        raise


def _told(pinned: Pinned) -> dict[str, Json]:
    former: list[Json] = [_told_pin(pin) for pin in pinned.former]
    return {**_told_pin(pinned.pin), **({"former": former} if former else {})}


def _told_pin(pin: Pin) -> dict[str, Json]:
    files: list[Json] = [{"name": f.name, "sha256": f.sha256, "size": f.size} for f in pin.files]
    known = {"revision": pin.revision, "licence": pin.licence}
    return {**{key: value for key, value in known.items() if value is not None}, "files": files}

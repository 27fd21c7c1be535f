"""Where are downloaded models? In a store of files named by their SHA-256, each with a note of what it is.

blobs/HEX.gguf     a whole file, checked before it was given this name, and never changed
notes/HEX.json     where it came from, and the locks that pin it
splits/KEY/NAME    the parts of a split model under the names that llama.cpp looks for: links to blobs
partial/KEY.part   what has arrived of a download; the next pull goes on from there
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from synapse_cli.backends import catalog_lock
from synapse_cli.backends.catalog_lock import File
from synapse_cli.core import places
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.exclusive import exclusive, is_held


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a stored file is."""

    sha256: str
    name: str
    size: int
    source: str
    revision: str | None = None
    licence: str | None = None
    locks: tuple[str, ...] = ()
    """Locks that were seen to pin it; they are asked again before it is deleted."""


def root() -> str:
    """The store's folder."""
    return places.models(os.environ)


def blob_path(sha256: str) -> str:
    """Where a file of this content is, if it is there."""
    return os.path.join(root(), "blobs", f"{sha256}.gguf")


def part_path(key: str) -> str:
    """Where a download is gathered. Makes the folder. Raises OSError."""
    folder = os.path.join(root(), "partial")
    places.make_private(folder)
    return os.path.join(folder, f"{key}.part")


def pull_turn(source: str) -> str:
    """The file that a pull of a source holds from its beginning to its pin."""
    return os.path.join(root(), "pulling", hashlib.sha256(source.encode()).hexdigest()[:32])


def is_being_pulled() -> bool:
    """Whether a pull is going on: what it has brought so far is not pinned yet."""
    folder = os.path.join(root(), "pulling")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return any(is_held(os.path.join(folder, name)) for name in names)


def path_of(files: Sequence[File]) -> str:
    """The path that llama.cpp is given: the file, or the first part of a split model among its fellows."""
    if len(files) == 1:
        return blob_path(files[0].sha256)
    return os.path.join(_split_folder(files), os.path.basename(files[0].name))


def keep(part: str, file: File, *, source: str, revision: str | None, licence: str | None, lock: str) -> None:
    """Take a checked file into the store under its hash. Raises OSError."""
    target = blob_path(file.sha256)
    places.make_private(os.path.dirname(target))
    with open(part, "rb") as arrived:
        os.fsync(arrived.fileno())  # else a power cut may leave a name without its content
    os.chmod(part, 0o400)
    os.replace(part, target)
    name = os.path.basename(file.name)
    _write_note(Note(sha256=file.sha256, name=name, size=file.size, source=source, revision=revision, licence=licence))
    remember_lock(file.sha256, lock)


def link_split(files: Sequence[File]) -> None:
    """Put the parts of a split model side by side under their own names. Raises OSError."""
    folder = _split_folder(files)
    places.make_private(folder)
    for file in files:
        link, blob = os.path.join(folder, os.path.basename(file.name)), blob_path(file.sha256)
        if os.path.exists(link) and os.path.samefile(link, blob):
            continue
        if os.path.lexists(link):
            os.unlink(link)
        try:
            os.link(blob, link)
        except OSError:
            os.symlink(blob, link)


def remember_lock(sha256: str, lock: str) -> None:
    """Note that a lock pins this file, so that `prune` asks it. Raises OSError."""
    with exclusive(os.path.join(root(), "notes", ".turn")):
        note = _read_note(sha256)
        if note is not None and lock not in note.locks:
            _write_note(replace(note, locks=(*note.locks, lock)))


def notes() -> list[Note]:
    """What is in the store, by name."""
    folder = os.path.join(root(), "blobs")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    found = [_read_note(name.removesuffix(".gguf")) for name in names if name.endswith(".gguf")]
    return sorted((note for note in found if note is not None), key=lambda note: (note.name, note.sha256))


def pinned_by(note: Note) -> list[tuple[str, str]]:
    """The locks that pin a file now or formerly, each with the source; a lock that is gone pins nothing."""
    found = []
    for lock in note.locks:
        try:
            pins = catalog_lock.read(lock)
        except SynapseError:
            found.append((lock, note.source))  # unreadable for now: better to keep the file
            continue
        for source, pinned in pins.items():
            if any(file.sha256 == note.sha256 for pin in (pinned.pin, *pinned.former) for file in pin.files):
                found.append((lock, source))
    return found


def drop(sha256: str) -> None:
    """Delete a stored file and its note. Raises OSError."""
    for path in (blob_path(sha256), _note_path(sha256)):
        if os.path.lexists(path):
            os.chmod(path, 0o600)  # Windows deletes nothing that is read-only
            os.unlink(path)
    for folder in _split_folders():
        links = [os.path.join(folder, name) for name in os.listdir(folder)]
        if any(not os.path.exists(link) or os.stat(link).st_nlink == 1 for link in links):
            for link in links:
                os.unlink(link)
            os.rmdir(folder)


def leftovers() -> list[tuple[str, int]]:
    """Downloads that never ended, with their bytes."""
    folder = os.path.join(root(), "partial")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [(os.path.join(folder, n), os.path.getsize(os.path.join(folder, n))) for n in names if n.endswith(".part")]


def _split_folder(files: Sequence[File]) -> str:
    key = hashlib.sha256("".join(file.sha256 for file in files).encode()).hexdigest()
    return os.path.join(root(), "splits", key[:32])


def _split_folders() -> Iterator[str]:
    folder = os.path.join(root(), "splits")
    if os.path.isdir(folder):
        yield from (os.path.join(folder, name) for name in os.listdir(folder))


def _note_path(sha256: str) -> str:
    return os.path.join(root(), "notes", f"{sha256}.json")


def _read_note(sha256: str) -> Note | None:
    """A file's note; of a file whose note is lost, what the file itself tells."""
    try:
        with open(_note_path(sha256), encoding="utf-8") as file:
            table = json.load(file)
        return Note(**{**table, "locks": tuple(map(str, table["locks"])), "sha256": sha256})
    except (OSError, ValueError, LookupError, TypeError):
        try:
            size = os.path.getsize(blob_path(sha256))
        except OSError:
            return None
        return Note(sha256=sha256, name=f"{sha256[:12]}.gguf", size=size, source="?")


def _write_note(note: Note) -> None:
    path = _note_path(note.sha256)
    places.make_private(os.path.dirname(path))
    scratch = f"{path}.{os.urandom(6).hex()}"
    with open(scratch, "x", encoding="utf-8") as file:
        json.dump(asdict(note), file, indent=2)
    os.replace(scratch, path)

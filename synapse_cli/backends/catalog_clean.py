"""Take models away: what a name pins, what nobody pins any more, and downloads that never ended."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from synapse_cli.backends import catalog_lock, catalog_store
from synapse_cli.backends.catalog_lock import Pinned
from synapse_cli.backends.catalog_paths import locks_of
from synapse_cli.backends.catalog_source import key_of
from synapse_cli.core.exclusive import is_held
from synapse_cli.profile.model import Model


@dataclass(frozen=True, slots=True)
class Removal:
    """A file that can go."""

    path: str
    size: int
    why: str
    sha256: str | None = None
    """Of a file of the store; None for a download that never ended."""


def removal_of(model: Model) -> tuple[list[tuple[str, str]], list[Removal]]:
    """What to forget (lock and source) and which files go with it: those that nothing else pins."""
    pins = _pins_of(model)
    hashes = {file.sha256 for lock, key in pins for pin in _all(catalog_lock.read(lock)[key]) for file in pin.files}
    notes = [note for note in catalog_store.notes() if note.sha256 in hashes]
    going = [note for note in notes if all(each in pins for each in catalog_store.pinned_by(note))]
    return pins, [Removal(catalog_store.blob_path(n.sha256), n.size, n.source, n.sha256) for n in going]


def unneeded(*, former: bool) -> list[Removal]:
    """Files of the store that no lock pins, and what is left of downloads that ended early.

    With `former` also what is kept for a rollback. While a pull goes on, nothing of the store: it is not pinned yet.
    """
    found = []
    for note in [] if catalog_store.is_being_pulled() else catalog_store.notes():
        locks = catalog_store.pinned_by(note)
        if not locks or (former and not any(_is_current(note.sha256, *each) for each in locks)):
            why = "kept for a rollback" if locks else "no lock pins it"
            found.append(Removal(catalog_store.blob_path(note.sha256), note.size, why, note.sha256))
    return [*found, *(Removal(path, size, "a download that never ended") for path, size in _abandoned())]


def remember(locks: Iterable[str]) -> None:
    """Note what these locks pin: one that was moved is known by its new place then. Raises OSError."""
    for lock in locks:
        for pinned in catalog_lock.read(lock).values():
            for sha256 in {file.sha256 for pin in _all(pinned) for file in pin.files}:
                catalog_store.remember_lock(sha256, lock)


def forget(pins: Sequence[tuple[str, str]]) -> None:
    """Take sources out of their locks. Raises InputError."""
    for lock, source in pins:
        catalog_lock.change(lock, source, lambda _: None)


def forget_former(hashes: set[str]) -> None:
    """Take former pins whose files went out of the locks. Raises InputError."""
    for lock in {lock for note in catalog_store.notes() for lock, _ in catalog_store.pinned_by(note)}:
        for source, pinned in catalog_lock.read(lock).items():
            if any(file.sha256 in hashes for pin in pinned.former for file in pin.files):
                catalog_lock.change(lock, source, lambda old: Pinned(old.pin) if old else None)


def delete(removals: Sequence[Removal]) -> int:
    """Delete the files; return the bytes that were freed. Raises OSError."""
    for each in removals:
        if each.sha256 is not None:
            catalog_store.drop(each.sha256)
        elif os.path.exists(each.path):
            os.unlink(each.path)
    return sum(each.size for each in removals)


def _pins_of(model: Model) -> list[tuple[str, str]]:
    """The locks that pin a model; a copy that `add --copy` made is pinned under its original's path."""
    source = model.source or ""
    if not source.startswith("file:"):
        key = key_of(source)
        return [(lock, key) for lock in locks_of(model) if key in catalog_lock.read(lock)]
    own, path = catalog_lock.own_path(os.environ), source.removeprefix("file:")
    copies = catalog_lock.read(own).items()
    return [(own, key) for key, pinned in copies if catalog_store.path_of(pinned.pin.files) == path]


def _all(pinned: Pinned) -> tuple[catalog_lock.Pin, ...]:
    return (pinned.pin, *pinned.former)


def _is_current(sha256: str, lock: str, source: str) -> bool:
    pinned = catalog_lock.read(lock).get(source)
    return pinned is not None and any(file.sha256 == sha256 for file in pinned.pin.files)


def _abandoned() -> list[tuple[str, int]]:
    """Downloads that no process is at."""
    return [(path, size) for path, size in catalog_store.leftovers() if not is_held(f"{path}.turn")]

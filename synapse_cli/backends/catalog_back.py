"""Go back to what a source meant before."""

from __future__ import annotations

from synapse_cli.backends import catalog_lock, catalog_store
from synapse_cli.backends.catalog_lock import Pin, Pinned
from synapse_cli.backends.catalog_paths import locks_of
from synapse_cli.backends.catalog_source import key_of
from synapse_cli.core.errors import UsageError
from synapse_cli.core.files import file_sha256
from synapse_cli.profile.model import Model


def back(model: Model, revision: str | None) -> tuple[str, Pin]:
    """Make the newest former pin the current one, or the one whose revision begins so; return lock and pin.

    The two change places, so that doing it again returns. Raises UsageError where there is nothing to go back to.
    """
    source = key_of(model.source or "")
    lock, pinned = _pinned(model, source)
    target = _former(pinned, revision, model.name)
    _require_here(target, model.name)
    catalog_lock.change(lock, source, lambda old: _swapped(old or pinned, target))
    return lock, target


def _pinned(model: Model, source: str) -> tuple[str, Pinned]:
    for lock in locks_of(model):
        pinned = catalog_lock.read(lock).get(source)
        if pinned is not None:
            return lock, pinned
    raise UsageError(f"{model.name!r} is not pinned, so there is nothing to go back to", "synapse models list")


def _former(pinned: Pinned, revision: str | None, name: str) -> Pin:
    if not pinned.former:
        raise UsageError(
            f"{name!r} has no former revision", "`synapse models pull --update` keeps one when it moves on"
        )
    found = [pin for pin in pinned.former if revision is None or (pin.revision or "").startswith(revision)]
    if not found:
        known = ", ".join((pin.revision or "?")[:12] for pin in pinned.former)
        raise UsageError(f"{name!r} was never at {revision!r}", f"former revisions: {known}")
    return found[0]


def _require_here(pin: Pin, name: str) -> None:
    for file in pin.files:
        try:
            is_whole = file_sha256(catalog_store.blob_path(file.sha256)) == file.sha256
        except OSError:
            is_whole = False
        if not is_whole:
            raise UsageError(
                f"the former file of {name!r}, {file.name}, is not on this machine any more",
                f"pull that revision: @{pin.revision}" if pin.revision else "pull it again",
            )


def _swapped(pinned: Pinned, target: Pin) -> Pinned:
    others = tuple(pin for pin in pinned.former if pin.files != target.files)
    return Pinned(target, (pinned.pin, *others))

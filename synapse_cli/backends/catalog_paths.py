"""Where is a local model's file? Of a model that was pulled: in the store, as its lock says, and unchanged.

Never asks the network. A file is believed by its stat where its hash is remembered, else hashed (`core.files`).
Light for the model that is a plain file: a cached answer comes through here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from synapse_cli.core.errors import ModelMissing, ModelUnusable
from synapse_cli.core.files import file_sha256
from synapse_cli.core.witness import Witness
from synapse_cli.profile.model import Model

if TYPE_CHECKING:
    from synapse_cli.backends.catalog_lock import Pin

NANO = "builtin:nano"
MINILM = "builtin:minilm"
_HEX = 64
"""Digits of a SHA-256."""
_REMOTE = ("hf:", "https:", "http:")


def model_path(model: Model) -> str:
    """Return the path of the model's file; of a pulled one, after proof that it is what was pulled.

    Raises ModelMissing where it has to be pulled, ModelUnusable where it is damaged or the source is no local file.
    """
    source = model.source or ""
    if source == NANO:
        return _nano()
    if source.startswith("file:"):
        return _as_named(source.removeprefix("file:"))
    if source.startswith(_REMOTE):
        return _pulled_path(model)
    if source == MINILM:
        from synapse_cli.backends import minilm

        return minilm.ready(os.environ)
    raise ModelUnusable(
        f"model {model.name!r} has the source {source!r}, which is no local file",
        "use builtin:nano, file:PATH, hf:OWNER/REPO/FILE or https:…",
    )


def there(model: Model) -> str:
    """Return the path of the model's file as it is now: to look at a model is no reason to convert it.

    Raises as `model_path` does.
    """
    if model.source != MINILM:
        return model_path(model)
    from synapse_cli.backends import minilm

    if not minilm.is_here(os.environ):
        raise ModelMissing("the encoder MiniLM is not on this machine yet", "synapse models pull minilm")
    return minilm.path(os.environ)


def content_of(model: Model, witness: Witness) -> str:
    """Return the SHA-256 of what the model's file holds; of a pulled one, what its lock says.

    `witness` is told the files that decide it. Raises OSError where a file cannot be read, else as `model_path`.
    """
    if (model.source or "").startswith(_REMOTE):
        pin = _pin(model, witness)
        if pin is None:
            raise _missing(model)
        return "+".join(file.sha256 for file in pin.files)
    path = _minilm() if model.source == MINILM else model_path(model)
    sha256 = file_sha256(path)
    witness.read(path, sha256)
    return sha256


def pin_of(model: Model) -> Pin:
    """Return what the locks say of a pulled model. Raises ModelMissing where they say nothing."""
    pin = _pin(model, Witness())
    if pin is None:
        raise _missing(model)
    return pin


def locks_of(model: Model) -> tuple[str, ...]:
    """The locks that may pin a model: beside the file that declares it, then the user's own."""
    from synapse_cli.backends import catalog_lock

    beside = catalog_lock.path_beside(model.file, os.environ)
    return tuple(dict.fromkeys((beside, catalog_lock.own_path(os.environ))))


def lock_for(model: Model) -> str:
    """The lock that a pull of the model writes: beside its profile, or the user's own where that cannot be written.

    What is pinned beside the profile needs no writing, so that everybody can pull what an administrator pinned.
    """
    from synapse_cli.backends import catalog_lock
    from synapse_cli.backends.catalog_source import key_of

    beside, *own = locks_of(model)
    if not own or catalog_lock.is_writable(beside) or key_of(model.source or "") in catalog_lock.read(beside):
        return beside
    return own[0]


def _nano() -> str:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nano", "nano.gguf")
    if not os.path.exists(path):
        raise ModelMissing("the built-in nano model is not in this installation", "reinstall synapse-llm")
    return path


def _as_named(path: str) -> str:
    """A path. The store names a file by what it holds (`models add --copy`), which is proven before it is believed."""
    folder, name = os.path.split(path)
    sha256 = name.removesuffix(".gguf")
    if len(sha256) != _HEX or os.path.basename(folder) != "blobs" or not os.path.isfile(path):
        return path
    try:
        is_same = file_sha256(path) == sha256
    except OSError:
        return path  # who opens it says what is wrong
    if not is_same:
        raise ModelUnusable(f"{path} was changed or damaged since it was copied", "synapse models add it anew")
    return path


def _minilm() -> str:
    """Where MiniLM is or will be: to ask for its hash is no reason to convert it."""
    from synapse_cli.backends import minilm

    return minilm.path(os.environ)


def _pulled_path(model: Model) -> str:
    from synapse_cli.backends import catalog_store

    pin = pin_of(model)
    for file in pin.files:
        blob = catalog_store.blob_path(file.sha256)
        if not os.path.exists(blob):
            raise ModelMissing(f"{file.name} of {model.source} is pinned and not on this machine", _pull(model))
        _check(blob, file.sha256, model)
    path = catalog_store.path_of(pin.files)
    if not os.path.exists(path):
        raise ModelMissing(f"the parts of {model.source} are not side by side", _pull(model))
    return path


def _pin(model: Model, witness: Witness) -> Pin | None:
    """What the first lock that knows the source says of it."""
    from synapse_cli.backends import catalog_lock
    from synapse_cli.backends.catalog_source import key_of

    source = key_of(model.source or "")
    for lock in locks_of(model):
        pinned = catalog_lock.read(lock).get(source)
        (witness.read if os.path.exists(lock) else witness.looked_for)(lock)
        if pinned is not None and model.sha256 in {None, pinned.pin.files[0].sha256}:
            return pinned.pin
    return None


def _check(path: str, sha256: str, model: Model) -> None:
    try:
        is_same = file_sha256(path) == sha256
    except OSError as error:
        raise ModelMissing(f"cannot read the model {path}: {error.strerror or error}", _pull(model)) from error
    if not is_same:
        raise ModelUnusable(f"the file of {model.name!r} was changed or damaged since it was pulled", _pull(model))


def _missing(model: Model) -> ModelMissing:
    return ModelMissing(f"the model {model.source} is still to be pulled", _pull(model))


def _pull(model: Model) -> str:
    return f"synapse models pull {model.name}"

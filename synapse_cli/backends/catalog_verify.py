"""Are the stored models what they were when they were pulled? Every byte is read again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from synapse_cli.backends import catalog_store
from synapse_cli.backends.catalog_lock import File
from synapse_cli.backends.gguf import check_part
from synapse_cli.core.errors import ModelMissing, ModelUnusable
from synapse_cli.core.files import content_sha256

State = Literal["whole", "damaged", "missing"]


@dataclass(frozen=True, slots=True)
class Verified:
    """How one file was found."""

    file: File
    path: str
    state: State
    found: str | None = None
    """The hash that it has now, where it is another one."""


def verify(files: Iterable[File]) -> Iterator[Verified]:
    """Read each file and compare its hash with its name."""
    for file in files:
        path = catalog_store.blob_path(file.sha256)
        yield _verified(file, path)


def stored() -> list[File]:
    """Every file of the store."""
    return [File(note.name, note.sha256, note.size) for note in catalog_store.notes()]


def _verified(file: File, path: str) -> Verified:
    if not os.path.exists(path):
        return Verified(file, path, "missing")
    try:
        found = content_sha256(path)
        if found != file.sha256:
            return Verified(file, path, "damaged", found)
        check_part(path)
    except (OSError, ModelUnusable, ModelMissing):
        return Verified(file, path, "damaged")
    return Verified(file, path, "whole")

"""Copy a user's own file into the store, so that the original may go."""

from __future__ import annotations

import hashlib
import os

from synapse_cli.backends import catalog_lock, catalog_store
from synapse_cli.backends.catalog_lock import File, Pin, Pinned

_CHUNK = 1 << 20


def copy(path: str) -> str:
    """Copy a file that was checked; return where it is now. Raises OSError."""
    part = catalog_store.part_path(f"copy-{os.urandom(8).hex()}")
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as original, open(part, "xb") as out:
            while chunk := original.read(_CHUNK):
                digest.update(chunk)
                out.write(chunk)
        file = File(os.path.basename(path), digest.hexdigest(), os.path.getsize(part))
        lock, source = catalog_lock.own_path(os.environ), f"file:{path}"
        catalog_store.keep(part, file, source=source, revision=None, licence=None, lock=lock)
    except BaseException:
        if os.path.exists(part):
            os.unlink(part)
        raise
    catalog_lock.change(lock, source, lambda _: Pinned(Pin(None, (file,))))
    return catalog_store.blob_path(file.sha256)

"""What on disk decided an answer, written down so that a later look proves that it still holds.

A manifest is bytes: fields joined by NUL, which no path can hold. As git does, a file is believed by its stat,
except where it changed within two seconds of being noted: then its content is compared.
"""

from __future__ import annotations

import os
import stat as modes

TYPE_CHECKING = False  # see core.places
if TYPE_CHECKING:
    from collections.abc import Iterator

    from synapse_cli.core.witness import Witness

RACY_S = 2.0
_SMALL = 1 << 20
"""Bytes up to which a file is hashed again rather than its hash remembered."""


def note(witness: Witness, started: float, now: float) -> bytes | None:
    """Write down what a run saw, or None where it cannot be proved to be still so.

    `started` is when the run began: a file whose content the witness did not hash must be older than that.
    """
    fields: list[bytes] = []
    for path, sha256 in witness.files.items():
        entry = _noted_file(os.fsencode(path), sha256, started, now)
        if entry is None:
            return None
        fields += entry
    for path in sorted(witness.missing - witness.files.keys()):
        if not _is_missing(os.fsencode(path)):
            return None
        fields += [b"-", os.fsencode(path)]
    for pattern, paths in witness.globs.items():
        matches = _matches(os.fsencode(pattern))
        if matches != sorted(os.path.abspath(os.fsencode(path)) for path in paths):
            return None
        fields += [b"*", os.fsencode(pattern), b"%d" % len(matches), *matches]
    return b"\0".join(fields)


def still_holds(manifest: bytes, now: float) -> bytes | None:
    """Return the manifest where everything in it is as it was, else None.

    A file that had to be compared by content comes back with its new stat, so that this is done once.
    """
    fields: list[bytes] = []
    for entry in _entries(manifest):
        if entry[0] == b"=":
            renewed = _checked_file(entry, now)
            if renewed is None:
                return None
            fields += renewed
            continue
        if entry[0] == b"-" and not _is_missing(entry[1]):
            return None
        if entry[0] == b"*" and _matches(entry[1]) != entry[3:]:
            return None
        fields += entry
    return b"\0".join(fields)


def _entries(manifest: bytes) -> Iterator[list[bytes]]:
    """Split a manifest. Raises ValueError or IndexError for what is not one."""
    fields = manifest.split(b"\0") if manifest else []
    at = 0
    while at < len(fields):
        kind = fields[at]
        if kind == b"=":
            length = 4
        elif kind == b"-":
            length = 2
        elif kind == b"*":
            length = 3 + int(fields[at + 2])
        else:
            raise ValueError("not a manifest")
        if at + length > len(fields):
            raise ValueError("not a whole manifest")
        yield fields[at : at + length]
        at += length


def _noted_file(path: bytes, sha256: str | None, started: float, now: float) -> list[bytes] | None:
    try:
        status = os.stat(path)
        if not modes.S_ISREG(status.st_mode):
            return None
        if sha256 is None and max(status.st_mtime, status.st_ctime) >= started - RACY_S:
            return None
        content = _sha256(path, status)
    except OSError:
        return None
    if sha256 is not None and sha256 != content:
        return None
    return [b"=", path, _stat_of(status, now), content.encode("ascii")]


def _checked_file(entry: list[bytes], now: float) -> list[bytes] | None:
    path, noted, content = entry[1:]
    try:
        status = os.stat(path)
        if _stat_of(status, now, racy=False) == noted:
            return entry
        same_size = noted.split(b" ")[0] == b"%d" % status.st_size
        if not same_size or not modes.S_ISREG(status.st_mode) or _sha256(path, status).encode("ascii") != content:
            return None
    except OSError:
        return None
    return [b"=", path, _stat_of(status, now), content]


def _stat_of(status: os.stat_result, now: float, *, racy: bool | None = None) -> bytes:
    """Size and times as text; a racy one gets a mark that no later stat equals, so that its content is compared."""
    if racy is None:
        racy = max(status.st_mtime, status.st_ctime) > now - RACY_S
    mark = b" racy" if racy else b""
    return b"%d %d %d %d" % (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino) + mark


def _sha256(path: bytes, status: os.stat_result) -> str:
    from synapse_cli.core import files

    return files.content_sha256(path) if status.st_size <= _SMALL else files.file_sha256(path)


def _is_missing(path: bytes) -> bool:
    """Whether nothing is there; where that cannot be told, something is."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _matches(pattern: bytes) -> list[bytes]:
    import glob

    return sorted(os.path.abspath(path) for path in glob.glob(pattern, recursive=True))

"""Gather a file's bytes, however often the connection is cut, and prove that they are the right ones.

What has arrived stays on disk until the file is whole, so that a later command goes on from there.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias, TypeVar

from synapse_cli.backends.catalog_hub import Answer, RemoteFile
from synapse_cli.core.errors import BadAnswer, CutStream, InputError, RateLimited, ServerFailed, TimedOut, Unavailable

Open: TypeAlias = Callable[[int], AbstractContextManager[Answer]]
"""Opens the address from a byte on."""
Progress: TypeAlias = Callable[[int, int | None], None]
"""Is told the bytes that are there, and the bytes that there will be."""

_MOST_CUTS = 5
"""Cuts in a row, without one new byte between them, after which it is given up."""
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 10.0
_MOST_LIMITS = 3
_LONGEST_LIMIT_S = 20.0
"""How long a rate limit is waited for; a longer one is the user's to decide about."""
_CHUNK = 1 << 20
_Asked = TypeVar("_Asked")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(slots=True)
class _Digests:
    """Hashes of the bytes so far: SHA-256, and git's own where that is all the hub tells."""

    sha256: hashlib._Hash
    git: hashlib._Hash

    @classmethod
    def empty(cls, size: int | None) -> _Digests:
        git = hashlib.sha1(b"blob %d\0" % (size or 0), usedforsecurity=False)
        return cls(hashlib.sha256(), git)

    def add(self, chunk: bytes) -> None:
        self.sha256.update(chunk)
        self.git.update(chunk)


def fetch(part: str, file: RemoteFile, open_at: Open, progress: Progress) -> str:
    """Gather the file at `part` and return its SHA-256.

    Raises CutStream, ServerFailed or TimedOut where the connection does not hold (what arrived is kept), BadAnswer
    where the content is not what was promised (what arrived is deleted), InputError where the disk takes no more.
    """
    had = os.path.getsize(part) if os.path.exists(part) else 0
    digests = _gather(part, file, open_at, progress)
    if had and not _is_right(digests, file):
        os.unlink(part)  # what an earlier command left may have been the fault
        digests = _gather(part, file, open_at, progress)
    if not _is_right(digests, file):
        os.unlink(part)
        told, found = file.sha256 or file.git_oid or "", digests.sha256.hexdigest()
        raise BadAnswer(
            f"{file.name} came with the wrong content: its hash is {found[:16]}… and {told[:16]}… was promised",
            "nothing is kept of it; try again, and if it happens again, ask whoever published it",
        )
    return digests.sha256.hexdigest()


def _gather(part: str, file: RemoteFile, open_at: Open, progress: Progress) -> _Digests:
    """Read until the file is whole, going on after each cut."""
    digests, size, cuts = _resumed(part, file)
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
            out.seek(0, os.SEEK_END)
            while file.size is None or out.tell() < file.size:
                begin = out.tell()
                try:
                    size = _read_some(out, digests, file, open_at, progress)
                    if size is None or out.tell() >= size:
                        break
                except (CutStream, ServerFailed, TimedOut, RateLimited) as error:
                    out.flush()
                    cuts = 0 if out.tell() > begin else cuts + 1
                    _wait_or_give_up(error, cuts, out.tell())
    except OSError as error:
        raise unwritable(os.path.dirname(part), error) from error
    return digests


def _resumed(part: str, file: RemoteFile) -> tuple[_Digests, int | None, int]:
    """Hash what is there already; more than the file can have is thrown away."""
    digests = _Digests.empty(file.size)
    try:
        with open(part, "rb") as arrived:
            if file.size is not None and os.fstat(arrived.fileno()).st_size > file.size:
                os.truncate(part, 0)
            while chunk := arrived.read(_CHUNK):
                digests.add(chunk)
    except FileNotFoundError:
        pass
    _require_room(part, (file.size or 0) - (os.path.getsize(part) if os.path.exists(part) else 0))
    return digests, file.size, 0


def _read_some(out: BinaryIO, digests: _Digests, file: RemoteFile, open_at: Open, progress: Progress) -> int | None:
    """Append what one connection brings; return the size that it tells."""
    with open_at(out.tell()) as answer:
        if answer.start != out.tell():  # it does not know ranges, or begins elsewhere
            out.seek(0)
            out.truncate()
            fresh = _Digests.empty(file.size)
            digests.sha256, digests.git = fresh.sha256, fresh.git
            if answer.start:
                raise CutStream(f"{file.name} came from the middle", "try again")
        size = answer.total if file.size is None else file.size
        progress(out.tell(), size)
        for chunk in answer.chunks:
            out.write(chunk)
            digests.add(chunk)
            progress(out.tell(), size)
    return size


def _wait_or_give_up(error: Unavailable, cuts: int, arrived: int) -> None:
    after = error.retry_after_s
    if cuts > _MOST_CUTS or (isinstance(error, RateLimited) and (after is None or after > _LONGEST_LIMIT_S)):
        if arrived:
            error.hint = f"{arrived:,} bytes are kept; run the same command again to go on"
        raise error
    pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**cuts) if cuts else 0.0
    time.sleep(max(pause, after or 0.0))


def patiently(ask: Callable[[], _Asked]) -> _Asked:
    """Ask again where a rate limit is over soon. Raises what the last try raised."""
    for _ in range(_MOST_LIMITS):
        try:
            return ask()
        except RateLimited as error:
            if error.retry_after_s is None or error.retry_after_s > _LONGEST_LIMIT_S:
                raise
            time.sleep(error.retry_after_s)
    return ask()


def _is_right(digests: _Digests, file: RemoteFile) -> bool:
    if file.sha256 is not None:
        return digests.sha256.hexdigest() == file.sha256
    return file.git_oid is None or digests.git.hexdigest() == file.git_oid


def _require_room(part: str, needed: int) -> None:
    folder = os.path.dirname(part)
    free = shutil.disk_usage(folder).free
    if needed > free:
        from synapse_cli.backends.llamacpp_memory import size

        raise InputError(
            f"there is no room in {folder}: {size(needed)} are needed and {size(free)} are free",
            "synapse models prune, or set SYNAPSE_MODELS_DIR to a folder on another disk",
        )


def unwritable(folder: str, error: OSError) -> InputError:
    """Say that a folder of the store takes no more, and what to do."""
    if error.errno in _NO_ROOM:
        return InputError(
            f"the disk is full: {folder} takes no more ({error.strerror})",
            "what arrived is kept; make room and run the same command again",
        )
    return InputError(f"cannot write {folder}: {error.strerror or error}", "check its mode, or set SYNAPSE_MODELS_DIR")

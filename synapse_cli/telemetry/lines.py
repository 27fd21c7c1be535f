"""Append lines to a file that several processes write: OTLP-JSON, as the collector's file receiver reads it.

A file that is full is kept once more under `.1`, so that it takes at most twice its bound.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time

from synapse_cli.core import places
from synapse_cli.core.exclusive import take

MOST = 64 << 20
"""Bytes before the next file is begun."""
_PATIENCE_S = 0.02
"""How long another process may hold the file; one write is whole without the lock too, only turning needs it."""


def append(path: str, data: bytes, *, most: int = MOST) -> None:
    """Write whole lines with one write. Raises OSError where the file cannot take them."""
    places.make_private(os.path.dirname(path))
    handle = _opened(path, most - len(data))
    try:
        before = os.fstat(handle).st_size
        if not _ends_a_line(handle, before):
            data = b"\n" + data  # what a power cut left stays a line of its own
        if os.write(handle, data) < len(data):
            os.ftruncate(handle, before)  # better no line than half of one
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    finally:
        os.close(handle)  # which lets go of the lock


def _opened(path: str, room: int) -> int:
    """The file, open and locked, turned first where more than `room` is in it."""
    while True:
        handle = _open(path)
        try:
            is_ours = _lock(handle)
            status = os.fstat(handle)
            _check(status, path)
            if not is_ours or (_is_at(path, status) and (status.st_size == 0 or status.st_size <= room)):
                return handle
            if _is_at(path, status):
                _turn(path, handle)
        except OSError:
            os.close(handle)
            raise
        os.close(handle)  # it is another one's by now, or `.1`


def _turn(path: str, handle: int) -> None:
    """Keep the full file as the one before; Windows renames none that is open, so that there a line may be lost."""
    if sys.platform == "win32":
        os.dup2(os.open(os.devnull, os.O_RDWR), handle)
    os.replace(path, f"{path}.1")


def _open(path: str) -> int:
    """Open for appending, never waiting for the reader of a pipe."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o600)


def _check(status: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", path)


def _lock(handle: int) -> bool:
    until = time.monotonic() + _PATIENCE_S
    while not take(handle):
        if time.monotonic() > until:
            return False
        time.sleep(0.001)
    return True


def _is_at(path: str, status: os.stat_result) -> bool:
    try:
        now = os.stat(path)
    except FileNotFoundError:
        return False
    return (now.st_dev, now.st_ino) == (status.st_dev, status.st_ino)


def _ends_a_line(handle: int, size: int) -> bool:
    if size == 0:
        return True
    os.lseek(handle, size - 1, os.SEEK_SET)
    return os.read(handle, 1) == b"\n"

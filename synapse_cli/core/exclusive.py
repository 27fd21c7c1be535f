"""Let one process at a time do something: a lock on a file, let go of by the system when its holder dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from synapse_cli.core import places

_PAUSE_S = 0.05


@contextmanager
def exclusive(path: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock file `path` for the length of a `with`; `waiting` is called once where another holds it.

    The file stays behind, empty: deleting it would let two processes hold two files of the same name.
    Raises OSError where it cannot be made. Where the file system knows no locks, nothing is held.
    """
    places.make_private(os.path.dirname(path))
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        is_told = False
        while not take(handle):
            if not is_told:
                waiting()
                is_told = True
            time.sleep(_PAUSE_S)
        yield
    finally:
        os.close(handle)  # which lets go of the lock


def is_held(path: str) -> bool:
    """Whether somebody holds the lock file now. Does not wait."""
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not take(handle)
    finally:
        os.close(handle)


def take(handle: int) -> bool:
    """Take the lock of an open file; whether it is ours now. Does not wait."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # some network file systems have no flock: two downloads there cost bandwidth and no harm
    return True

"""Where do bytes go that are no answer: stdout, or a file that is there whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from synapse_cli.core.errors import ClosedPipe, InputError

Write = Callable[[bytes], None]


@contextmanager
def sink(path: str | None) -> Iterator[Write]:
    """What takes the bytes. A file is replaced in one step, at the end; after an error it is as it was.

    Raises InputError where it cannot be written, ClosedPipe where the reader of stdout went away.
    """
    import tempfile

    if path is None:
        yield _print
        return
    target = os.path.realpath(path)
    try:
        if os.path.exists(target) and not os.path.isfile(target):
            with open(target, "wb") as device:  # /dev/stderr, a named pipe: nothing to replace
                yield _told(device.write, path)
            return
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target) or ".", prefix=".synapse-")
    except OSError as error:
        raise _cannot(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield _told(file.write, path)
        os.chmod(temporary, os.stat(target).st_mode & 0o7777 if os.path.exists(target) else 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError):
            raise _cannot(path, error) from error
        raise


def refuse_unwritable(path: str | None) -> None:
    """Say before long work that its result could not be written: no folder, no right to, or a folder itself.

    Raises InputError. None, which is no file, is well.
    """
    if path is None:
        return
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise InputError(f"cannot write {path!r}: there is no folder {os.path.dirname(path)!r}", "make it first")
    if os.path.isdir(target):
        raise InputError(f"cannot write {path!r}: it is a folder", "name a file in it")
    if not os.access(target if os.path.exists(target) else folder, os.W_OK):
        raise InputError(f"cannot write {path!r}: Permission denied", "name another file")


def _print(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        raise ClosedPipe("", "") from error
    except OSError as error:
        raise InputError(f"cannot write the output: {error.strerror}", "name a file with -o") from error


def _told(write: Callable[[bytes], object], path: str) -> Write:
    def told(data: bytes) -> None:
        try:
            write(data)
        except BrokenPipeError as error:
            raise ClosedPipe("", "") from error
        except OSError as error:
            raise _cannot(path, error) from error

    return told


def _cannot(path: str, error: OSError) -> InputError:
    return InputError(f"cannot write {path!r}: {error.strerror}", "name another file")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

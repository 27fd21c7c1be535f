"""Put the answer where it was asked for: stdout, piece by piece or whole, or a file that is replaced in one step."""

from __future__ import annotations

import os
import sys

from synapse_cli.core.errors import ClosedPipe, InputError

_last = ""


def deliver(answer: str, path: str | None, *, already: bool = False) -> None:
    """Print the answer, or write it to a file; exactly its text, and one newline only if it lacks one."""
    if path is not None:
        write_file(path, _ended(answer))
    elif already:
        if not _last.endswith("\n"):
            write("\n")
    else:
        write(_ended(answer))


def emit(piece: str) -> None:
    """Print a piece at once. Raises ClosedPipe where the reader went away, which ends the call."""
    global _last
    if piece:
        _last = piece
        write(piece)


def end_line() -> None:
    """End the line of a half answer at a terminal, so that what went wrong does not begin within it."""
    if _last and not _last.endswith("\n") and sys.stdout.isatty():
        write("\n")


def write_file(path: str, text: str) -> None:
    """Replace a file in one step; one that holds this text already keeps its modification time.

    Raises InputError where the folder cannot be written. The temporary file stands beside the target, and
    takes over the target's mode.
    """
    import tempfile

    data = text.encode(errors="replace")
    try:
        target = os.path.realpath(path)
        if _holds(target, data):
            return
        if os.path.exists(target) and not os.path.isfile(target):
            with open(target, "wb") as device:  # /dev/stderr, a named pipe: nothing to replace
                device.write(data)
            return
        mode = os.stat(target).st_mode & 0o7777 if os.path.exists(target) else 0o666 & ~_umask()
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target) or ".", prefix=".synapse-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(temporary, mode)
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise InputError(f"cannot write {path!r}: {error.strerror}", "name another file") from error


def write(text: str) -> None:
    """Print at once. Raises ClosedPipe where the reader went away, InputError where stdout takes no more."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise ClosedPipe("", "") from error
    except OSError as error:
        raise InputError(
            f"cannot write the answer: {error.strerror}", "give the answer another place with -o"
        ) from error


def _ended(answer: str) -> str:
    return answer if answer.endswith("\n") else answer + "\n"


def _holds(path: str, data: bytes) -> bool:
    try:
        if os.path.getsize(path) != len(data):
            return False
        with open(path, "rb") as file:
            return file.read() == data
    except OSError:
        return False


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

"""Run a program on a text for a bounded time, and leave nothing of it behind.

Used for the user's own `command` checks, and for work of our own that cannot be stopped inside this process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Thread
from typing import IO, TypeAlias

from synapse_cli.core.control import FAMILY, Control
from synapse_cli.core.errors import Interrupted

_POLL_S = 0.05
_SHORTEST_POLL_S = 0.001
_LAST_WORDS_S = 0.5
_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Ended:
    """The program ran to its end. `out` and `err` are what fitted within the bound."""

    exit_code: int
    out: bytes
    err: bytes


@dataclass(frozen=True, slots=True)
class Unended:
    """The program could not be started, or was killed because its time was over."""

    reason: str


Run: TypeAlias = Ended | Unended


def run(
    argv: Sequence[str],
    text: bytes,
    *,
    timeout_s: float,
    control: Control,
    cwd: str | None = None,
    keep: int = 4096,
) -> Run:
    """Run `argv` without a shell, `text` on its stdin, and keep the first bytes of its two outputs.

    Its whole process group is killed when `timeout_s` or the run's own deadline is over; Ctrl-C kills it too and
    raises Interrupted. (On Windows, which has no process groups of this kind, the program alone is killed.)
    """
    if not argv:
        return Unended("cannot start: no command")
    limit_s = control.remaining_s(timeout_s)
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=None if control.family is None else {**os.environ, FAMILY: control.family},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Unended(f"cannot start {argv[0]!r}: {_why(error)}")
    out, err = bytearray(), bytearray()
    threads = _pump(process, text, out, err, keep)
    try:
        in_time = _wait(process, limit_s, control)
    finally:
        _kill(process)
        for thread in threads:
            thread.join(_LAST_WORDS_S)
    if control.stopped:
        raise Interrupted("interrupted during a check")
    if not in_time:
        return Unended(f"killed after {limit_s:g} s" if limit_s == timeout_s else "killed: the time of the run is over")
    return Ended(process.returncode, bytes(out), bytes(err))


def _pump(process: subprocess.Popen[bytes], text: bytes, out: bytearray, err: bytearray, keep: int) -> list[Thread]:
    """Feed and drain the pipes beside the wait: a program that reads or writes slowly must not stall the other side."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    jobs: list[tuple[Callable[..., None], tuple[object, ...]]] = [
        (_feed, (process.stdin, text)),
        (_drain, (process.stdout, out, keep)),
        (_drain, (process.stderr, err, keep)),
    ]
    threads = [Thread(target=work, args=arguments, daemon=True) for work, arguments in jobs]
    for thread in threads:
        thread.start()
    return threads


def _feed(stdin: IO[bytes], text: bytes) -> None:
    with contextlib.suppress(OSError):  # a program may decide before it has read everything
        stdin.write(text)
    with contextlib.suppress(OSError):
        stdin.close()


def _drain(pipe: IO[bytes], kept: bytearray, keep: int) -> None:
    with pipe:
        while piece := os.read(pipe.fileno(), _CHUNK):
            if len(kept) < keep:
                kept += piece[: keep - len(kept)]


def _wait(process: subprocess.Popen[bytes], limit_s: float, control: Control) -> bool:
    end = time.monotonic() + limit_s
    pause_s = _SHORTEST_POLL_S
    while not control.stopped:
        if _is_over(process):
            return True
        left = end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause_s, left))
        pause_s = min(pause_s * 2, _POLL_S)
    return False


def _is_over(process: subprocess.Popen[bytes]) -> bool:
    """Ask without reaping where that is possible: until then nobody else can get its number, so the kill is safe."""
    if hasattr(os, "waitid"):
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    return process.poll() is not None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the group: the program itself, and children that it started and did not wait for."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:  # pragma: no cover  # Windows
        process.kill()
    process.wait()


def _why(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)

"""Run a command whose stdout and stderr are two terminals, and see what each was sent, piece by piece."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.e2e.machine import PATIENCE_S, Machine


@dataclass
class Shown:
    """What a person would have seen, in the pieces in which it came."""

    code: int = -1
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)


def at_terminal(machine: Machine, command: Sequence[str], *, as_stdin: bool = False) -> Shown:
    """Run a command to its end; stdin is empty, or a terminal at which nobody types."""
    out, out_end = pty.openpty()
    err, err_end = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=out_end if as_stdin else subprocess.DEVNULL,
        stdout=out_end,
        stderr=err_end,
        cwd=machine.work,
        env=machine.env,
        start_new_session=True,
    )
    os.close(out_end)
    os.close(err_end)
    shown = Shown()
    _read({out: shown.out, err: shown.err})
    shown.code = process.wait(PATIENCE_S)
    return shown


def _read(pieces: dict[int, list[str]]) -> None:
    """Read until every terminal has closed. A piece is what one read gives, so a pause of the writer parts two."""
    until = time.monotonic() + PATIENCE_S
    while pieces and time.monotonic() < until:
        ready, _, _ = select.select(list(pieces), [], [], 1.0)
        for terminal in ready:
            try:
                data = os.read(terminal, 65536)
            except OSError:  # EIO: Linux says so where the other side is closed
                data = b""
            if data:
                pieces[terminal].append(data.decode())
            else:
                os.close(terminal)
                del pieces[terminal]

"""A terminal of 80 columns and 24 lines before which somebody sits who can press keys."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.e2e.machine import SYNAPSE, Machine

COLUMNS, LINES = 80, 24
PATIENCE_S = 60
_HOME = "\x1b[H"
_OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes stdin the terminal that a process belongs to, so that Ctrl-C is a signal."""


class Seat:
    """What was drawn so far, and the keys."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int, other_end: int) -> None:
        self.process = process
        self._terminal = terminal
        self._other_end = other_end
        self.modes = termios.tcgetattr(other_end)
        self.drawn = ""

    @property
    def frames(self) -> list[list[str]]:
        """Every screen that was drawn, as lines with their colours."""
        screens = self.drawn.split(_HOME)[1:]
        return [[_undrawn(line) for line in screen.split("\n")] for screen in screens]

    @property
    def text(self) -> str:
        """The last screen without its colours."""
        return "\n".join(plain(line) for line in self.frames[-1]) if self.frames else ""

    def until(self, seen: Callable[[], bool]) -> None:
        """Read what is drawn until something can be seen."""
        end = time.monotonic() + PATIENCE_S
        while not seen():
            assert time.monotonic() < end, self.drawn
            self._read(0.1)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._terminal, keys.encode())

    def tell(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Read to the end, and return the exit code."""
        self.until(lambda: self.process.poll() is not None)
        self._read(0.1)
        return self.process.wait()

    @property
    def modes_now(self) -> list[object]:
        """How the terminal is set."""
        return termios.tcgetattr(self._other_end)

    @property
    def cpu_s(self) -> float:
        """CPU seconds that the process has taken."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _read(self, wait_s: float) -> None:
        ready, _, _ = select.select([self._terminal], [], [], wait_s)
        if ready:
            self.drawn += os.read(self._terminal, 65536).decode("utf-8", "replace")


@contextmanager
def seated(machine: Machine, *arguments: str, **env: str) -> Iterator[Seat]:
    """Run `synapse` at a terminal; it is killed where it does not end."""
    terminal, other_end = pty.openpty()
    termios.tcsetwinsize(other_end, (LINES, COLUMNS))
    process = subprocess.Popen(
        [sys.executable, "-c", _OWN_TERMINAL, SYNAPSE, *arguments],
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        cwd=machine.work,
        env={**machine.env, **env},
        start_new_session=True,
    )
    try:
        yield Seat(process, terminal, other_end)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
        os.close(other_end)


def _undrawn(line: str) -> str:
    """A line as it was drawn, without what wipes the screen and what the terminal adds to a line's end."""
    return re.sub(r"\x1b\[[JK]|\r|\x1b\[\?.*", "", line)


def plain(text: str) -> str:
    """A text without its colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)

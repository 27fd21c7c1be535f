"""A command that is still running: look at it from outside, and press Ctrl-C at the moment that is meant."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.machine import PATIENCE_S, SYNAPSE, Done, Machine


class Running:
    """A process of its own session, so that a signal reaches it alone."""

    def __init__(self, machine: Machine, *arguments: str, **env: str) -> None:
        self.process = subprocess.Popen(
            [SYNAPSE, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=machine.work,
            env={**machine.env, **env},
            start_new_session=True,
        )

    def until(self, reached: Callable[[], bool], what: str) -> Running:
        """Wait for a moment; it must come before the process ends."""
        end = time.monotonic() + PATIENCE_S
        while not reached():
            if self.process.poll() is not None:
                raise AssertionError(f"the process ended before {what}: {self.process.communicate()}")
            if time.monotonic() > end:
                self.process.kill()
                raise AssertionError(f"{what} did not come")
            time.sleep(0.005)
        return self

    def maps(self, path: Path | str) -> bool:
        """Whether a file is mapped into its memory: the loading of a model, or of an engine, has begun."""
        try:
            return str(path) in Path(f"/proc/{self.process.pid}/maps").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False

    def cpu_s(self) -> float:
        """Seconds of processor that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def read(self, size: int) -> bytes:
        """Wait for the first bytes of stdout."""
        assert self.process.stdout is not None
        return os.read(self.process.stdout.fileno(), size)

    def interrupt(self) -> Running:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self

    def end(self) -> Done:
        """Wait for the end; a process that does not hear is killed and fails the test."""
        try:
            out, err = self.process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return Done(self.process.returncode, out, err.decode("utf-8", "replace"))
